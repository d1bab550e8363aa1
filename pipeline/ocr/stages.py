"""Reading as five stages: prepare → detect → find → recognise → finish.

The networks run in ``detect`` and ``recognise``, everything else on any processor. A stage takes a batch of items
and gives one result for each; what it cannot do becomes a reject, which the later stages pass on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.config import Settings
from pipeline.errors import Reason, Reject, RejectedItemError
from pipeline.ocr import engines
from pipeline.ocr.engines import Detector, Reading, Recogniser, View
from pipeline.ocr.ink import find_ink
from pipeline.ocr.lines import Line, completed, find_lines
from pipeline.ocr.pages import Page, Prepared, prepare
from pipeline.ocr.readings import clearest, enlarged, page_readings
from pipeline.ocr.turns import ReadLine, read_lines
from pipeline.pixels import decode

#: A sheet is read turned when so many times the characters stand upright then.
_MOSTLY = 1.5

#: A batch in, a result for each item out. Raises MemoryError when the batch is too large.
Call = Callable[[Sequence[Any]], list[Any]]


@dataclass(frozen=True)
class Stage:
    """``make`` loads what the stage needs and gives the call; ``network``: it wants an accelerator."""

    name: str
    make: Callable[[Settings], Call]
    network: bool = False


@dataclass(frozen=True)
class Detected:
    """A sheet with the detector's answer for each page."""

    sheet: Prepared
    heat: tuple[engines.Heat, ...]


@dataclass(frozen=True)
class FoundPage:
    """The lines of a page that was set upright by ``turn``."""

    shape: tuple[int, int]
    turn: int
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Found:
    """A sheet's pages with their lines."""

    shape: tuple[int, int]
    factor: int
    pages: tuple[FoundPage, ...]


@dataclass(frozen=True)
class Recognised:
    """A sheet's lines with what the recogniser said of them; ``engine`` is the recogniser's name."""

    sheet: Found
    read: tuple[tuple[ReadLine, ...], ...]
    alphabet: Sequence[str]
    engine: str


@dataclass(frozen=True)
class ReadSheet:
    """What is written on a sheet, in no particular order."""

    shape: tuple[int, int]
    readings: list[Reading]
    engine: str


def each(call: Callable[[Any], Any]) -> Call:
    """A stage's call that does one item after the other; one that fails costs the others nothing."""
    return lambda items: [item for one in items for item in guarded(lambda some: [call(some[0])], [one])]


def detect(sheets: Sequence[Prepared], detector: Detector) -> list[Detected]:
    """All pages of all sheets in one call of the network."""
    heat = iter(detector.heat([page.small for sheet in sheets for page in sheet.pages]))
    return [Detected(sheet, tuple(next(heat) for _ in sheet.pages)) for sheet in sheets]


def find(item: Detected, view: View) -> Found:
    """The lines of a sheet, cut out: for each variant those of the page on which most stand upright."""
    variants: dict[int, list[FoundPage]] = {}
    last = item.sheet.pages[-1].variant
    for page, heat in zip(item.sheet.pages, item.heat, strict=True):
        found = _found(page, view.patches(heat, page.shape), clean=page.variant == last)
        variants.setdefault(page.variant, []).append(found)
    return Found(item.sheet.shape, item.sheet.factor, tuple(_standing(pages) for pages in variants.values()))


def _standing(pages: Sequence[FoundPage]) -> FoundPage:
    """The page as it is, unless clearly more characters stand upright on the one that is turned."""
    most = max(pages, key=_upright_characters)
    return most if _upright_characters(most) > _MOSTLY * _upright_characters(pages[0]) else pages[0]


def _found(page: Page, patches: list[engines.Patch], clean: bool) -> FoundPage:
    """A page's lines; on one full of dots the ink says nothing that the detector did not."""
    pixels = page.pixels
    ink = find_ink(pixels)
    found = completed(patches, ink) if clean else patches
    return FoundPage(page.shape, page.turn, tuple(find_lines(pixels, ink, found)))


def _upright_characters(page: FoundPage) -> int:
    return sum(line.glyphs for line in page.lines if line.axis == 0 and line.glyphs > 1)


def recognise(sheets: Sequence[Found], recogniser: Recogniser) -> list[Recognised]:
    """Lines of all pages of all sheets in common batches."""
    read = iter(read_lines([page.lines for sheet in sheets for page in sheet.pages], recogniser))
    return [
        Recognised(sheet, tuple(tuple(next(read)) for _ in sheet.pages), recogniser.alphabet, recogniser.name)
        for sheet in sheets
    ]


def finish(item: Recognised) -> ReadSheet:
    """Readings in the sheet's own pixels; place by place the clearer page stands."""
    pages = [
        page_readings(lines, page.turn, page.shape, item.alphabet)
        for lines, page in zip(item.read, item.sheet.pages, strict=True)
    ]
    readings = pages[0] if len(pages) == 1 else clearest([reading for page in pages for reading in page])
    if item.sheet.factor > 1:
        readings = [enlarged(reading, item.sheet.factor) for reading in readings]
    return ReadSheet(item.sheet.shape, readings, item.engine)


def _preparing(settings: Settings) -> Call:
    view, limit_mpixels = engines.load("View", settings.ocr), settings.limits.image_mpixels
    return each(lambda data: prepare(decode(data, limit_mpixels), view))


def _detecting(settings: Settings) -> Call:
    detector = engines.load("Detector", settings.ocr)
    return lambda sheets: detect(sheets, detector)


def _finding(settings: Settings) -> Call:
    view = engines.load("View", settings.ocr)
    return each(lambda item: find(item, view))


def _recognising(settings: Settings) -> Call:
    recogniser = engines.load("Recogniser", settings.ocr)
    return lambda sheets: recognise(sheets, recogniser)


#: From the bytes of an image file to a ReadSheet.
STAGES: tuple[Stage, ...] = (
    Stage("prepare", _preparing),
    Stage("detect", _detecting, network=True),
    Stage("find", _finding),
    Stage("recognise", _recognising, network=True),
    Stage("finish", lambda settings: each(finish)),
)


def guarded(call: Call, items: Sequence[Any]) -> list[Any]:
    """A result or a Reject (its item empty) for each item; rejects pass unchanged.

    Whatever a batch raises, it is cut in half and tried again until the one item that is to blame stands
    alone: out of memory is a property of the batch's size, anything else of one item in it.
    """
    good = [item for item in items if not isinstance(item, Reject)]
    results = iter(_halved(call, good))
    return [item if isinstance(item, Reject) else next(results) for item in items]


def _halved(call: Call, items: Sequence[Any]) -> list[Any]:
    if not items:
        return []
    try:
        return call(items)
    except RejectedItemError as error:
        found = error.reject("")
    except MemoryError as error:
        found = Reject("", Reason.OUT_OF_MEMORY, f"no memory to read a sheet: {error}"[:500])
    except Exception as error:  # a network or a decoder may raise anything; the sheet's row keeps what it said
        found = Reject("", Reason.STEP_ERROR, f"{type(error).__name__}: {error}"[:500])
    if len(items) == 1:
        return [found]
    half = len(items) // 2
    return _halved(call, items[:half]) + _halved(call, items[half:])


class Engine:
    """The networks of one engine with their stages, in one process."""

    def __init__(self, settings: Settings) -> None:
        self.calls = [stage.make(settings) for stage in STAGES]

    def read(self, images: Sequence[bytes]) -> list[ReadSheet | Reject]:
        """The text of each image file, or why there is none."""
        items: list[Any] = list(images)
        for call in self.calls:
            items = guarded(call, items)
        return items
