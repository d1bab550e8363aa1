"""The demo, as `make demo` runs it once everything is installed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from jobs.demo import most_linked_part
from pipeline.lake import Lake
from pipeline.parts import PartWriter

ROOT = Path(__file__).resolve().parents[2]


def link(sign: str, term: str | None, sentence: int) -> dict[str, object]:
    return {
        "figure_id": "EP1A1/imgf0001.tif#1",
        "doc_id": "EP1A1",
        "sign": sign,
        "passage_id": f"EP1A1/description-en/1/{sentence}",
        "term": term,
        "region_ordinal": None,
        "match": "exact" if term else "figure mention",
        "ocr_confidence": None,
        "score": 1.0,
        "text": "A sentence.",
    }


@pytest.mark.parametrize(
    ("terms", "part"),
    [
        (["lever", "pump", "pump", None, None, None], "pump"),
        (["pump", "lever"], "lever"),  # equals: the first by name, so that a repeated demo asks the same
        ([None], "drawing"),
    ],
)
def test_the_demo_asks_for_the_part_that_most_links_name(tmp_path: Path, terms: list[str | None], part: str) -> None:
    lake = Lake.at(tmp_path)
    with PartWriter(lake.storage, "links", {"archive": "A"}) as writer:
        writer.write_rows([link(str(i), term, i) for i, term in enumerate(terms)])
    lake.commit("links", "link", "A", 1, writer.parts)
    assert most_linked_part(tmp_path) == part


@pytest.mark.slow
def test_the_demo_prints_a_summary_and_hits_and_writes_a_contact_sheet(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "jobs.cli", "demo", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=1200)
    assert done.returncode == 0, done.stdout + done.stderr
    for word in (
        "documents",
        "sheets",
        "figures",
        "regions",
        "links",
        "vectors",
        "rejects",
        "recall",
        "seconds per step",
    ):
        assert word in done.stdout
    assert re.search(r"^8 hit\(s\) · release ", done.stdout, re.MULTILINE)
    with Image.open(tmp_path / "hits.png") as sheet:
        assert sheet.format == "PNG"
        assert min(sheet.size) > 200
