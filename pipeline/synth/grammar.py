"""Sentences with parts in them: articles, plurals and agreement in English, German and French.

A template holds slots: ``{the:a}`` is part a with the definite article, ``{one/many:a}`` is the word that agrees
with a's number. Articles are named after their masculine form:

    English   the, a            German   der (nom.), den (acc.), dem (dat.), ein, einen, einem
    French    le, un, du (de + definite), au (à + definite), d'un
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from pipeline.synth.lexicon import Noun, Term

_SLOT = re.compile(r"\{([^:{}]+):(\w+)\}")
_NUMBERS = {
    "en": ("", "one", "two", "three", "four", "five", "six", "seven", "eight"),
    "de": ("", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht"),
    "fr": ("", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit"),
}
#: article → its forms for m, f, n and the plural
_GERMAN = {
    "der": ("der", "die", "das", "die"), "den": ("den", "die", "das", "die"), "dem": ("dem", "der", "dem", "den"),
    "ein": ("ein", "eine", "ein", "#"), "einen": ("einen", "eine", "ein", "#"),
    "einem": ("einem", "einer", "einem", "#"),
}  # fmt: skip
#: article → m, f, before a vowel, plural; '#' stands for the number of members
_FRENCH = {
    "le": ("le ", "la ", "l'", "les "), "un": ("un ", "une ", "", "# "), "du": ("du ", "de la ", "de l'", "des "),
    "au": ("au ", "à la ", "à l'", "aux "), "d'un": ("d'un ", "d'une ", "", "de # "),
}  # fmt: skip
_VOWELS = frozenset("aeiouyéèêàâîôûhAEIOUÉÈÊ")


@dataclass(frozen=True)
class Mention:
    """A part as a sentence names it; ``signs`` empty names it without reference signs."""

    term: Term
    signs: tuple[str, ...] = ()
    count: int = 1


@dataclass(frozen=True)
class Typography:
    """How signs stand in the running text: bold, in brackets (claims)."""

    bold: bool = False
    brackets: bool = False

    def signs(self, signs: Sequence[str]) -> str:
        """The signs as they follow a noun, as XML."""
        shown = [f"<b>{escape(s, quote=False)}</b>" if self.bold else escape(s, quote=False) for s in signs]
        joined = ", ".join(shown)
        return f" ({joined})" if self.brackets and shown else (f" {joined}" if shown else "")


def sentence(
    template: str, mentions: Mapping[str, Mention], language: str, typography: Typography, capital: bool = True
) -> str:
    """Fill the template's slots and begin with a capital unless told otherwise; the result is XML text."""

    def fill(match: re.Match[str]) -> str:
        form, mention = match.group(1), mentions[match.group(2)]
        if "/" in form:
            return form.split("/")[mention.count > 1]
        return noun_phrase(form, mention, language, typography)

    text = _SLOT.sub(fill, template)
    return text[0].upper() + text[1:] if capital else text


def noun_phrase(article: str, mention: Mention, language: str, typography: Typography = Typography()) -> str:
    """Article, noun and signs; the article ``-`` leaves it out."""
    noun = mention.term.noun(language)
    name = noun.one if mention.count == 1 else noun.many
    if language == "de" and mention.count > 1 and article in ("dem", "einem") and name[-1] not in "ns":
        name += "n"
    number = _NUMBERS[language][min(mention.count, 8)]
    words = _ARTICLES[language](article, noun, name, mention.count, number)
    return escape(words, quote=False) + typography.signs(mention.signs)


def _english(article: str, noun: Noun, name: str, count: int, number: str) -> str:
    if article == "-":
        return name
    if article == "the":
        return f"the {name}"
    if count > 1:
        return f"{number} {name}"
    return f"{'an' if name[0].lower() in 'aeio' else 'a'} {name}"


def _german(article: str, noun: Noun, name: str, count: int, number: str) -> str:
    if article == "-":
        return name
    form = _GERMAN[article]["mfn".index(noun.gender) if count == 1 else 3]
    return f"{number if form == '#' else form} {name}"


def _french(article: str, noun: Noun, name: str, count: int, number: str) -> str:
    if article == "-":
        return name
    masculine, feminine, elided, many = _FRENCH[article]
    if count > 1:
        return many.replace("#", number) + name
    if elided and name[0] in _VOWELS:
        return elided + name
    return (feminine if noun.gender == "f" else masculine) + name


_ARTICLES = {"en": _english, "de": _german, "fr": _french}


def plain(xml: str) -> str:
    """The text of an XML fragment."""
    text = re.sub(r"<[^>]+>", "", xml)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def listed(items: Sequence[str], language: str) -> str:
    """``a, b and c``."""
    word = {"en": "and", "de": "und", "fr": "et"}[language]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {word} {items[-1]}"
