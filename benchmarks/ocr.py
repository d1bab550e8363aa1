"""Reading drawing sheets: quality on hand-read sheets and speed, against the engines' own calls.

    python -m benchmarks.ocr [--sheets N] [--skip-plain]      figlake and the plain engines
    python -m benchmarks.ocr --disturbed [NAME …]             figlake on the hand-read sheets turned, dithered, worn …

Quality: micro-averaged precision, recall and F1 over the hand-read sheets of ../shared/data/gold: numerals, all
reference signs, and the share of sheets whose set of figure labels is exactly right. Each twice: from the image
alone, and with the knowledge of the document's text (the office's declared labels are withheld both times). A sign
counts as found when the exact string is read; dimensions, axis numbers and formula symbols count neither way.

Speed: sheets per second over all drawing sheets of the archives: figlake's reader as the step runs it, one process
per core with one thread each, image files decoded, against one plain `rapidocr.RapidOCR()` call per sheet, which
takes all cores by itself, and a plain `easyocr.Reader.readtext` loop where its weights are there; decoding counts for
all. They take turns, some sheets each, so that a machine that is slower for a while is slower for all.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.disturb import DISTURBANCES
from benchmarks.gold import Extracted, extracted, known_signs, truth
from pipeline.config import OcrSettings, Settings
from pipeline.errors import Reject
from pipeline.labels import printed_labels
from pipeline.ocr.engines import Reading
from pipeline.ocr.reading import region_rows
from pipeline.ocr.stages import Engine, ReadSheet
from pipeline.pixels import Sheet, decode
from tests.shared_data import SHARED

_NUMERAL = re.compile(r"\d+[A-Za-z]?")
_MIN_CONFIDENCE = OcrSettings().min_confidence
_ENGINE: dict[str, Engine] = {}
Row = dict[str, Any]
#: Image files in, what is on them out.
Reader = Callable[[Sequence[bytes]], list[ReadSheet | Reject]]


@dataclass
class Score:
    """Counts over sheets."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def add(self, found: set[str], gold: set[str], neutral: set[str]) -> None:
        found = found - (neutral - gold)
        self.right += len(found & gold)
        self.wrong += len(found - gold)
        self.missed += len(gold - found)

    def __str__(self) -> str:
        precision = self.right / max(1, self.right + self.wrong)
        recall = self.right / max(1, self.right + self.missed)
        return f"{precision:6.3f} {recall:6.3f} {2 * precision * recall / max(1e-9, precision + recall):6.3f}"


@dataclass
class Quality:
    """How well the hand-read sheets were read."""

    numerals: Score = field(default_factory=Score)
    signs: Score = field(default_factory=Score)
    labels_right: int = 0
    sheets: int = 0

    def add(self, gold: Mapping[str, Any], signs: set[str], labels: set[str]) -> None:
        neutral = {*gold["other_numbers"], *gold["other_signs"]}
        self.numerals.add({s for s in signs if _NUMERAL.fullmatch(s)}, set(gold["numerals_only"]), neutral)
        self.signs.add(signs, set(gold["reference_signs"]), neutral)
        self.labels_right += labels == set(gold["figure_labels"])
        self.sheets += 1

    def __str__(self) -> str:
        return f"{self.numerals} |{self.signs} | {self.labels_right / max(1, self.sheets):6.3f}"


def qualities(documents: Iterable[Extracted], read: Mapping[str, list[Row]]) -> tuple[Quality, Quality]:
    """Quality from the image alone and with the text, given the regions read on each sheet."""
    alone, with_text = Quality(), Quality()
    gold = {(row["doc"], row["file"]): row for rows in truth("sheets").values() for row in rows}
    for document in documents:
        known = known_signs(document, read)
        for sheet in document.sheets:
            wanted = gold.get((document.name, sheet["file"]))
            if wanted is None or sheet["sheet_id"] not in read:
                continue
            rows = read[sheet["sheet_id"]]
            labels = {label for row in rows if row["role"] == "figure label" for label in printed_labels(row["text"])}
            alone.add(wanted, {row["sign"] for row in rows if row["role"] == "sign"}, labels)
            with_text.add(wanted, *known[sheet["sheet_id"]])
    return alone, with_text


def rows_of(sheet: Mapping[str, Any], read: ReadSheet | Reject) -> list[Row]:
    """A sheet's rows of the regions table."""
    if isinstance(read, Reject):
        print(f"  {sheet['sheet_id']} was rejected: {read.detail}")
        return []
    return region_rows(dict(sheet), read.shape, read.readings, read.engine, _MIN_CONFIDENCE)


def _start(engine: str) -> None:
    _ENGINE[engine] = Engine(Settings(ocr=OcrSettings(engine=engine)))


def _read(engine: str, files: Sequence[bytes]) -> list[ReadSheet | Reject]:
    return _ENGINE[engine].read(files)


def _read_disturbed(name: str, data: bytes) -> ReadSheet | Reject:
    rng = np.random.default_rng(zlib.crc32(data))
    stream = io.BytesIO()
    Image.fromarray(DISTURBANCES[name](decode(data, 300), rng)).save(stream, "PNG", compress_level=1)
    return _ENGINE["rapidocr"].read([stream.getvalue()])[0]


@contextmanager
def figlake_reader(engine: str) -> Iterator[Reader]:
    """One process per core, each with its engine loaded; a call shares its files out among them."""
    cores, batch = os.cpu_count() or 1, OcrSettings().batch_size

    def read(files: Sequence[bytes]) -> list[ReadSheet | Reject]:
        batches = [files[at : at + batch] for at in range(0, len(files), batch)]
        return [one for part in pool.map(_read, [engine] * len(batches), batches) for one in part]

    with ProcessPoolExecutor(cores, initializer=_start, initargs=(engine,)) as pool:
        yield read


@contextmanager
def plain_rapidocr() -> Iterator[Reader]:
    """One call of RapidOCR per sheet, as its documentation shows it."""
    from rapidocr import RapidOCR

    engine = RapidOCR(params={"Global.log_level": "critical"})

    def call(image: Sheet) -> ReadSheet:
        result = engine(np.repeat(image[..., None], 3, axis=2))
        found = zip(result.boxes, result.txts, result.scores, strict=True) if result.boxes is not None else ()
        return _read_plainly(image, found)

    yield lambda files: [call(decode(data, 300)) for data in files]


@contextmanager
def plain_easyocr() -> Iterator[Reader | None]:
    """One readtext call per sheet; None where EasyOCR's weights are not there."""
    import easyocr

    try:
        reader = easyocr.Reader(["en"], download_enabled=False, verbose=False)
    except FileNotFoundError:
        yield None
        return
    yield lambda files: [_read_plainly(image, reader.readtext(image)) for image in (decode(f, 300) for f in files)]


def _read_plainly(image: Sheet, found: Iterable[tuple[Any, str, float]]) -> ReadSheet:
    readings = [Reading(np.asarray(box, np.float32), text, float(score), 0) for box, text, score in found]
    return ReadSheet(image.shape, readings, "")


def race(readers: Mapping[str, Reader], files: Sequence[bytes]) -> dict[str, tuple[list[ReadSheet | Reject], float]]:
    """What each reader reads, and its seconds. They take turns, some sheets each, so that a machine that is
    slower for a while is slower for all of them."""
    runs: dict[str, tuple[list[ReadSheet | Reject], float]] = {name: ([], 0.0) for name in readers}
    turn = 2 * OcrSettings().batch_size * (os.cpu_count() or 1)  # a core with easy sheets goes on with another batch
    for reader in readers.values():
        reader(files[:turn])  # everything loaded and grown to its size
    for at in range(0, len(files), turn):
        for name, reader in readers.items():
            found, seconds = runs[name]
            began = time.perf_counter()
            found += reader(files[at : at + turn])
            runs[name] = found, seconds + time.perf_counter() - began
    return runs


_HEAD = (
    f"{'':24}{'numerals: P, R, F1':>20} |{'all signs: P, R, F1':>20} | labels |"
    f"{'with the text':>20} |{'all signs':>20} | labels |"
)


def compare(documents: list[Extracted], sheets: list[Row], skip_plain: bool) -> None:
    """Print one line per reader, and the ratio of speeds."""
    files = [sheet["image"] for sheet in sheets]
    print(_HEAD, "sheets/s")
    with ExitStack() as stack:
        readers = {"figlake rapidocr": stack.enter_context(figlake_reader("rapidocr"))}
        if not skip_plain:
            readers["plain rapidocr"] = stack.enter_context(plain_rapidocr())
            if (plain := stack.enter_context(plain_easyocr())) is not None:
                readers |= {"figlake easyocr": stack.enter_context(figlake_reader("easyocr")), "plain easyocr": plain}
            else:
                print("(EasyOCR's weights are not here: neither its plain loop nor figlake's use of them is measured)")
        runs = race(readers, files)
    speeds = {}
    for name, (found, seconds) in runs.items():
        read = {sheet["sheet_id"]: rows_of(sheet, one) for sheet, one in zip(sheets, found, strict=True)}
        alone, with_text = qualities(documents, read)
        speeds[name] = len(files) / seconds
        print(f"{name:24}{alone} |{with_text} | {speeds[name]:7.2f}", flush=True)
    for engine in ("rapidocr", "easyocr"):
        if f"plain {engine}" in speeds:
            ratio = speeds[f"figlake {engine}"] / speeds[f"plain {engine}"]
            print(f"figlake reads {ratio:.1f} times the sheets per second of the plain {engine} call")
    print("to reach, alone: numerals 0.940, signs 0.900, labels 0.930, 5.0 times; with the text: 0.960, 0.940")


def disturb(documents: list[Extracted], sheets: list[Row], names: Sequence[str]) -> None:
    """Print one line per disturbance of the hand-read sheets."""
    gold = {(row["doc"], row["file"]) for rows in truth("sheets").values() for row in rows}
    ids = {s["sheet_id"] for document in documents for s in document.sheets if (document.name, s["file"]) in gold}
    chosen = [sheet for sheet in sheets if sheet["sheet_id"] in ids]
    print(_HEAD)
    with ProcessPoolExecutor(os.cpu_count() or 1, initializer=_start, initargs=("rapidocr",)) as pool:
        for name in names or DISTURBANCES:
            found = pool.map(_read_disturbed, [name] * len(chosen), [sheet["image"] for sheet in chosen])
            read = {sheet["sheet_id"]: rows_of(sheet, one) for sheet, one in zip(chosen, found, strict=True)}
            alone, with_text = qualities(documents, read)
            print(f"{name:24}{alone} |{with_text} |", flush=True)


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sheets", type=int, default=0, help="only the first N sheets")
    parser.add_argument("--skip-plain", action="store_true", help="leave the plain engines out")
    parser.add_argument("--disturbed", nargs="*", choices=[*DISTURBANCES], metavar="NAME", help="see above")
    arguments = parser.parse_args()
    if SHARED is None:
        raise SystemExit("the hand-read sheets are not here (../shared/data is absent)")
    documents = list(extracted())
    by_id: dict[str, Row] = {sheet["sheet_id"]: sheet for document in documents for sheet in document.sheets}
    sheets = list(by_id.values())[: arguments.sheets or None]
    counted = defaultdict(int)
    for rows in truth("sheets").values():
        for row in rows:
            counted[row["doc"]] += 1
    print(f"{len(sheets)} sheets; {sum(counted.values())} hand-read; {os.cpu_count()} cores")
    if arguments.disturbed is not None:
        disturb(documents, sheets, arguments.disturbed)
    else:
        compare(documents, sheets, arguments.skip_plain)


if __name__ == "__main__":
    main()
