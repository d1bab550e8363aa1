"""The gallery of what is read wrongly: docs/ocr-gallery.md and its pictures, all of drawn sheets.

    python -m benchmarks.gallery [--sheets N] [--seed S] [--write]

Reads drawn sheets, a third of them disturbed, compares every sign and figure label with the truth, and sorts the
mistakes into kinds. Prints how many there are of each; with --write it also makes the page anew, with the first
examples of each kind. What is said about a kind is written by hand, in ``_KINDS`` below.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.figures import Drawn, drawn
from benchmarks.ocr import rows_of
from pipeline.config import Settings
from pipeline.linking.correct import Correction, correct
from pipeline.ocr.stages import Engine
from pipeline.pixels import decode

PAGE = Path(__file__).resolve().parents[1] / "docs" / "ocr-gallery.md"
PICTURES = PAGE.with_suffix("")
_AROUND_PX, _EXAMPLES = 70, 2
_ENGINE: list[Engine] = []
Row = dict[str, Any]

#: Kind of mistake → what causes it, what was tried, what helps now.
_KINDS = {
    "not read": (
        "Lone digits, mostly a 1 or a 7 among lines: alone it is a stroke, and the detector sees none. Rows of three "
        "and more characters that the detector misses are found from the ink itself; a lone digit has no row. Rows "
        "that go on from what was read, such as the digit after a figure word, were looked for as well, and "
        "none of the lost ones was found. A detector trained on drawn sheets should know better."
    ),
    "a mark read as a character": (
        "The hook, ring or arrow of a leader line stands where a character would. Tildes are cut off by their "
        "height, rings and dashes by their form; hooks before lettered signs and rings before digits go. What is left "
        "is corrected where the text names the sign and the reading was not sure."
    ),
    "a character lost": (
        "A thin 1 beside a line, or a digit that touches the drawing and is cut off with it. Clean crops hold only "
        "the line's own ink, so a character that touches something is missing from them: where the crop does not "
        "account for the detector's whole extent, all of its pixels are read instead. The text's knowledge puts a "
        "missing digit back where only one sign of the text fits."
    ),
    "a prime lost": (
        "A prime is smaller than the letters and may be dust. Marks at the upper end of a line within a letter's reach "
        "are taken along; a prime that touches its digit or stands further off is lost. A sign without its "
        "prime is another sign, so the text cannot tell."
    ),
    "one character taken for another": (
        "Shapes that a hand draws alike: O and 0, I and 1, S and 5, a and α, b and 6. The recogniser keeps its other "
        "readings, and the text decides between them where it knows exactly one."
    ),
    "read upside down": (
        "Of 6, 9, 0, 1 and 8 alone nobody can say how they stand. A sheet's turn is settled on a sample of its "
        "crops, read in every direction that its ink allows; single signs turned against the rest of their sheet are "
        "read as the sheet stands."
    ),
    "a label joined with its neighbour": (
        "A sign that stands closer to the label than the label's own word spaces. Lines are taken apart where a "
        "part has the form of a sign, but a label that begins in the middle of a line is not looked for."
    ),
    "torn or garbled": (
        "Frayed strokes fall into pieces, and pieces of one character are read as two. Screens and dust are removed "
        "before anything else; closing gaps of one pixel on all sheets was tried and joined digits to leader lines."
    ),
    "read, and taken for no sign": (
        "A lone character must look like the sheet's other lettering, and a number among decimals is a value: the "
        "rules that keep pieces of the drawing and the numbers of tables out also keep some signs out."
    ),
    "invented": (
        "A piece of the drawing that looks like a number: two parallel strokes are an 11, a ring is a 0. Lone "
        "characters must have the height of the sheet's lettering. A sign that the text does not know stays, marked."
    ),
}


@dataclass(frozen=True)
class Mistake:
    """One text of a drawn sheet that was not read as it is. ``box`` in sheet pixels."""

    kind: str
    truth: str
    read: str
    confidence: float
    corrected: str
    disturbance: str
    sheet: Drawn
    box: tuple[float, float, float, float]


def mistakes(sheet: Drawn, rows: Sequence[Row]) -> Iterator[Mistake]:
    """Compare what was read with what is drawn."""
    known = {text["text"] for text in sheet.texts if text["role"] == "sign"}
    regions = [{**row, "alternatives": row.get("alternatives") or ()} for row in rows]
    corrections = correct(regions, known)
    used: set[int] = set()
    for text in sheet.texts:
        near = [row for row in rows if _inside(_centre(row), _grown(_box(text), 8))]
        used |= {row["ordinal"] for row in near}
        if text["role"] in ("sign", "figure label") and not _is_right(text, near):
            yield _mistake(sheet, text, near, corrections)
    boxes = [_grown(_box(text), 10) for text in sheet.texts]
    for row in rows:
        if row["role"] == "sign" and row["ordinal"] not in used and not any(_inside(_centre(row), b) for b in boxes):
            yield Mistake("invented", "–", row["text"], row["confidence"], "", sheet.disturbance, sheet, _box(row))


def _is_right(text: Row, near: Sequence[Row]) -> bool:
    if text["role"] == "figure label":
        return any(row["role"] == "figure label" for row in near)
    return any(row["sign"] == text["text"] for row in near)


def _mistake(
    sheet: Drawn, text: Row, near: Sequence[Row], corrections: Mapping[tuple[str, int], Correction]
) -> Mistake:
    best = max(near, key=lambda row: len(row["text"]), default=None)
    read = best["text"] if best else ""
    confidence = best["confidence"] if best else 0.0
    signs = {found.sign for row in near if (found := corrections.get((row["sheet_id"], row["ordinal"])))}
    kind = (
        "a label joined with its neighbour" if text["role"] == "figure label" and read else kind_of(text["text"], read)
    )
    corrected = "yes" if text["text"] in signs else "wrongly" if signs else "no"
    return Mistake(kind, text["text"], read, confidence, corrected, sheet.disturbance, sheet, _box(text))


def kind_of(truth: str, read: str) -> str:
    """The kind of mistake that makes ``read`` of ``truth``."""
    if not read:
        return "not read"
    if read == truth:
        return "read, and taken for no sign"
    if truth.endswith("'") and read == truth.rstrip("'"):
        return "a prime lost"
    if read == truth[::-1].translate(str.maketrans("69bq", "96qb")):
        return "read upside down"
    if truth in read:
        return "a mark read as a character"
    if read in truth:
        return "a character lost"
    return "one character taken for another" if len(read) == len(truth) else "torn or garbled"


def _box(row: Mapping[str, Any]) -> tuple[float, float, float, float]:
    x, y = row["polygon"][0::2], row["polygon"][1::2]
    return min(x), min(y), max(x), max(y)


def _centre(row: Mapping[str, Any]) -> tuple[float, float]:
    return sum(row["polygon"][0::2]) / 4, sum(row["polygon"][1::2]) / 4


def _grown(box: Sequence[float], by: float) -> tuple[float, float, float, float]:
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by


def _inside(point: tuple[float, float], box: Sequence[float]) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def _start() -> None:
    _ENGINE.append(Engine(Settings()))


def _read(sheets: Sequence[Drawn]) -> list[list[Row]]:
    found = _ENGINE[0].read([sheet.image for sheet in sheets])
    return [rows_of({"sheet_id": "D/s.tif", "doc_id": "D"}, one) for one in found]


def write_page(found: Mapping[str, Sequence[Mistake]], texts: int, sheets: int, seed: int) -> None:
    """Write the page and its pictures; pictures of earlier pages go."""
    PICTURES.mkdir(exist_ok=True)
    for old in PICTURES.glob("*.png"):
        old.unlink()
    wrong = sum(len(of_kind) for of_kind in found.values())
    lines = [
        "# What is read wrongly", "",
        f"Failure cases of the reader on {sheets} drawn sheets (seed {seed}), a third of them turned, dithered or "
        f"frayed: {wrong} mistakes with {texts:,} signs and labels, by kind, with the first examples of each. Made by",
        "", f"    python -m benchmarks.gallery --sheets {sheets} --seed {seed} --write", "",
        "Drawn sheets only; nothing here comes from a published document. *Mended* says whether the second look, "
        "which knows the document's signs, sets it right.", "",
    ]  # fmt: skip
    for number, (kind, words) in enumerate(_KINDS.items(), 1):
        lines += [f"## {kind.capitalize()}: {len(found.get(kind, ()))}", "", words, ""]
        examples = found.get(kind, ())[:_EXAMPLES]
        if examples:
            lines += ["| picture | drawn | read | confidence | sheet | mended |", "|---|---|---|---|---|---|"]
        for place, mistake in enumerate(examples, 1):
            name = f"{number}-{place}.png"
            _picture(mistake).save(PICTURES / name, "PNG", optimize=True)
            lines.append(
                f"| ![{mistake.truth}](ocr-gallery/{name}) | `{mistake.truth}` | `{_cell(mistake.read) or ' '}` "
                f"| {mistake.confidence:.2f} | {mistake.disturbance} | {mistake.corrected or '–'} |"
            )
        lines += [""] if examples else []
    PAGE.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def _cell(text: str) -> str:
    return text.replace("|", "¦").replace("`", "'")


def _picture(mistake: Mistake) -> Image.Image:
    sheet = decode(mistake.sheet.image, 300)
    x0, y0, x1, y1 = (round(v) for v in _grown(mistake.box, _AROUND_PX))
    cut = np.asarray(sheet)[max(0, y0) : y1, max(0, x0) : x1]
    return Image.fromarray(cut).convert("1", dither=Image.Dither.NONE)


def main() -> None:
    """Read the arguments, read the sheets, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sheets", type=int, default=120)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--write", action="store_true", help="write docs/ocr-gallery.md and its pictures")
    arguments = parser.parse_args()
    sheets = list(drawn(arguments.sheets, arguments.seed))
    batches = [sheets[at : at + 8] for at in range(0, len(sheets), 8)]
    found: dict[str, list[Mistake]] = {}
    with ProcessPoolExecutor(os.cpu_count() or 1, initializer=_start) as pool:
        for batch, rows in zip(batches, pool.map(_read, batches), strict=True):
            for sheet, own in zip(batch, rows, strict=True):
                for mistake in mistakes(sheet, own):
                    found.setdefault(mistake.kind, []).append(mistake)
    texts = sum(text["role"] in ("sign", "figure label") for sheet in sheets for text in sheet.texts)
    for kind in _KINDS:
        print(f"{kind:36}{len(found.get(kind, ())):5}")
    print(f"{'of signs and labels':36}{texts:5}")
    if arguments.write:
        write_page(found, texts, len(sheets), arguments.seed)


if __name__ == "__main__":
    main()
