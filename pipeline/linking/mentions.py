"""Mentions of reference signs in one sentence: which characters may be a sign, and which words name it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from pipeline.linking import german
from pipeline.linking.languages import Language
from pipeline.linking.tokens import Token, tokenize

_SEPARATORS = frozenset(",;/")
_DASHES = frozenset("-–—‐‑")
_OPEN, _CLOSE = "([", ")]"


@dataclass(frozen=True, slots=True)
class Mention:
    """A possible sign in a sentence, ``text[start:end]``, with the words of its name as printed.

    ``name`` runs from the word after the nearest boundary to the last word before the sign. ``bounded``:
    the boundary shows that the name is complete (an article, a number word, a preposition).
    """

    sign: str
    start: int
    end: int
    name: tuple[str, ...]
    bounded: bool
    bracketed: bool
    #: False when an open-class word comes right behind: the number may count it or belong to it (grade 2 titanium).
    closed: bool
    linked: tuple[str, ...] = ()  # what stands left of a linker: "upper cap of" the pneumatic bellows 16


@dataclass(frozen=True, slots=True)
class Group:
    """Signs that one name governs: ``12``, ``(44; 62, 64)``, ``10a to 10d``. Token indices, end exclusive."""

    first: int
    last: int
    signs: tuple[tuple[str, int, int], ...]
    bracketed: bool
    ranged: bool


def find_mentions(text: str, language: Language) -> list[Mention]:
    """Every place of the sentence that may hold a reference sign, in order."""
    tokens = tokenize(text, language)
    mentions: list[Mention] = []
    previous: tuple[int, list[Mention]] | None = None
    for group in _groups(tokens, language):
        found = _named(tokens, group, language)
        if not found[0].name and previous and _shares_name(tokens, previous[0], group.first, language):
            name = previous[1][0]
            found = [replace(m, name=name.name, bounded=name.bounded, linked=name.linked) for m in found]
        mentions += found
        previous = (group.last, found)
    return mentions


def _named(tokens: list[Token], group: Group, language: Language) -> list[Mention]:
    words, bounded, linked, left = name_before(tokens, group.first, language)
    closed = group.bracketed or _is_closed(tokens, group.last, language)
    # An entry of a list begins with its name: "Cylinder cap (3)".
    sure = bounded or (left < 0 and group.bracketed)
    names = _told_apart(tokens, words, left, len(group.signs), language)
    return [
        Mention(sign, start, end, name, sure or len(names) > 1, group.bracketed, closed, linked)
        for (sign, start, end), name in zip(
            group.signs, names * (1 if len(names) > 1 else len(group.signs)), strict=True
        )
    ]


def _told_apart(
    tokens: list[Token], words: tuple[str, ...], left: int, signs: int, language: Language
) -> list[tuple[str, ...]]:
    """The name of each of ``signs`` signs where adjectives tell them apart ("the first and second arms 12 and 14"),
    else the one name."""
    if not words or words[0].lower() not in language.contrasts:
        return [words]
    contrasts, position = [words[0]], left
    while position >= 0 and _continues_row(tokens, position, language):
        if tokens[position].lower in language.contrasts:
            contrasts.insert(0, tokens[position].text)
        position -= 1
    if len(contrasts) == 1:
        return [words]
    if len(contrasts) != signs:
        return [words[1:]]
    return [(contrast, *words[1:]) for contrast in contrasts]


def _continues_row(tokens: list[Token], position: int, language: Language) -> bool:
    """``first, second and``, ``a left and a``: an adjective of the row, what joins it, or an article within it."""
    lower = tokens[position].lower
    if lower in language.contrasts or lower in language.joiners or lower == ",":
        return True
    before = tokens[position - 1].lower if position else ""
    return lower in language.determiners and (before == "," or before in language.joiners)


def _shares_name(tokens: list[Token], end: int, start: int, language: Language) -> bool:
    """``sheets (2) and (3)``: only a joiner stands between the two groups."""
    return 0 < start - end <= 2 and all(
        t.text in _SEPARATORS or t.lower in language.joiners or t.lower in language.spans for t in tokens[end:start]
    )


def _groups(tokens: list[Token], language: Language) -> Iterator[Group]:
    index = 0
    while index < len(tokens):
        group = _bracket_group(tokens, index, language) or _bare_group(tokens, index, language)
        if group is None:
            index += 1
            continue
        signs = [sign for sign, _, _ in group.signs]
        if len(signs) == 1 or len(set(signs)) > 1:  # "the line A-A" is a section, not a part
            yield group
        index = group.last


def _is_sign(token: Token) -> bool:
    return token.kind in ("sign", "letter")


def _bracket_group(tokens: list[Token], index: int, language: Language) -> Group | None:
    if tokens[index].text not in _OPEN or index + 2 >= len(tokens) or not _is_sign(tokens[index + 1]):
        return None
    inner = _sequence(tokens, index + 1, language)
    if inner.last < len(tokens) and tokens[inner.last].text in _CLOSE:
        return Group(index, inner.last + 1, inner.signs, True, inner.ranged)
    return None


def _bare_group(tokens: list[Token], index: int, language: Language) -> Group | None:
    if not _is_sign(tokens[index]):
        return None
    return _sequence(tokens, index, language)


def _sequence(tokens: list[Token], index: int, language: Language) -> Group:
    """Signs joined by commas, joiners, dashes: an enumeration or a range."""
    first, signs, ranged = index, [], False
    while True:
        sign, index = _one_sign(tokens, index, language)
        signs.append(sign)
        joined = _joined(tokens, index, language)
        if joined is None:
            return Group(first, index, tuple(signs), False, ranged)
        index, is_range = joined
        ranged = ranged or is_range


def _one_sign(tokens: list[Token], index: int, language: Language) -> tuple[tuple[str, int, int], int]:
    """The sign at ``index`` in normal form and the index behind it; joins ``4 b`` and ``10-1``."""
    token = tokens[index]
    text, end, index = normal_form(token.text), token.end, index + 1
    if token.text.isdigit() and index < len(tokens):
        after = tokens[index]
        alone = index + 1 >= len(tokens) or tokens[index + 1].text not in {"."}
        letters = "abcdefgh" if language.code == "de" else "bcdf"
        if after.kind == "word" and len(after.text) == 1 and after.text in letters and alone:
            return (text + after.text, token.start, after.end), index + 1
        if _is_suffix(tokens, index, token):
            return (f"{text}-{tokens[index + 1].text}", token.start, tokens[index + 1].end), index + 2
    return (text, token.start, end), index


def _is_suffix(tokens: list[Token], index: int, token: Token) -> bool:
    """``110-1``: a dash without spaces and a smaller number is part of the sign, not a range."""
    if index + 1 >= len(tokens) or tokens[index].text not in "-‐‑":
        return False
    after = tokens[index + 1]
    glued = token.end == tokens[index].start and tokens[index].end == after.start
    return glued and (
        (after.text.isdigit() and int(after.text) < min(int(token.text), 100))
        or (after.kind == "letter" and after.text.isalpha())
    )


def _joined(tokens: list[Token], index: int, language: Language) -> tuple[int, bool] | None:
    """When the tokens at ``index`` lead to another sign of the sequence: its index, and whether as a range."""
    ranged = False
    start = index
    while index < len(tokens) and index - start < 2:
        token = tokens[index]
        if token.text in _DASHES or token.lower in language.spans:
            ranged = True
        elif token.text not in _SEPARATORS and token.lower not in language.joiners:
            break
        index += 1
    if index == start or index >= len(tokens) or not _is_sign(tokens[index]):
        return None
    if tokens[index].kind == "letter" and tokens[start - 1].kind != "letter":
        return None
    return index, ranged


def normal_form(text: str) -> str:
    """A sign as the tables spell it: without brackets and spaces, primes as apostrophes."""
    return re.sub(r"[″]", "''", re.sub(r"[′’]", "'", text.strip("()[] ")))


def name_before(
    tokens: list[Token], index: int, language: Language
) -> tuple[tuple[str, ...], bool, tuple[str, ...], int]:
    """The words that name what stands at ``index``: the words, whether their left edge is sure, where a linker ends
    them the words left of it with the linker, and the token that ends them."""
    words, left = german.phrase(tokens, index, language) if language.code == "de" else _phrase(tokens, index, language)
    if not words:
        return (), False, (), left
    bounded = left >= 0 and _is_boundary(tokens[left], language)
    linked = _linked(tokens, left, language) if language.head_last else ()
    return tuple(words), bounded, linked, left


def _phrase(tokens: list[Token], index: int, language: Language) -> tuple[list[str], int]:
    """Collect words leftward up to a break; the index of the token that stopped it."""
    words: list[str] = []
    position = index - 1
    while position >= 0 and len(words) < 8:
        token = tokens[position]
        if token.kind != "word" or (token.text[0].isdigit() and "-" not in token.text):
            break
        acronym = token.text.isupper() and token.text[1:].isalpha()
        if not acronym and _stops(token.lower, language, inside=bool(words)):
            break
        if words and language.is_verb(token.text):
            break
        words.insert(0, token.text)
        position -= 1
    if position >= 0 and len(words) > 1 and tokens[position].lower in language.modals:
        words.pop(0)  # "may contact layers 36": the verb is no part of the name
    while words and _trimmed(words[0], language):
        words.pop(0)
    return words, position


def _stops(word: str, language: Language, inside: bool) -> bool:
    """True where a word cannot belong to the name; a linker may, inside a name whose head comes first."""
    if word in language.linkers:
        return language.head_last or not inside
    if word in language.breaks_or_nouns:
        return inside
    return word in language.determiners or word in language.breaks


def _trimmed(word: str, language: Language) -> bool:
    lower = word.lower()
    if lower in language.modifiers or lower in language.linkers:
        return True
    return language.code == "en" and lower.endswith("ly") and lower not in {"assembly", "supply", "fly", "family"}


def _is_boundary(token: Token, language: Language) -> bool:
    return token.lower in language.determiners or token.lower in language.prepositions


def _is_closed(tokens: list[Token], index: int, language: Language) -> bool:
    """False where a noun may follow, which the number could count or belong to."""
    if index >= len(tokens) or tokens[index].kind != "word":
        return True
    word = tokens[index]
    if word.lower in language.determiners or word.lower in language.breaks or word.lower in language.linkers:
        return True
    if language.code == "en":
        return word.lower.endswith(("ing", "ed", "ly"))
    return language.code != "de" or word.text[0].islower()


def _linked(tokens: list[Token], left: int, language: Language) -> tuple[str, ...]:
    """``upper cap of the`` pneumatic bellows: the noun phrase left of the linker, the linker and the article."""
    middle: list[str] = []
    position = left
    while position >= 0 and len(middle) < 2 and tokens[position].kind == "word":
        token = tokens[position]
        middle.insert(0, token.text)
        if token.lower in language.linkers or (token.lower in language.joiners and position == left):
            head, _ = _phrase(tokens, position, language)
            return (*head, *middle) if head else ()
        if token.lower not in language.determiners:
            return ()
        position -= 1
    return ()
