"""Reading drawing sheets: quality on hand-read sheets and speed, against the engines' own calls.

    python -m benchmarks.ocr [--sheets N] [--skip-plain]

Quality: micro-averaged precision, recall and F1 over the hand-read sheets of ../shared/data/gold, from the
image alone (what the office declares and what the text says are withheld): numerals, all reference signs,
and the share of sheets whose set of figure labels is exactly right. A sign counts as found when the exact
string is read; dimensions, axis numbers and formula symbols count neither way.

Speed: sheets per second over the hand-read sheets and the other drawing sheets of the EPO archive, decoding
excluded: figlake's reader as the step runs it, one process per core with one thread each, against one plain
`rapidocr.RapidOCR()` call per sheet, which takes all cores by itself, and a plain `easyocr.Reader.readtext`
loop where its weights are there. All are measured in this run, one after the other.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from pipeline.config import OcrSettings
from pipeline.labels import printed_labels
from pipeline.ocr.engines import OcrEngine, Reading, load_engine
from pipeline.ocr.reading import region_rows
from pipeline.pixels import Sheet, decode

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
_NUMERAL = re.compile(r"\d+[A-Za-z]?")
_MIN_CONFIDENCE = OcrSettings().min_confidence
_ENGINE: dict[str, OcrEngine] = {}


def sheets() -> Iterator[tuple[str, str, bytes]]:
    """(document stem, file, bytes) of every drawing sheet of the EPO archive and the USPTO application."""
    for path in sorted((DATA / "epo").glob("*.zip")):
        with zipfile.ZipFile(path) as outer:
            for package in sorted(name for name in outer.namelist() if name.endswith(".zip")):
                with zipfile.ZipFile(io.BytesIO(outer.read(package))) as inner:
                    for name in sorted(inner.namelist()):
                        if re.match(r"imgf\d+\.tif$", PurePosixPath(name).name):
                            yield PurePosixPath(package).stem, PurePosixPath(name).name, inner.read(name)
    for path in sorted((DATA / "uspto").glob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar.getmembers():
                if member.name.upper().endswith(".ZIP") and (stream := tar.extractfile(member)):
                    with zipfile.ZipFile(io.BytesIO(stream.read())) as inner:
                        for name in sorted(inner.namelist()):
                            if name.upper().endswith(".TIF"):
                                file = PurePosixPath(name).name
                                yield file.split("-")[0], file, inner.read(name)


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

    def add(self, gold: dict[str, Any], rows: Iterable[dict[str, Any]]) -> None:
        rows = list(rows)
        signs = {row["sign"] for row in rows if row["role"] == "sign"}
        labels = {label for row in rows if row["role"] == "figure label" for label in printed_labels(row["text"])}
        neutral = {*gold["other_numbers"], *gold["other_signs"]}
        self.numerals.add({s for s in signs if _NUMERAL.fullmatch(s)}, set(gold["numerals_only"]), neutral)
        self.signs.add(signs, set(gold["reference_signs"]), neutral)
        self.labels_right += labels == set(gold["figure_labels"])
        self.sheets += 1


def rows_of(image: Sheet, readings: list[Reading]) -> list[dict[str, Any]]:
    """Readings as rows of the regions table."""
    return region_rows({"sheet_id": "", "doc_id": ""}, image.shape, readings, "", _MIN_CONFIDENCE)


def _start(engine: str) -> None:
    _ENGINE[engine] = load_engine(OcrSettings(engine=engine))


def _read(engine: str, images: list[Sheet]) -> list[list[Reading]]:
    return _ENGINE[engine].read(images)


def figlake_reader(engine: str, images: list[Sheet]) -> tuple[list[list[Reading]], float]:
    """Readings and seconds with one process per core; the engines are loaded before the clock starts."""
    cores, batch = os.cpu_count() or 1, OcrSettings().batch_size
    batches = [images[at : at + batch] for at in range(0, len(images), batch)]
    with ProcessPoolExecutor(cores, initializer=_start, initargs=(engine,)) as pool:
        list(pool.map(_read, [engine] * cores * 2, [[images[0][:64, :64]]] * cores * 2))
        began = time.perf_counter()
        found = [readings for part in pool.map(_read, [engine] * len(batches), batches) for readings in part]
        return found, time.perf_counter() - began


def plain_rapidocr(images: list[Sheet]) -> tuple[list[list[Reading]], float]:
    """One call of RapidOCR per sheet, as its documentation shows it."""
    from rapidocr import RapidOCR

    engine = RapidOCR(params={"Global.log_level": "critical"})
    return _plain(images, lambda image: _quads(engine(np.repeat(image[..., None], 3, axis=2))))


def _quads(result: Any) -> list[Reading]:
    if result.boxes is None:
        return []
    return [
        Reading(np.asarray(box, dtype=np.float32), text, float(score), 0)
        for box, text, score in zip(result.boxes, result.txts, result.scores, strict=True)
    ]


def plain_easyocr(images: list[Sheet]) -> tuple[list[list[Reading]], float] | None:
    """One readtext call per sheet; None where EasyOCR's weights are not there."""
    import easyocr

    try:
        reader = easyocr.Reader(["en"], download_enabled=False, verbose=False)
    except FileNotFoundError:
        return None
    return _plain(
        images,
        lambda image: [
            Reading(np.asarray(box, dtype=np.float32), text, float(score), 0)
            for box, text, score in reader.readtext(image)
        ],
    )


def _plain(images: list[Sheet], call: Callable[[Sheet], list[Reading]]) -> tuple[list[list[Reading]], float]:
    call(images[0])
    began = time.perf_counter()
    found = [call(image) for image in images]
    return found, time.perf_counter() - began


def main() -> None:
    """Print one line per reader, and the ratio of speeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sheets", type=int, default=0, help="only the first N sheets")
    parser.add_argument("--skip-plain", action="store_true", help="leave the plain engines out")
    arguments = parser.parse_args()
    if not DATA.is_dir():
        raise SystemExit(f"the hand-read sheets are not here: {DATA}")
    gold = {(g["doc"], g["file"]): g for g in map(json.loads, (DATA / "gold/sheets.jsonl").read_text().splitlines())}
    chosen = list(sheets())[: arguments.sheets or None]
    images = [decode(data, 300) for _, _, data in chosen]
    known = [gold.get((document, file)) for document, file, _ in chosen]
    print(f"{len(images)} sheets, {sum(g is not None for g in known)} of them hand-read; {os.cpu_count()} cores")
    print(f"{'':24}{'numerals: P, R, F1':22}{'all signs: P, R, F1':22}{'labels':>8}{'sheets/s':>10}")
    runs = {"figlake rapidocr": figlake_reader("rapidocr", images)}
    if not arguments.skip_plain:
        runs["plain rapidocr"] = plain_rapidocr(images)
        if (plain := plain_easyocr(images)) is not None:
            runs["figlake easyocr"], runs["plain easyocr"] = figlake_reader("easyocr", images), plain
    speeds = {}
    for name, (found, seconds) in runs.items():
        quality = Quality()
        for image, readings, truth in zip(images, found, known, strict=True):
            if truth:
                quality.add(truth, rows_of(image, readings))
        speeds[name] = len(images) / seconds
        labels = quality.labels_right / max(1, quality.sheets)
        print(f"{name:24}{quality.numerals!s:22}{quality.signs!s:22}{labels:8.3f}{speeds[name]:10.2f}")
    for engine in ("rapidocr", "easyocr"):
        if f"plain {engine}" in speeds:
            ratio = speeds[f"figlake {engine}"] / speeds[f"plain {engine}"]
            print(f"figlake reads {ratio:.1f} times the sheets per second of the plain {engine} call")


if __name__ == "__main__":
    main()
