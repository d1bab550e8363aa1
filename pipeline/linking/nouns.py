"""Names in their base form: singular, lower case, and in German the nominative."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pipeline.linking.german import GermanNouns
from pipeline.linking.languages import Language

#: Words of a name as printed → its base form.
BaseForm = Callable[[Sequence[str]], str]


def base_forms(language: Language, texts: Iterable[str]) -> BaseForm:
    """How names are brought to their base form in a document of these texts."""
    if language.code == "de":
        return GermanNouns(texts).base_form
    return lambda words: _base_form(words, language)


def _base_form(words: Sequence[str], language: Language) -> str:
    """The head in the singular, where it comes first with the adjectives behind it; acronyms keep their case."""
    head = range(len(words) - 1, len(words))
    if not language.head_last:  # the head and all that agrees with it
        head = range(next((i for i, word in enumerate(words) if word.lower() in language.linkers), len(words)))
    forms = [language.singular(word) if i in head else word for i, word in enumerate(words)]
    name = " ".join(word if sum(c.isupper() for c in word) > 1 else word.lower() for word in forms)
    return name.replace("' ", "'").replace("’ ", "'")  # d'entrée


def head(words: Sequence[str], language: Language) -> str:
    """The noun that a name is about: the last word, or the first that no contrast precedes (*premier* bras)."""
    if language.head_last:
        return words[-1]
    return next((word for word in words if word.lower() not in language.contrasts), words[0])
