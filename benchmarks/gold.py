"""The hand-read truth of ../shared/data/gold, and the documents it belongs to as the pipeline reads them."""

from __future__ import annotations

import json
import pickle
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.archives import discover, list_archive, open_packages
from pipeline.config import Settings
from pipeline.errors import Reject
from pipeline.extract.documents import extract_package
from pipeline.figures.build import figure_rows
from pipeline.figures.captions import Captions
from pipeline.linking.printed import printed_rows
from pipeline.linking.signs import find_signs
from pipeline.ocr.reading import regions as region_rows
from pipeline.ocr.stages import Engine
from pipeline.pixels import decode
from tests.shared_data import SHARED

Row = dict[str, Any]
ARCHIVES = ("epo", "uspto", "es_fulltext")
#: Images that are read for figures; the EPO's abstract figures repeat one of its drawings.
ROLES = ("drawing", "front page")


@dataclass(frozen=True)
class Extracted:
    """A document as extract leaves it. ``name`` is the gold's ``doc``, or the package's path where it has none;
    ``sheets``: those with drawings, with their bytes."""

    name: str
    passages: list[Row]
    sheets: list[Row]


@dataclass(frozen=True)
class GoldDocument:
    """A document with the rows that the stages before linking make of it."""

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


def extracted() -> Iterator[Extracted]:
    """The documents of all archives beside the gold, but for bibliographic stubs."""
    assert SHARED is not None
    settings = Settings()
    wanted = {name for table in ("signs", "sheets", "not_signs", "captions") for name in truth(table)}
    folders = [str(SHARED / folder) for folder in ARCHIVES if (SHARED / folder).is_dir()]
    for source in discover(folders):
        for shard in list_archive(source, settings.limits, settings.extract).shards:
            for package in open_packages(shard, settings.limits):
                if isinstance(package, Reject):
                    continue
                name = next((name for name in wanted if name in package.path), package.path)
                for document in extract_package(package, settings):
                    if not isinstance(document, Reject) and document.passages:
                        sheets = [sheet for sheet in document.sheets if sheet["role"] in ROLES]
                        yield Extracted(name, document.passages, sheets)


def known_signs(document: Extracted, read: Mapping[str, list[Row]]) -> dict[str, tuple[set[str], set[str]]]:
    """For each sheet its signs and its figure labels, with the text's knowledge and without the office's labels."""
    signs = find_signs(document.passages)
    terms = {row["sign"]: row["term"] for row in signs.rows}
    described = any(passage["section"] == "description" for passage in document.passages)
    captions = Captions(document.passages)
    known: dict[str, tuple[set[str], set[str]]] = {}
    for sheet in document.sheets:
        if sheet["sheet_id"] not in read:
            continue
        rows = read[sheet["sheet_id"]]
        bare = {**sheet, "declared_labels": [], "role": "drawing"}
        whole = {**bare, "figure_id": "", "label": None, "x0": 0, "y0": 0, "x1": 1 << 20, "y1": 1 << 20}
        figures = figure_rows(bare, decode(sheet["image"], 300), rows, captions, Settings().figures)
        printed = printed_rows([whole], rows, terms, described, Settings().linking.min_confidence)
        known[sheet["sheet_id"]] = (
            {row["sign"] for row in printed if row["status"] != "stray"},
            {figure["label"] for figure in figures if figure["label"]},
        )
    return known


def documents(cache: Path | None = None) -> list[GoldDocument]:
    """The gold's documents, extracted, read by OCR and split into figures; kept in ``cache`` where one is given.

    Own pickles only: the file is written and read by this function.
    """
    if cache is not None and cache.exists():
        return list(pickle.loads(cache.read_bytes()))
    settings, gold = Settings(), {name for table in ("signs", "sheets", "not_signs") for name in truth(table)}
    engine = Engine(settings)
    found = [_read(document, engine, settings) for document in extracted() if document.name in gold]
    if cache is not None:
        cache.write_bytes(pickle.dumps(found))
    return found


def _read(document: Extracted, engine: Engine, settings: Settings) -> GoldDocument:
    drawings = [sheet for sheet in document.sheets if sheet["role"] == "drawing"]
    regions, _ = region_rows(drawings, engine.read([sheet["image"] for sheet in drawings]), 0.0)
    captions = Captions(document.passages)
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
    bare = [{key: value for key, value in sheet.items() if key != "image"} for sheet in document.sheets]
    return GoldDocument(document.name, document.passages, bare, regions, figures)
