"""What the finder of reference signs must know of a language: closed word classes, and how nouns inflect."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

from pipeline.linking import inflection

_WORDS = Path(__file__).parent / "words"


@dataclass(frozen=True)
class Language:
    """The closed word classes of one language, as ``words/CODE.toml`` lists and explains them."""

    code: str
    determiners: frozenset[str]
    prepositions: frozenset[str]
    breaks: frozenset[str]
    breaks_or_nouns: frozenset[str]
    linkers: frozenset[str]
    modifiers: frozenset[str]
    modals: frozenset[str]
    contrasts: frozenset[str]
    joiners: frozenset[str]
    spans: frozenset[str]
    figure_words: frozenset[str]
    numbered: frozenset[str]
    numbered_bare: frozenset[str]
    units: frozenset[str]
    quantifiers: frozenset[str]
    steps: frozenset[str]
    singular_s: frozenset[str]
    plural_modifiers: frozenset[str]
    #: What a step is called, and a part that the text never names.
    step_name: str
    unknown_name: str
    #: True where a name ends at its sign with its head noun (a round *plate* 12); false where the head comes
    #: first and the sign after its complements (*plaque* ronde 12).
    head_last: bool
    _singular: Callable[[str], str]

    def singular(self, word: str) -> str:
        """The singular of a noun, as far as its ending tells."""
        return word if len(word) < 4 or word.lower() in self.singular_s else self._singular(word)

    def is_verb(self, word: str) -> bool:
        """True for a word inside a phrase that can only be a verb: English *presses* in "operator presses pedal"."""
        return self.code == "en" and len(word) > 3 and self.singular(word) != word and word not in self.plural_modifiers


def _load(code: str, head_last: bool, singular: Callable[[str], str]) -> Language:
    words = tomllib.loads((_WORDS / f"{code}.toml").read_text(encoding="utf-8"))
    classes = {f.name: frozenset(words[f.name].split()) for f in fields(Language) if f.type == "frozenset[str]"}
    classes["breaks"] |= classes["prepositions"]
    return Language(code=code, head_last=head_last, _singular=singular, step_name=words["step_name"],
                    unknown_name=words["unknown_name"], **classes)  # fmt: skip


LANGUAGES: dict[str, Language] = {
    "en": _load("en", True, inflection.english),
    "de": _load("de", True, inflection.german),
    "fr": _load("fr", False, inflection.french),
    "es": _load("es", False, inflection.spanish),
}


def language(code: str) -> Language:
    """The language of an ISO 639-1 code; English stands in for one that is not known here."""
    return LANGUAGES.get(code, LANGUAGES["en"])
