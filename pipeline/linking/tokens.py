"""A sentence as tokens: words, what may be a reference sign, what is certainly a number, and punctuation."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, cast

from pipeline.linking.languages import Language

Kind = Literal["word", "sign", "letter", "number", "mark", "blocked"]

_TOKEN = re.compile(
    r"""
    (?P<number>
        \b(?:EP|US|WO|DE|FR|GB|JP|CN|KR|CH|AT|IT|ES|CA|AU|PCT) [ -]?(?:[ABCTU]\d?[ -]?)?
          \d[\d ,./-]{4,}\d (?:[ -]?[ABCTU]\d?)?
      | \d{1,3}(?:[ ]\d{3}){2,}
      | \d{1,3}(?:[.,'’]\d{3}){2,} | \d+[.,]\d+ (?:[.,]\d+)* | \d+/\d+(?:[/,]\d+)* | \d{5,}
      | \d+(?:st|nd|rd|th|er|ère|ème|º|ª)\b )
  | (?P<sign> (?:[A-Z]{0,3}|[a-z])\d{1,4}[a-zA-Z]?['′’″]{0,3} (?![\w°%]|[-‐‑][^\W\d_]{2}) )
  | (?P<letter> (?:[A-Z]|[α-ωΑ-Ω])['′’″]{0,3} (?![\w'’&]) )
  | (?P<elision> \b(?:[ldnsmtjcLDNSMTJC]|[Qq]u|[Jj]usqu|[Ll]orsqu|[Pp]uisqu)['’](?=\w) )
  | (?P<word> (?:e\.g|i\.e|z\.\s?B|d\.\s?h|u\.\s?a|a\.m|p\.m|p\.\s?ej)\. | \w+(?:[-‐‑'’./]\w+)* )
  | (?P<mark> \S )
    """,
    re.VERBOSE,
)
#: What holds a list of figure or claim numbers together.
_LIST_MARKS = frozenset(",-–—/;&")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the sentence; ``text[start:end]`` of the sentence is its text."""

    kind: Kind
    text: str
    start: int
    end: int

    @property
    def lower(self) -> str:
        return self.text.lower().replace("’", "'")


def tokenize(text: str, language: Language) -> list[Token]:
    """The sentence's tokens; numbers that are figure labels, claim numbers, quantities … are ``blocked``."""
    tokens = [Token(_kind(match), match.group(), match.start(), match.end()) for match in _TOKEN.finditer(text)]
    _block_numbered(tokens, language)
    _block_quantities(tokens, language)
    return tokens


def _kind(match: re.Match[str]) -> Kind:
    return "word" if match.lastgroup == "elision" else cast(Kind, match.lastgroup)


def _block(tokens: list[Token], index: int) -> None:
    tokens[index] = replace(tokens[index], kind="blocked")


def _block_numbered(tokens: list[Token], language: Language) -> None:
    """Block the numbers that a figure word, claim word or the like governs: ``FIGS. 1A, 2 and 3(a)-(c)``."""
    index = 0
    while index < len(tokens):
        word = tokens[index].lower.rstrip(".")
        if tokens[index].kind == "word" and _governs(tokens, index, word, language):
            index = _block_list(tokens, index + 1, language, labels=word in language.figure_words)
        else:
            index += 1


def _governs(tokens: list[Token], index: int, word: str, language: Language) -> bool:
    """True where ``word`` numbers what follows; "the small table 10" is a part, "Table 1" is not."""
    if word in language.figure_words or word in language.numbered:
        return True
    if word not in language.numbered_bare:
        return False
    before = [token.lower for token in tokens[max(0, index - 3) : index]]
    return not any(lower in language.determiners for lower in before)


def _block_list(tokens: list[Token], index: int, language: Language, labels: bool) -> int:
    """Block the numbers from ``index`` on that form one list; return where it ends."""
    while index < len(tokens) and tokens[index].text in {".", ":", "No", "Nos", "Nr", "n°", "°", "NO"}:
        index += 1
    expected = True  # a number may come now; false right after one
    while index < len(tokens):
        if expected and _is_listed(tokens, index, labels):
            _block(tokens, index)
            index, expected = index + 1, False
        elif bracket := _bracketed_label(tokens, index):
            for inner in range(index, bracket):
                _block(tokens, inner)
            index, expected = bracket, False
        elif not expected and _continues(tokens, index, language, labels):
            index, expected = index + 1, True
            if tokens[index].text in language.joiners | language.spans:  # ", and"
                index += 1
        else:
            break
    return index


def _is_listed(tokens: list[Token], index: int, labels: bool) -> bool:
    """A number of the list, or a figure label of letters only (FIG. A) that no name follows."""
    token = tokens[index]
    if token.kind in ("sign", "number") and token.text[0].isdigit():
        return True
    followed = index + 1 < len(tokens) and tokens[index + 1].kind == "letter"
    return labels and token.kind in ("sign", "letter") and not followed


def _bracketed_label(tokens: list[Token], index: int) -> int:
    """The index behind ``(a)`` or ``(iv)`` at ``index``, else 0."""
    if index + 2 < len(tokens) and tokens[index].text == "(" and tokens[index + 2].text == ")":
        inner = tokens[index + 1].text
        glued = index > 0 and tokens[index - 1].kind == "blocked"
        if glued and re.fullmatch(r"[a-zA-Z]|[ivx]{1,4}", inner):
            return index + 3
    return 0


def _continues(tokens: list[Token], index: int, language: Language, labels: bool) -> bool:
    """True when the token joins the number before to a number after it."""
    joins = tokens[index].text in _LIST_MARKS or tokens[index].lower in language.joiners | language.spans
    if not joins or index + 1 >= len(tokens):
        return False
    after = tokens[index + 1]
    if after.lower in language.joiners and index + 2 < len(tokens):
        after = tokens[index + 2]
    return (after.kind in ("sign", "number") and after.text[0].isdigit()) or (labels and after.text == "(")


def _block_quantities(tokens: list[Token], language: Language) -> None:
    """Block numbers with a unit behind them or a word of measure before them, and both ends of their ranges."""
    for index, token in enumerate(tokens):
        if token.kind != "sign" or not token.text.isdigit():
            continue
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        if after is not None and _is_unit(token, after, language):
            _block_range(tokens, index, language)
        elif index > 0 and _is_measure(tokens[index - 1], language):
            _block(tokens, index)


def _is_unit(token: Token, after: Token, language: Language) -> bool:
    if after.kind == "mark":
        return after.text in {"%", "°", "‰", "℃", "Å", "€", "$", "×"}
    word = after.lower.rstrip(".")
    # "12 A" and "3 s" are quantities; "12 a" and "12 K" are read as such only where the case is a unit's.
    return word in language.units and not (word in {"a", "c", "k", "u"} and after.text.islower())


def _is_measure(before: Token, language: Language) -> bool:
    return before.lower in language.quantifiers or before.text in {"$", "€", "£", "#", "§", "№"}


def _block_range(tokens: list[Token], index: int, language: Language) -> None:
    """``10 to 25 mg``: the unit speaks for both ends."""
    _block(tokens, index)
    joins = language.spans | language.joiners | _LIST_MARKS
    while index >= 2 and tokens[index - 1].lower in joins and tokens[index - 2].kind in ("sign", "number"):
        index -= 2
        _block(tokens, index)
