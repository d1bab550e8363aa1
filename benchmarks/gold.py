"""The hand-read truth of ../shared/data/gold, and the documents it belongs to as the pipeline reads them."""

from __future__ import annotations

import json
import pickle
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.archives import discover, list_archive, open_packages
from pipeline.config import Settings
from pipeline.errors import Reject
from pipeline.extract.documents import extract_package
from pipeline.figures.build import figure_rows
from pipeline.figures.captions import Captions
from pipeline.ocr.engines import load_engine
from pipeline.ocr.reading import regions as read_regions
from pipeline.pixels import decode
from tests.shared_data import SHARED

Row = dict[str, Any]
ARCHIVES = ("epo", "uspto")


@dataclass(frozen=True)
class GoldDocument:
    """A document with the rows that the stages before linking make of it. ``name`` is the gold's ``doc``."""

    name: str
    passages: list[Row]
    sheets: list[Row]  # without their bytes
    regions: list[Row]
    figures: list[Row]


def truth(table: str) -> dict[str, list[Row]]:
    """The rows of ``table``.jsonl by document."""
    assert SHARED is not None
    rows: dict[str, list[Row]] = defaultdict(list)
    for line in (SHARED / "gold" / f"{table}.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        rows[row["doc"]].append(row)
    return rows


def documents(cache: Path | None = None) -> list[GoldDocument]:
    """The gold's documents, extracted, read by OCR and split into figures; kept in ``cache`` where one is given.

    Own pickles only: the file is written and read by this function.
    """
    if cache is not None and cache.exists():
        return list(pickle.loads(cache.read_bytes()))
    found = list(_documents(Settings()))
    if cache is not None:
        cache.write_bytes(pickle.dumps(found))
    return found


def _documents(settings: Settings) -> Iterator[GoldDocument]:
    assert SHARED is not None
    wanted = {name for table in ("signs", "sheets", "not_signs") for name in truth(table)}
    engine = load_engine(settings.ocr)
    for source in discover([str(SHARED / folder) for folder in ARCHIVES]):
        for shard in list_archive(source, settings.limits, settings.extract).shards:
            for package in open_packages(shard, settings.limits):
                if isinstance(package, Reject) or not (names := [n for n in wanted if n in package.path]):
                    continue
                for document in extract_package(package, settings):
                    if not isinstance(document, Reject):
                        yield _read(names[0], document.passages, document.sheets, engine, settings)


def _read(name: str, passages: list[Row], sheets: list[Row], engine: Any, settings: Settings) -> GoldDocument:
    drawings = [sheet for sheet in sheets if sheet["role"] == "drawing"]
    regions = [
        row for sheet in drawings for row in read_regions([sheet], engine, settings.limits.image_mpixels, 0.0)[0]
    ]
    captions = Captions(passages)
    figures = [
        row
        for sheet in drawings
        for row in figure_rows(
            sheet,
            decode(sheet["image"], settings.limits.image_mpixels),
            [region for region in regions if region["sheet_id"] == sheet["sheet_id"]],
            captions,
            settings.figures,
        )
    ]
    bare = [{key: value for key, value in sheet.items() if key != "image"} for sheet in sheets]
    return GoldDocument(name, passages, bare, regions, figures)
