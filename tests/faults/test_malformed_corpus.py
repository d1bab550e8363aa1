"""Malformed inputs through the real step, beside good documents: rejects with their reasons, nothing lost."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from pipeline.lake import Lake
from tests.faults.archives import good_package, weekly
from tests.faults.malformed import ARCHIVES, PACKAGES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
#: What a Spark Python worker may use over all this, the interpreter with pyarrow and lxml included.
WORKER_LIMIT_MB = 700
#: The whole corpus, Spark's start included; a parser that hangs passes it.
LIMIT_S = 240
NUMBERS = {name: f"30{place:05}" for place, name in enumerate(PACKAGES)}
#: One good package before each malformed one; the first is the document that one of them holds again.
GOOD = [f"39{place:05}" for place in range(len(PACKAGES))]
DELIVERIES = {name: f"delivery{place:02}" for place, name in enumerate(ARCHIVES)}
GOOD_IN = {name: [f"4{place:02}000{i}" for i in range(3)] for place, name in enumerate(ARCHIVES)}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("corpus")
    packages = {}
    for good, (name, malformed) in zip(GOOD, PACKAGES.items(), strict=True):
        packages[f"EP{good}NWA1"] = good_package(good)
        packages[f"EP{NUMBERS[name]}NWA1"] = malformed.build(NUMBERS[name])
    weekly(folder / "week.zip", packages)
    for name, archive in ARCHIVES.items():
        (folder / f"{DELIVERIES[name]}.{archive.suffix}").write_bytes(archive.build(GOOD_IN[name]))
    root = tmp_path_factory.mktemp("lake") / "lake"
    settings = ("lake.rejects_limit=1.0", "limits.xml_mb=1", "limits.entries=5000", "spark.driver_memory_mb=512")
    done = subprocess.run(
        [sys.executable, "-m", "jobs.cli", "run", "--archives", str(folder), "--lake", str(root), "--to", "extract",
         *(word for setting in settings for word in ("--set", setting))],
        cwd=ROOT, text=True, capture_output=True, timeout=LIMIT_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return Lake.at(root)


@pytest.fixture(scope="module")
def rejects(lake: Lake) -> dict[str, set[str]]:
    """The reasons by archive, and for the week by package."""
    found = defaultdict(set)
    for row in lake.read("rejects", ["archive", "item", "reason"]).to_pylist():
        package = row["item"].split("/EPNWA1/")[-1][:13]
        found[package if row["archive"] == "week" else row["archive"]].add(row["reason"])
    return found


@pytest.fixture(scope="module")
def documents(lake: Lake) -> dict[str, Counter[str]]:
    found = defaultdict(Counter)
    for row in lake.read("documents", ["archive", "doc_id"]).to_pylist():
        found[row["archive"]][row["doc_id"]] += 1
    return found


def test_the_corpus_holds_sixty_inputs_and_more() -> None:
    assert len({malformed.build(NUMBERS[name]) for name, malformed in PACKAGES.items()}) >= 60
    assert len({archive.build(GOOD_IN[name]) for name, archive in ARCHIVES.items()}) >= 20


@pytest.mark.parametrize("name", PACKAGES)
def test_a_malformed_package_ends_as_rejects_with_its_reasons(
    name: str, rejects: dict[str, set[str]], documents: dict[str, Counter[str]]
) -> None:
    number = NUMBERS[name]
    assert rejects[f"EP{number}NWA1"] == PACKAGES[name].reasons
    assert documents["week"][f"EP{number}A1"] == PACKAGES[name].lands


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_malformed_archive_ends_as_rejects_and_keeps_what_is_whole(
    name: str, rejects: dict[str, set[str]], documents: dict[str, Counter[str]]
) -> None:
    assert rejects[DELIVERIES[name]] == ARCHIVES[name].reasons
    assert documents[DELIVERIES[name]] == {f"EP{GOOD_IN[name][i]}A1": 1 for i in ARCHIVES[name].kept}


def test_every_good_document_of_the_week_is_there_once_with_text_and_sheet(
    lake: Lake, rejects: dict[str, set[str]], documents: dict[str, Counter[str]]
) -> None:
    landed = {NUMBERS[name] for name, malformed in PACKAGES.items() if malformed.lands}
    assert documents["week"] == {f"EP{number}A1": 1 for number in [*GOOD, *landed]}
    assert not {f"EP{number}NWA1" for number in GOOD} & rejects.keys()
    sheets = Counter(lake.read("sheets", ["doc_id"], archive="week")["doc_id"].to_pylist())
    passages = set(lake.read("passages", ["doc_id"], archive="week")["doc_id"].to_pylist())
    for number in GOOD:
        assert sheets[f"EP{number}A1"] == 1
        assert f"EP{number}A1" in passages


def test_no_worker_took_more_memory_than_it_may_and_no_file_from_outside_was_read(lake: Lake) -> None:
    peaks = lake.read("runs", ["peak_memory_mb"])["peak_memory_mb"].to_pylist()
    assert 0 < max(peak for peak in peaks if peak is not None) < WORKER_LIMIT_MB
    assert "root:" not in " ".join(lake.read("passages", ["text"])["text"].to_pylist())
