"""Reading the lines of a batch of sheets, each at the turn at which it stands.

A sheet's text mostly stands one way; which, a sample of its lines tells. Lines across the page are read upright,
or upside down where the sample reads better so; lines along it at the turn that their sample reads best at; single
characters like the numerals around them. Crops of all sheets share the recogniser's batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.ocr.crops import upright
from pipeline.ocr.ctc import Chars, Steps, confidence, greedy
from pipeline.ocr.engines import Recogniser
from pipeline.ocr.lines import Line

#: Lines of a sheet that are read at several turns to settle which.
_SAMPLE = 12
#: Lines across a page are sampled upside down, too, when they read less surely than this.
_SURE = 0.85
#: Upside down must weigh this many times as much.
_CLEARLY = 1.3
#: Single characters are read one way only when that many times more numerals stand so.
_ONE_WAY = 4
#: Lines less sure than this are read the other way round as well …
_DOUBTFUL = 0.75
#: … and must read so much better to stand against their neighbours.
_MUCH = 0.15


@dataclass(frozen=True)
class ReadLine:
    """A line, the turn at which it was read, and what the recogniser said."""

    line: Line
    turn: int
    steps: Steps


#: Which line of which page, at which turn.
_Place = tuple[int, int, int]


def read_lines(pages: Sequence[Sequence[Line]], recogniser: Recogniser) -> list[list[ReadLine]]:
    """Each page's lines, read."""
    reads = _Reads(pages, recogniser)
    lying = {n: _by_axis(lines, 1) for n, lines in enumerate(pages)}
    standing = {n: _by_axis(lines, 0) for n, lines in enumerate(pages)}
    upright_turn = _upright(standing, reads)
    turned = _better(lying, (90, 270), reads)
    across = [(n, i, upright_turn[n]) for n, lines in standing.items() for i in lines]
    along = [(n, i, turned[n]) for n, lines in lying.items() for i in lines]
    reads.read([*across, *along])
    flipped = {place: (place[0], place[1], (place[2] + 180) % 360) for place in along}
    reads.read([flipped[place] for place in along if confidence(reads.chars[place]) < _DOUBTFUL])
    lines = [*across, *(reads.surer(place, flipped[place]) for place in along)]
    single = {
        (n, i): reads.turns_of_singles(n, standing[n], lying[n], upright_turn[n], turned[n])
        for n, page in enumerate(pages)
        for i in _by_axis(page, None)
    }
    reads.read([(n, i, turn) for (n, i), turns in single.items() for turn in turns])
    lines += [
        (n, i, max(turns, key=lambda turn: confidence(reads.chars[n, i, turn]))) for (n, i), turns in single.items()
    ]
    found: list[list[ReadLine]] = [[] for _ in pages]
    for n, i, turn in lines:
        found[n].append(ReadLine(pages[n][i], turn, reads.steps[n, i, turn]))
    return found


def _by_axis(lines: Sequence[Line], axis: int | None) -> list[int]:
    return [i for i, line in enumerate(lines) if line.axis == axis]


class _Reads:
    """What has been read so far."""

    def __init__(self, pages: Sequence[Sequence[Line]], recogniser: Recogniser) -> None:
        self.pages, self.recogniser = pages, recogniser
        self.steps: dict[_Place, Steps] = {}
        self.chars: dict[_Place, Chars] = {}

    def read(self, places: Iterable[_Place]) -> None:
        """Read what is not known yet, in one call."""
        todo = [place for place in dict.fromkeys(places) if place not in self.steps]
        crops = [upright(self.pages[n][i].crop, turn) for n, i, turn in todo]
        for place, steps in zip(todo, self.recogniser.steps(crops), strict=True):
            self.steps[place], self.chars[place] = steps, greedy(steps, self.recogniser.alphabet)

    def weight(self, n: int, lines: Iterable[int], turn: int) -> float:
        """How much, and how surely, the lines read at a turn."""
        chars = [self.chars[n, i, turn] for i in lines]
        return sum(len(line) * confidence(line) ** 2 for line in chars)

    def surer(self, usual: _Place, other: _Place) -> _Place:
        """The usual turn of the page's lines, unless the other one reads much better."""
        known = other in self.chars
        return (
            other if known and confidence(self.chars[other]) > confidence(self.chars[usual]) + _MUCH else usual
        )  # fmt: skip

    def turns_of_singles(
        self, n: int, standing: Sequence[int], lying: Sequence[int], upright_turn: int, turned: int
    ) -> tuple[int, ...]:
        """The turns at which a page's single characters may stand: those of its numerals."""
        across = sum(_is_numeral(self.chars[n, i, upright_turn]) for i in standing)
        along = sum(_is_numeral(self.chars[n, i, turned]) for i in lying)
        if not across + along:
            return (upright_turn, turned) if lying else (upright_turn,)
        if across >= _ONE_WAY * along:
            return (upright_turn,)
        return (turned,) if along >= _ONE_WAY * across else (upright_turn, turned)


def _is_numeral(chars: Chars) -> bool:
    return 0 < len(chars) <= 6 and any(char.text.isdigit() for char in chars) and confidence(chars) > 0.8


def _sample(lines: Iterable[int], page: Sequence[Line]) -> list[int]:
    """The longest lines."""
    return sorted(lines, key=lambda i: -page[i].glyphs)[:_SAMPLE]


def _upright(standing: dict[int, list[int]], reads: _Reads) -> dict[int, int]:
    """0, or 180 for a page whose lines across read better upside down."""
    samples = {n: _sample(lines, reads.pages[n]) for n, lines in standing.items()}
    reads.read([(n, i, 0) for n, lines in samples.items() for i in lines])
    doubtful = {n: lines for n, lines in samples.items() if _mean_confidence(reads, n, lines) < _SURE}
    reads.read([(n, i, 180) for n, lines in doubtful.items() for i in lines])
    over = {n for n, lines in doubtful.items() if reads.weight(n, lines, 180) > _CLEARLY * reads.weight(n, lines, 0)}
    return {n: 180 if n in over else 0 for n in standing}


def _mean_confidence(reads: _Reads, n: int, lines: Sequence[int]) -> float:
    chars = [char for i in lines for char in reads.chars[n, i, 0]]
    return confidence(chars)


def _better(lying: dict[int, list[int]], turns: tuple[int, int], reads: _Reads) -> dict[int, int]:
    """The turn at which the longest lines along each page read best."""
    samples = {n: _sample(lines, reads.pages[n]) for n, lines in lying.items()}
    reads.read([(n, i, turn) for n, lines in samples.items() for i in lines for turn in turns])
    one, other = turns
    return {n: one if reads.weight(n, lines, one) > reads.weight(n, lines, other) else other
            for n, lines in samples.items()}  # fmt: skip
