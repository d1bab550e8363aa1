"""Figure labels: one normal form for what is printed on sheets, declared by offices and named in texts.

A label is what follows the word "FIG.", without spaces and as printed: 1, 2A, 4(a), 3'. Two spellings
mean the same figure when their keys are equal.
"""

from __future__ import annotations

import re

_SPELLING = str.maketrans(
    {
        "’": "'",
        "‘": "'",
        "′": "'",
        "`": "'",
        "´": "'",
        "ʹ": "'",
        "＇": "'",
        "″": "''",
        '"': "''",
        "”": "''",
        "“": "''",
        "—": "-",
        "–": "-",
        "−": "-",
        "‐": "-",
        "‑": "-",
        **{chr(0xFF01 + i): chr(0x21 + i) for i in range(94)},
    }
)
#: The word before a figure's number, in the offices' languages.
WORD = r"(?:FIGUR(?:E[SN]?|AS?)|FIGUR|FIGS?|ABB(?:ILDUNG(?:EN)?)?)"
NUMBER = r"(?:\d{1,3}|[IVX]{1,5})"
_SUFFIX = r"(?:\s?\([A-Za-z0-9]{1,3}\)|(?:-?[A-Za-z]{1,2}\d?(?![A-Za-z])))?'{0,3}"
LABEL = rf"{NUMBER}{_SUFFIX}"
_PARTS = re.compile(rf"(?P<number>{NUMBER})(?P<suffix>.*)")
_LONGEST_RANGE = 40
#: "FIG" in six languages, as recognisers also misread its letters; what signs such as P60, F161 and TC2 begin with only
#: where the number stands apart.
_READ_WORD = re.compile(
    r"^[\W_]*(?:[FEPRT](?:[Il|!íi][GC6]|1[GC]|(?:[GC]|1?6)(?=[\s.])|(?<=F)[GC])(?:\.?S|UR(?:E[SN]?|AS?|EN)?)?|ABB(?:ILDUNG)?)(?![A-Z]{2})[\s.,:;·_-]*",
    re.IGNORECASE,
)
_READ_LABEL = re.compile(
    r"^(?P<number>[IVX]{2,5}|[0-9IlOo]{1,3}|[VX])\s?-?\s?(?P<suffix>\([A-Za-z0-9]{1,2}\)|[A-Za-z]{0,2})(?P<prime>'{0,3})"
    r"(?:\s?[-~]\s?(?P<last>\(?(?:[A-Za-z]|\d{1,3}[A-Za-z]?)\)?)(?![A-Za-z]))?(?:[\s.,:;]*(?:[\[(/].*)?|(?:\s?:|\s-)\s+\S.*|\s[A-Z]\w.*)$"
)
_AS_DIGITS = str.maketrans("IlOo", "1100")
#: A recogniser that knows Greek reads the letters of a label's hand as Greek ones.
_AS_LATIN = str.maketrans("αβρσ", "abpa")


def spell(text: str) -> str:
    """One spelling for primes, dashes and full-width characters; white space folded."""
    return " ".join(text.translate(_SPELLING).split())


def normal_label(text: str) -> str:
    """A label as printed, without spaces and surrounding punctuation: 2A, 4(a), 3'."""
    return re.sub(r"\s+", "", spell(text)).strip(".,:;-_")


def label_key(label: str) -> str:
    """What two spellings of one label share: 4(a), 4a and 4A are one figure."""
    return re.sub(r"[()\[\]\s.-]", "", normal_label(label)).casefold()


def expand(first: str, last: str) -> list[str]:
    """The labels from ``first`` to ``last``: 2A-2C, 1a-d, 4-7. Just the two when they span no series."""
    first, last = normal_label(first), normal_label(last)
    if first.isdigit() and last.isdigit() and int(first) < int(last) <= int(first) + _LONGEST_RANGE:
        return [str(number) for number in range(int(first), int(last) + 1)]
    start = _PARTS.fullmatch(first)
    if start is None:
        return [first, last]
    begin, end = start["suffix"].strip("()"), last.removeprefix(start["number"]).strip("()")
    if len(begin) == len(end) == 1 and (begin + end).isalpha() and begin < end and begin.isupper() == end.isupper():
        return [first.replace(begin, chr(code)) for code in range(ord(begin), ord(end) + 1)]
    return [first, last]


def is_figure_word(text: str) -> bool:
    """True for a "FIG." that has lost its number."""
    text = spell(text)
    word = _READ_WORD.match(text)
    return word is not None and word.end() == len(text)


def printed_labels(text: str) -> tuple[str, ...]:
    """The labels of "FIG. 2A", "Figur 3", "FIGS. 1a-d": 2A · 3 · 1a, 1b, 1c, 1d. Empty when it is none.

    ``text`` is what a recogniser read: letters and digits that it confuses are allowed for.
    """
    text = spell(text).translate(_AS_LATIN)
    word = _READ_WORD.match(text)
    match = _READ_LABEL.match(text[word.end() :]) if word else None
    if match is None:
        return ()
    number = match["number"]
    if not re.fullmatch(r"[IVX]{2,}|V|X", number):
        number = number.translate(_AS_DIGITS)
    label = normal_label(number + match["suffix"] + match["prime"])
    return tuple(expand(label, match["last"])) if match["last"] else (label,)
