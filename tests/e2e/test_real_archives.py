"""The issue's own command on the real archives: figlake run, then every way to ask."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from pipeline.lake import Lake
from tests.shared_data import SHARED, needs_shared

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500), needs_shared]

ROOT = Path(__file__).resolve().parents[2]
EPO, USPTO, ES = "EPRTBJV2019000007001001", "I20250626", "Full_Text_ES_frontfile"


def figlake(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jobs.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=1400)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    root = tmp_path_factory.mktemp("real") / "lake"
    folders = [str(SHARED / name) for name in ("epo", "uspto", "es_fulltext")]  # type: ignore[operator]
    done = figlake("run", "--archives", *folders, "--lake", str(root))
    assert done.returncode == 0, done.stderr + done.stdout
    return Lake.at(root)


@pytest.fixture(scope="module")
def status(lake: Lake) -> dict:  # type: ignore[type-arg]
    return json.loads(figlake("status", "--lake", lake.storage.root, "--json").stdout)


def test_every_document_and_every_image_is_there_with_its_role(status: dict) -> None:  # type: ignore[type-arg]
    rows = {name: archive["rows"]["documents"] for name, archive in status["archives"].items()}
    assert rows == {EPO: 11, USPTO: 1, ES: 1}
    roles = {name: archive["sheets_by_role"] for name, archive in status["archives"].items()}
    assert roles[EPO]["drawing"] == 48
    assert roles[USPTO] == {"drawing": 14, "front page": 1}
    assert roles[ES] == {"in-text": 17}
    assert all(archive["rows"]["rejects"] == 0 for name, archive in status["archives"].items() if name != EPO)
    states = {step["state"] for archive in status["archives"].values() for step in archive["steps"].values()}
    assert states == {"done"}
    assert {step["state"] for step in status["lake_steps"].values()} == {"done"}


def test_a_release_is_published_and_its_recall_is_measured(status: dict) -> None:  # type: ignore[type-arg]
    assert {name: part["recall_at_10"] >= 0.9 for name, part in status["release"]["modalities"].items()} == {
        "image": True,
        "text": True,
        "passage": True,
    }


def test_every_drawing_sheet_that_bears_text_has_regions(lake: Lake) -> None:
    sheets = lake.read("sheets", ["sheet_id", "role"]).to_pylist()
    read = set(lake.read("regions", ["sheet_id"])["sheet_id"].to_pylist())
    bare = [s["sheet_id"] for s in sheets if s["role"] == "drawing" and s["sheet_id"] not in read]
    assert bare == []


def test_each_document_with_reference_signs_has_links(lake: Lake) -> None:
    signs = Counter(lake.read("signs", ["doc_id"], archive=EPO)["doc_id"].to_pylist())
    rows = lake.read("links", ["doc_id", "sign"], archive=EPO).to_pylist()
    links = Counter(row["doc_id"] for row in rows if row["sign"])
    drawn = {
        row["doc_id"]
        for row in lake.read("sheets", ["doc_id", "role"], archive=EPO).to_pylist()
        if row["role"] == "drawing"
    }
    # Five documents have drawings; the curves of EP3441402A1 bear no reference sign.
    assert drawn & signs.keys() == {"EP3441030A1", "EP3441555A1", "EP3441829A1", "EP3441903A1"}
    assert drawn & signs.keys() <= links.keys()


def test_keys_are_unique_and_nothing_dangles(lake: Lake) -> None:
    from schemas import TABLES

    for name, table in TABLES.items():
        rows = lake.read(name, list(table.key)).to_pylist()
        assert len({tuple(row.values()) for row in rows}) == len(rows), name
    figures = set(lake.read("figures", ["figure_id"])["figure_id"].to_pylist())
    passages = set(lake.read("passages", ["passage_id"])["passage_id"].to_pylist())
    for link in lake.read("links", ["figure_id", "passage_id"]).to_pylist():
        assert link["figure_id"] in figures
        assert link["passage_id"] in passages


def test_searching_with_a_sheet_returns_that_sheet_or_its_twin_first(lake: Lake, tmp_path: Path) -> None:
    import io

    import numpy as np
    from PIL import Image

    sheets = {row["sheet_id"]: row for row in lake.read("sheets").to_pylist()}
    drawings = sorted(s for s, row in sheets.items() if row["role"] == "drawing")

    def pixels(sheet_id: str) -> bytes:
        with Image.open(io.BytesIO(sheets[sheet_id]["image"])) as image:
            return np.asarray(image.convert("1")).tobytes()

    for sheet_id in drawings[:: max(1, len(drawings) // 6)]:
        picture = tmp_path / "query.tif"
        picture.write_bytes(sheets[sheet_id]["image"])
        done = figlake("search", "--image", str(picture), "-k", "3", "--json", "--lake", lake.storage.root)
        assert done.returncode == 0, done.stderr
        first = json.loads(done.stdout)["hits"][0]["sheet_id"]
        assert first == sheet_id or pixels(first) == pixels(sheet_id), f"{sheet_id} found {first} first"


def test_searching_with_words_finds_the_document_that_is_about_them(lake: Lake) -> None:
    done = figlake("search", "--text", "cranial burr hole plate", "-k", "5", "--json", "--lake", lake.storage.root)
    hits = json.loads(done.stdout)["hits"]
    assert hits[0]["doc_id"] == "EP3441026A1" or "burr" in hits[0]["title"].lower(), hits[0]


def test_show_lists_figures_signs_and_sentences(lake: Lake) -> None:
    found = json.loads(figlake("show", "EP3441829A1", "--json", "--lake", lake.storage.root).stdout)
    assert {figure["label"] for figure in found["figures"]} >= {"1", "2", "3"}
    assert "435" in {sign["sign"] for sign in found["signs"]}
    assert found["sentences"]


def test_sql_answers_over_the_release(lake: Lake) -> None:
    done = figlake(
        "sql",
        "SELECT office, count(*) AS n FROM documents GROUP BY 1 ORDER BY 1",
        "--json",
        "--lake",
        lake.storage.root,
    )
    assert json.loads(done.stdout) == [{"office": "EP", "n": 11}, {"office": "ES", "n": 1}, {"office": "US", "n": 1}]


def test_a_second_run_does_nothing_and_starts_no_engine(lake: Lake) -> None:
    started = time.monotonic()
    done = figlake("run", "--lake", lake.storage.root)
    assert done.returncode == 0
    assert "nothing to do: 3 archive(s) are up to date" in done.stdout
    assert time.monotonic() - started < 10


def test_other_ocr_settings_redo_ocr_and_what_follows_and_nothing_before(lake: Lake) -> None:
    done = figlake(
        "run", "--lake", lake.storage.root, "--only", USPTO, "--to", "link", "--set", "ocr.min_confidence=0.6"
    )
    assert done.returncode == 0, done.stderr
    steps = [line.split()[1] for line in done.stderr.splitlines() if line.startswith("done")]
    assert steps == ["ocr", "figures", "link"]
