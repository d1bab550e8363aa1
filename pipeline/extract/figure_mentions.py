"""Which figures a sentence names: "FIGS. 2A-2C and 5" becomes 2A, 2B, 2C, 5."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pipeline.labels import expand, spell

#: FIG., Figs., Figure, Figuren, figura, Abb., Abbildung, Bild. Group ``many``: the plural.
_WORD = re.compile(
    r"\b(?:fig(?:ure|ura|ur)?|abb(?:ildung)?|bild)(?P<many>s|en|er)?(?![^\W\d_])\s?\.{0,2}\s*(?:n[o°º]\.?\s*)?", re.I
)
_WORD_AGAIN = r"(?:fig(?:ure|ura|ur)?(?:s|en)?\b\.?\s*)?"
#: 2, 2A, 5A1, 27AA, 1.2, 4(a), 3'; or A, B1, IV.
_LABEL = re.compile(
    r"(?P<number>\d{1,3}(?:\.\d{1,2})?)(?P<letter>[A-Z]{2}|[A-Za-z]\d?)?"
    r"(?P<bracket>\([A-Za-z]{1,3}\)|\(\d{1,2}\)|\s\([a-h]\))?(?P<prime>['′’‘`´″”]{0,3})(?![\w])(?!\.\d|,\d{3}\b)"
    r"|(?P<capital>[IVX]{2,5}|[A-Z]\d{0,2})(?P<capital_prime>['′’]{0,3})(?![\w])"
)
#: What may follow a label with a letter or a bracket: "2A and B", "4(a), (b)".
_ELLIPSIS = re.compile(r"(?P<letter>[A-Za-z])(?!\w)|(?P<bracket>\([A-Za-z0-9]{1,3}\))")
#: German prints the letter apart: "Fig. 1 a".
_LOOSE_LETTER = re.compile(r"\s(?P<letter>[a-h])(?![\w.])")
#: The three ways to go on: a range, the last of a list, the next of a list.
_RANGE = re.compile(rf"\s*(?:[-–—‐‑~]|\b(?:to|through|thru|till|bis|à|au|hasta|al)\b)\s*{_WORD_AGAIN}", re.I)
_SPANISH_RANGE = re.compile(rf"\s+a\s+{_WORD_AGAIN}", re.I)
_AND = re.compile(
    r"\s*,?\s*(?:&|/|\b(?:and/or|and|or|und|oder|sowie|bzw\.|et/ou|et|ou|y/o|[yeou]|as well as)(?=\W))\s*", re.I
)
_COMMA = re.compile(r"\s*[,;]\s*")
#: What tells that a number is no label after all.
_QUANTITY = re.compile(
    r"\s*(?:%|°|percent\b|(?:mm|cm|µm|nm|km|m|kg|mg|g|kHz|MHz|GHz|Hz|kV|V|W|kW|s|ms|min|h|ml)\b"
    r"|-(?:shaped|förmig|dimensional))"
)
_SMALL_WORD = re.compile(
    r"\s+(?!(?:and|or|und|oder|sowie|bzw|et|ou|y|e|o|to|through|bis|à|a|fig|figs|figure|figures)\b)[^\W\d_A-Z]"
)
#: "Fig. 3 of US 4,183,715": a figure of another document.
_ELSEWHERE = re.compile(
    r"\s*(?:of|in|from|der|des|in der|aus der|von|du|de|del|de la)\s+(?:the\s+)?(?:(?:above|said|cited)[\w-]*\s+)*"
    r"(?:(?:U\.?\s?S\.?|EP|WO|DE|FR|GB|JP|CN|KR|ES|PCT|D)(?:[-\s]?(?:OS|PS|Pat\S*|[AB]\d?|No\.?|Nr\.?))*[-\s/]*\d"
    r"|patent(?:\s|s?chrift|document)|(?:document|reference|citation)\s+D?\d)",
    re.IGNORECASE,
)
_MOST = 60  # labels that a range may stand for
_NEAR, _FAR = 2, 20  # growth within a list behind the singular: "Fig. 1, 2", "Fig. 6 and 680"


@dataclass(frozen=True, slots=True)
class _Label:
    number: str
    letter: str = ""
    bracket: str = ""
    prime: str = ""

    def __str__(self) -> str:
        return f"{self.number}{self.letter}{self.bracket}{self.prime}"

    @property
    def whole(self) -> int | None:
        """The number of a numbered figure."""
        return int(self.number) if self.number.isdigit() else None


def figure_refs(text: str, language: str = "en") -> list[str]:
    """Labels of the figures that the text names, each once, in order of their first mention.

    Letters and brackets are kept as printed, primes become ``'``, ranges are spelt out. Figures of other
    patents ("Fig. 3 of US 4,183,715") are left out.
    """
    lower = text.lower()
    if "fig" not in lower and "abb" not in lower and "bild" not in lower:
        return []  # most sentences, at a tenth of the price of the search
    found: dict[str, None] = {}
    position = 0
    while match := _WORD.search(text, position):
        labels, position = _read(text, match.end(), language, many=bool(match["many"]))
        if labels and not _ELSEWHERE.match(text, position):
            found.update(dict.fromkeys(labels))
    return list(found)


def declared_labels(num: str) -> list[str]:
    """Labels that an office declares: ``2,2A,2B`` or ``4(a),4(b)``; none in a sheet's number (``0003``)."""
    text = _WORD.sub("", " ".join(num.split())).strip(" .,;")
    if not text or re.fullmatch(r"0\d*", text):
        return []
    labels, end = _read(text, 0, "en", many=True)
    if end < len(text):
        labels = [part.strip() for part in text.split(",") if part.strip()]
    return list(dict.fromkeys(labels))


def _read(text: str, start: int, language: str, many: bool) -> tuple[list[str], int]:
    """Labels of the list that begins at ``start``, and where it ends."""
    first, position = _label_at(text, start, language)
    if first is None or _QUANTITY.match(text, position):
        return [], start
    labels, last, closed, ranged = [str(first)], first, False, False
    while not closed or not _COMMA.match(text, position):
        joiner, begin = _joiner(text, position, language)
        label, end = _next_label(text, begin, last, language) if joiner else (None, begin)
        if label is None or _QUANTITY.match(text, end) or not _continues(text, end, joiner, last, label, many, ranged):
            break
        if joiner == "-" and _hyphenated(text[position:begin], last, label):
            last = replace(last, number=f"{last.number}-{label.number}")
            labels[-1], position = str(last), end
            continue
        labels += [*_between(last, label), str(label)] if joiner == "-" else [str(label)]
        last, position, ranged, closed = label, end, joiner == "-", closed or joiner == "&"
    return labels, position


def _joiner(text: str, position: int, language: str) -> tuple[str, int]:
    """``&``, ``-`` or ``,`` with the place behind it; an empty joiner ends the list."""
    if language == "es" and (match := _SPANISH_RANGE.match(text, position)):
        return "-", match.end()
    for joiner, pattern in (("&", _AND), ("-", _RANGE), (",", _COMMA)):
        if match := pattern.match(text, position):
            return joiner, match.end()
    return "", position


def _label_at(text: str, position: int, language: str) -> tuple[_Label | None, int]:
    match = _LABEL.match(text, position)
    if match is None:
        return None, position
    if capital := match["capital"]:
        return _Label(capital, prime=spell(match["capital_prime"])), match.end()
    label = _Label(match["number"], match["letter"] or "", (match["bracket"] or "").strip(), spell(match["prime"]))
    end = match.end()
    if language == "de" and not label.letter and (loose := _LOOSE_LETTER.match(text, end)):
        return replace(label, letter=loose["letter"]), loose.end()
    return label, end


def _next_label(text: str, position: int, last: _Label, language: str) -> tuple[_Label | None, int]:
    """A further label of a list: a whole one, or the letter or bracket that sets it off from ``last``."""
    if match := _ELLIPSIS.match(text, position):
        if match["bracket"] and last.bracket:
            return replace(last, bracket=match["bracket"], prime=""), match.end()
        letter = match["letter"] or ""
        if letter and last.letter[:1].isupper() == letter.isupper() and "" < last.letter < letter:
            return replace(last, letter=letter, bracket="", prime=""), match.end()
    label, end = _label_at(text, position, language)
    if label is not None and (label.number[0].isdigit() != last.number[0].isdigit()):
        return None, position
    return label, end


def _continues(text: str, end: int, joiner: str, last: _Label, label: _Label, many: bool, ranged: bool) -> bool:
    """Whether the joiner led to a further figure: in "In FIG. 1, 10 denotes" and "FIGS. 1-3, 10 is" it did not."""
    growth = 0 if last.whole is None or label.whole is None else label.whole - last.whole
    if joiner == "&":
        return many or growth <= _FAR
    if joiner == "-" or (many and not ranged):
        return True
    return not _SMALL_WORD.match(text, end) and (many or 0 <= growth <= _NEAR)


def _hyphenated(between: str, last: _Label, label: _Label) -> bool:
    """``FIG. 2-1``: a hyphen inside a label, where the numbers could not be a range."""
    plain = not (last.letter or last.bracket or last.prime)
    falling = last.whole is not None and label.whole is not None and label.whole <= last.whole
    return between == "-" and plain and falling and label != last


def _between(first: _Label, last: _Label) -> list[str]:
    """What a range leaves unsaid between its ends: 2A to 2D, 4(a)-4(c), 1-3, 1 to 3B."""
    if inner := expand(str(first), str(last))[1:-1]:
        return inner
    low, high = first.whole, last.whole
    return [str(n) for n in range(low + 1, high)] if low and high and high - low <= _MOST else []
