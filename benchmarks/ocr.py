"""Reading drawing sheets: quality on hand-read sheets and speed, against the engines' own calls.

    python -m benchmarks.ocr [--sheets N] [--skip-plain]      figlake and the plain engines
    python -m benchmarks.ocr --disturbed [NAME …]             figlake on the hand-read sheets turned, dithered, worn …

Quality: micro-averaged precision, recall and F1 over the hand-read sheets of ../shared/data/gold: numerals, all
reference signs, and the share of sheets whose set of figure labels is exactly right. Each twice: from the image
alone, and with the knowledge of the document's text (the office's declared labels are withheld both times). A sign
counts as found when the exact string is read; dimensions, axis numbers and formula symbols count neither way.

Speed: sheets per second over all drawing sheets of the archives: figlake's reader as the step runs it, one process
per core with one thread each, image files decoded, against one plain `rapidocr.RapidOCR()` call per sheet, which
takes all cores by itself, and a plain `easyocr.Reader.readtext` loop where its weights are there, both given decoded
images. All are measured in this run, one after the other.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
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


def figlake_reader(engine: str, files: Sequence[bytes]) -> tuple[list[ReadSheet | Reject], float]:
    """Readings and seconds with one process per core; the engines are loaded before the clock starts."""
    cores, batch = os.cpu_count() or 1, OcrSettings().batch_size
    batches = [files[at : at + batch] for at in range(0, len(files), batch)]
    with ProcessPoolExecutor(cores, initializer=_start, initargs=(engine,)) as pool:
        list(pool.map(_read, [engine] * cores * 2, [files[:1]] * cores * 2))
        began = time.perf_counter()
        found = [read for part in pool.map(_read, [engine] * len(batches), batches) for read in part]
        return found, time.perf_counter() - began


def plain_rapidocr(images: Sequence[Sheet]) -> tuple[list[ReadSheet | Reject], float]:
    """One call of RapidOCR per sheet, as its documentation shows it."""
    from rapidocr import RapidOCR

    engine = RapidOCR(params={"Global.log_level": "critical"})

    def call(image: Sheet) -> list[Reading]:
        result = engine(np.repeat(image[..., None], 3, axis=2))
        found = zip(result.boxes, result.txts, result.scores, strict=True) if result.boxes is not None else ()
        return [Reading(np.asarray(box, np.float32), text, float(score), 0) for box, text, score in found]

    return _plain(images, call)


def plain_easyocr(images: Sequence[Sheet]) -> tuple[list[ReadSheet | Reject], float] | None:
    """One readtext call per sheet; None where EasyOCR's weights are not there."""
    import easyocr

    try:
        reader = easyocr.Reader(["en"], download_enabled=False, verbose=False)
    except FileNotFoundError:
        return None

    def call(image: Sheet) -> list[Reading]:
        return [
            Reading(np.asarray(box, np.float32), text, float(score), 0) for box, text, score in reader.readtext(image)
        ]

    return _plain(images, call)


def _plain(
    images: Sequence[Sheet], call: Callable[[Sheet], list[Reading]]
) -> tuple[list[ReadSheet | Reject], float]:  # fmt: skip
    call(images[0])
    began = time.perf_counter()
    found = [call(image) for image in images]
    seconds = time.perf_counter() - began
    return [ReadSheet(image.shape, readings, "") for image, readings in zip(images, found, strict=True)], seconds


_HEAD = (
    f"{'':24}{'numerals: P, R, F1':>20} |{'all signs: P, R, F1':>20} | labels |"
    f"{'with the text':>20} |{'all signs':>20} | labels |"
)


def compare(documents: list[Extracted], sheets: list[Row], skip_plain: bool) -> None:
    """Print one line per reader, and the ratio of speeds."""
    files = [sheet["image"] for sheet in sheets]
    print(_HEAD, "sheets/s")
    runs = {"figlake rapidocr": figlake_reader("rapidocr", files)}
    if not skip_plain:
        images = [decode(file, 300) for file in files]
        runs["plain rapidocr"] = plain_rapidocr(images)
        if (plain := plain_easyocr(images)) is not None:
            runs["figlake easyocr"], runs["plain easyocr"] = figlake_reader("easyocr", files), plain
        else:
            print("(EasyOCR's weights are not here: neither its plain loop nor figlake's use of them is measured)")
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
