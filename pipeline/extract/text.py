"""Mark-up becomes plain text: what is joined, what is parted, what is left out."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lxml import etree

#: Stands where a block ends (list item, table row) and where a line ends. Both are Unicode noncharacters:
#: XML may carry them, no text does.
_BLOCK, _LINE = "\ufdd0", "\ufdd1"

#: What stands before and behind an element's content. Everything else joins seamlessly.
_EDGES: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("li", "row", "dl", "title", "tables", "table", "ul", "ol", "sl"), (_BLOCK, _BLOCK)),
    **dict.fromkeys(("claim-text", "entry", "pre", "maths", "chemistry"), (" ", " ")),
    "dt": (_BLOCK, " "),
    "dd": (" ", _BLOCK),
    "img": ("", " "),
    "br": ("", _LINE),
}
#: A line that opens like an entry of a list: ``10 housing``, ``12a: lid``, ``FIG. 3 shows``.
_ENTRY = re.compile(r"\s*(?:\(?[A-Z]{0,2}\d{1,4}[a-z]?\)?[\s:.,=–-]|fig)", re.IGNORECASE)
_POWER = re.compile(r"\s*[-−–+]?\d")
#: Two small letters behind a script begin a new word, unless they make an ordinal.
_WORD = re.compile(r"(?!(?:th|st|nd|rd)\b)[^\W\d_A-Z]{2}")


def flatten(root: etree._Element) -> None:
    """Write the edges of elements into the text, once per document; :func:`blocks` then reads paragraphs.

    Formulae are read when they are a single symbol and left out otherwise; images leave nothing.
    Pictures are still found in the tree afterwards, except those inside a formula.
    """
    for element in root.iter("maths", "chemistry"):
        _reduce_formula(element)
    for element in root.iter("sup", "sub"):
        _part_script(element)
    for element in root.iter(*_EDGES):
        before, behind = _EDGES[element.tag]
        if before:
            element.text = before + (element.text or "")
        element.tail = behind + (element.tail or "")


def blocks(element: etree._Element) -> list[str]:
    """The text of a paragraph in the pieces that mark-up parts (list items, table rows), white space folded."""
    pieces = (" ".join(line.split()) for piece in content(element).split(_BLOCK) for line in _lines(piece))
    return [piece for piece in pieces if piece]


def plain(element: etree._Element | None) -> str:
    """All the text of an element in one line; empty for None."""
    return "" if element is None else fold(content(element))


def content(element: etree._Element) -> str:
    """All the text of an element as it stands."""
    if not len(element):
        return element.text or ""
    return etree.tostring(element, method="text", encoding="unicode", with_tail=False)


def fold(text: str) -> str:
    """The text with each run of white space (and each edge) made one space, none at the ends."""
    return " ".join(text.replace(_BLOCK, " ").replace(_LINE, " ").split())


def _lines(piece: str) -> Iterable[str]:
    """The piece, or its lines where most of them open like entries of a list."""
    if _LINE not in piece:
        return (piece,)
    lines = [line for line in piece.split(_LINE) if line.strip()]
    if len(lines) > 1 and 2 * sum(_ENTRY.match(line) is not None for line in lines) > len(lines):
        return lines
    return (piece.replace(_LINE, " "),)


def _reduce_formula(element: etree._Element) -> None:
    """Keep a formula of one symbol (θ, or θ with its index) or one that the office gives as words."""
    kept = [leaf.text or "" for leaf in element.iter("{*}mtext", "formula-text")]
    if not kept and next(element.iter("{*}mo", "{*}mfrac", "{*}mtable", "{*}msqrt"), None) is None:
        kept = ["".join(leaf.text or "" for leaf in element.iter("{*}mi", "{*}mn"))]
    for child in list(element):
        element.remove(child)
    element.text = " ".join(kept)


def _part_script(element: etree._Element) -> None:
    """``10<sup>3</sup>`` is no 103, and ``CO<sub>2</sub>and`` are two words."""
    inside, tail = content(element), element.tail or ""
    if element.tag == "sup" and _POWER.match(inside):
        previous = element.getprevious()
        parent = element.getparent()
        before = previous.tail if previous is not None else parent.text if parent is not None else None
        if before and before[-1].isdigit() and not len(element):
            element.text = "^" + inside.lstrip()
    if inside and not inside[-1].isspace() and _WORD.match(tail):
        element.tail = " " + tail
