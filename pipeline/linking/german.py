"""What German asks for beyond word lists: phrases are told by capitals, names are brought to the nominative."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from pipeline.linking.languages import Language
from pipeline.linking.tokens import Token

_ADJECTIVE = re.compile(r"^(?P<stem>[a-zäöüß-]{3,}?)(?P<ending>e|en|er|es|em)$")
#: Endings of the genitive and of plurals, longest first; ``^`` stands for an umlaut that falls away.
_ENDINGS = ("ern", "nen", "en", "es", "er^", "er", "e^", "e", "n", "s", "^")
_SURE_PLURALS = (("ungen", "ung"), ("heiten", "heit"), ("keiten", "keit"), ("ionen", "ion"), ("toren", "tor"))
_UMLAUTS = str.maketrans("äöüÄÖÜ", "aouAOU")
#: What an article before a noun says of its gender; der, den and die say different things of different cases.
_GENDER = {
    "das": "n", "ins": "n", "einen": "m", "diesen": "m", "seinen": "m", "eine": "f", "einer": "f", "zur": "f",
    "dieser": "f", "seine": "f", "dieses": "n", "ein": "mn", "des": "mn", "dem": "mn", "im": "mn", "am": "mn",
    "vom": "mn", "zum": "mn", "beim": "mn", "einem": "mn", "eines": "mn", "die": "f", "der": "mf", "den": "m",
    "der -e": "m", "der -en": "f",
}  # fmt: skip
#: Articles that only the singular has.
_SINGULAR = frozenset(
    ["das", "ein", "eine", "einen", "einem", "eines", "einer", "des", "dem", "im", "am", "vom", "zum", "zur", "beim"]
)
#: Feminine nouns whose plural adds -en to a stem without -e: Nut, Nuten.
_SHORT_FEMININES = ("nut", "bahn", "tür", "schicht", "spur", "form", "naht", "last", "zahl", "uhr")
#: Letters by which the last part of a compound is known.
_TAIL = 5
_NOMINATIVE = {"m": "er", "f": "e", "n": "es"}


def phrase(tokens: Sequence[Token], index: int, language: Language) -> tuple[list[str], int]:
    """The noun before ``index`` with its adjectives, and the token that stopped it: "der obere Deckel" 3.

    In "in Längsrichtung verlaufende Nuten" the participle belongs to what stands before it, not to the name.
    """
    position = index - 1
    words: list[str] = []
    while position >= 0 and len(words) < 3 and _is_noun(tokens[position], language):
        words.insert(0, tokens[position].text)
        position -= 1
    adjectives: list[str] = []
    while words and position >= 0 and len(adjectives) < 4 and _is_adjective(tokens[position], language):
        adjectives.insert(0, tokens[position].text)
        position -= 1
    if adjectives and position >= 0 and _is_noun(tokens[position], language):
        adjectives.pop(0)
    while adjectives and adjectives[0].lower() in language.modifiers:
        adjectives.pop(0)
    return adjectives + words, position


def _is_noun(token: Token, language: Language) -> bool:
    lower = token.lower
    closed = lower in language.determiners or lower in language.breaks or lower in language.modifiers
    return token.kind == "word" and token.text[0].isupper() and not closed


def _is_adjective(token: Token, language: Language) -> bool:
    lower = token.lower
    closed = lower in language.determiners or lower in language.breaks
    return token.kind == "word" and not closed and _ADJECTIVE.match(token.text) is not None


class GermanNouns:
    """The nouns of one document: their base forms and genders, learnt from how the text inflects them."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._words: Counter[str] = Counter()
        self._cues: dict[str, Counter[str]] = defaultdict(Counter)
        for text in texts:
            words = re.findall(r"[A-Za-zÄÖÜäöüß-]+", text)
            self._words.update(word for word in words if word[0].isupper() and len(word) > 2)
            for place, word in enumerate(words):
                if word[0].isupper() and (article := _article(words, place)) is not None:
                    self._cues[word][article] += 1
        self._tails = {word[-_TAIL:].lower() for word in self._words if len(word) > _TAIL}
        self._genders: dict[str, Counter[str]] = defaultdict(Counter)
        for word, articles in self._cues.items():
            base = self.singular(word)
            for article, count in articles.items():
                # A form that differs from its base is a genitive or a plural; "die" before it says nothing.
                if word == base or article in ("des", "eines"):
                    for gender in _GENDER[article]:
                        self._genders[base][gender] += count * (3 - len(_GENDER[article]))

    def singular(self, word: str) -> str:
        """The nominative singular of a noun, as far as the document shows it."""
        bases = list(_bases(word))
        if known := [base for base in bases if base in self._words]:
            return known[0]
        # Rastelemente, where the document has a Gehäuseelement
        alike = [b for b in bases if len(b) > _TAIL and b[-_TAIL:].lower() in self._tails and word.startswith(b)]
        if alike and len(alike[0]) < len(word):
            return alike[0]
        for plural, singular in _SURE_PLURALS:
            if word.endswith(plural):
                return word[: -len(plural)] + singular
        if word.endswith(("en", "ern", "eln")) and self._is_plural(word):
            return word[:-2] if word[:-2].lower().endswith(_SHORT_FEMININES) else word[:-1]
        return word

    def _is_plural(self, word: str) -> bool:
        """True for a word that stands behind "die", and never behind an article of the singular or in the genitive."""
        cues = self._cues[word]
        return "die" in cues and not _SINGULAR & set(cues) and word + "s" not in self._words

    def base_form(self, words: Sequence[str]) -> str:
        """A name in the nominative singular as lists of reference signs print it: "oberer Deckel"."""
        if not words:
            return ""
        noun = self.singular(words[-1])
        return " ".join([*(_declined(word, self._ending(noun)) for word in words[:-1]), noun])

    def _ending(self, noun: str) -> str:
        """The ending of an adjective before the noun; a compound has the gender of its last part."""
        genders = self._genders.get(noun)
        if not genders or len(set(genders.values())) < len(genders):
            alike = (g for known, g in self._genders.items() if known[-_TAIL:].lower() == noun[-_TAIL:].lower())
            genders = sum(alike, Counter())
        return _NOMINATIVE[genders.most_common(1)[0][0]] if genders else "e"


def _bases(word: str) -> Iterator[str]:
    """What the word may be an inflected form of."""
    for ending in _ENDINGS:
        bare = ending.rstrip("^")
        if len(word) - len(bare) >= 3 and word.endswith(bare):
            base = word[: len(word) - len(bare)]
            base = base.translate(_UMLAUTS) if ending.endswith("^") else base
            if base != word:
                yield base


def _article(words: Sequence[str], place: int) -> str | None:
    """The article before a noun, adjectives aside; their ending tells "der flachen Seite" from "der flache Kopf"."""
    ending = ""
    for before in range(place - 1, max(-1, place - 4), -1):
        lower = words[before].lower()
        if lower in _GENDER:
            return f"{lower} -{ending}" if lower == "der" and ending in ("e", "en") else lower
        match = _ADJECTIVE.match(words[before])
        if words[before][0].isupper() or match is None:
            return None
        ending = ending or match["ending"]
    return None


def _declined(word: str, ending: str) -> str:
    match = _ADJECTIVE.match(word)
    return match["stem"] + ending if match else word
