"""Broken archives, packages, XML and images: each ends as a reject with its reason, everything else lands."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from pipeline.lake import Lake
from tests.faults.archives import (
    ENTITY_BOMB,
    EXTERNAL_ENTITY,
    good_package,
    package,
    tiff,
    weekly,
    xml,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
#: What a Spark Python worker may use over all this, the interpreter with pyarrow and lxml included.
WORKER_LIMIT_MB = 700


def inflating_member(mebibytes: int) -> bytes:
    """A package whose image would inflate to this many MiB of zeros."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("EP9000001NWA1.xml", xml("9000001"))
        with archive.open("imgf0001.tif", "w", force_zip64=True) as member:
            for _ in range(mebibytes):
                member.write(bytes(1 << 20))
    return stream.getvalue()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("broken")
    climbing = package({"../../EP9000002NWA1.xml": xml("9000002"), "../../../etc/imgf0001.tif": tiff()})
    weekly(
        folder / "mixed.zip",
        {
            "EP1000001NWA1": good_package("1000001"),
            "EP1000002NWA1": good_package("1000002")[:-200],
            "EP1000003NWA1": package({"EP1000003NWA1.xml": xml("1000003"), "imgf0001.tif": b"this is no TIFF at all"}),
            "EP1000004NWA1": package({"EP1000004NWA1.xml": ENTITY_BOMB, "imgf0001.tif": tiff()}),
            "EP1000005NWA1": package({"EP1000005NWA1.xml": EXTERNAL_ENTITY, "imgf0001.tif": tiff()}),
            "EP1000006NWA1": climbing,
            "EP1000007NWA1": inflating_member(1024),
            "EP1000008NWA1": package({"EP1000001NWA1.xml": xml("1000001"), "imgf0001.tif": tiff(3)}),
            "EP1000009NWA1": package({"EP1000009NWA1.xml": xml("1000009")[:700], "imgf0001.tif": tiff()}),
            "EP1000010NWA1": package({"EP1000010NWA1.xml": xml("1000010")}),
            "EP1000011NWA1": package({"readme.txt": b"nothing here"}),
            "EP1000012NWA1": b"not a zip",
            "EP1000013NWA1": good_package("1000013"),
        },
    )
    whole = weekly(folder / "cut.zip", {f"EP20000{i:02}NWA1": good_package(f"20000{i:02}") for i in range(10)})
    data = whole.read_bytes()
    whole.write_bytes(data[: int(len(data) * 0.75)])
    with zipfile.ZipFile(folder / "empty.zip", "w"):
        pass
    (folder / "text.zip").write_bytes(b"I am not an archive")
    root = tmp_path_factory.mktemp("lake") / "lake"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "jobs.cli",
            "run",
            "--archives",
            str(folder),
            "--lake",
            str(root),
            "--to",
            "extract",
            "--set",
            "lake.rejects_limit=1.0",
        ],
        cwd=ROOT,
        text=True,
        capture_output=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return Lake.at(root)


def reasons(lake: Lake, archive: str) -> dict[str, str]:
    rows = lake.read("rejects", archive=archive).to_pylist()
    return {row["item"].rsplit("!/")[0].rsplit("/")[-1].removesuffix(".zip"): row["reason"] for row in rows}


def documents(lake: Lake, archive: str) -> list[str]:
    return sorted(lake.read("documents", ["doc_id"], archive=archive)["doc_id"].to_pylist())


def test_good_documents_land_beside_broken_ones_exactly_once(lake: Lake) -> None:
    found = Counter(documents(lake, "mixed"))
    assert {doc for doc, count in found.items() if count == 1} >= {"EP1000001A1", "EP1000013A1"}
    assert set(found.values()) == {1}
    sheets = lake.read("sheets", ["sheet_id"], archive="mixed")["sheet_id"].to_pylist()
    assert {"EP1000001A1/imgf0001.tif", "EP1000013A1/imgf0001.tif"} <= set(sheets)


@pytest.mark.parametrize(
    ("item", "allowed"),
    [
        ("EP1000002NWA1", {"package_truncated", "package_unreadable"}),
        ("EP1000003NWA1", {"image_unreadable"}),
        ("EP1000004NWA1", {"xml_forbidden"}),
        ("EP1000005NWA1", {"xml_forbidden"}),
        ("EP1000006NWA1", {"unsafe_path"}),
        ("EP1000007NWA1", {"too_large", "ratio_too_high"}),
        ("EP1000008NWA1", {"duplicate_document"}),
        ("EP1000009NWA1", {"xml_malformed"}),
        ("EP1000010NWA1", {"image_missing"}),
        ("EP1000011NWA1", {"package_without_document"}),
        ("EP1000012NWA1", {"package_unreadable"}),
    ],
)
def test_each_broken_item_is_a_reject_with_its_reason(lake: Lake, item: str, allowed: set[str]) -> None:
    found = {
        row["reason"]
        for row in lake.read("rejects", archive="mixed").to_pylist()
        if item in row["item"] or item.replace("EP", "EP").removesuffix("NWA1") + "A1" in row["item"]
    }
    assert found & allowed, f"{item}: {found or 'no reject'}"


def test_no_file_outside_the_archive_was_read_into_the_lake(lake: Lake) -> None:
    texts = " ".join(lake.read("passages", ["text"])["text"].to_pylist())
    assert "root:" not in texts


def test_every_whole_member_before_the_cut_of_a_truncated_archive_lands(lake: Lake) -> None:
    found = documents(lake, "cut")
    assert found == [f"EP20000{i:02}A1" for i in range(len(found))]
    assert len(found) >= 6
    assert "archive_truncated" in set(lake.read("rejects", ["reason"], archive="cut")["reason"].to_pylist())


def test_an_empty_archive_and_a_file_that_is_none_are_rejects_of_their_own(lake: Lake) -> None:
    assert lake.read("rejects", ["reason"], archive="empty")["reason"].to_pylist() == ["archive_empty"]
    assert lake.read("rejects", ["reason"], archive="text")["reason"].to_pylist() == ["archive_unreadable"]


def test_a_member_that_would_inflate_to_a_gigabyte_costs_no_such_memory(lake: Lake) -> None:
    peaks = {
        row["archive"]: row["peak_memory_mb"]
        for row in lake.read("runs", ["archive", "step", "state", "peak_memory_mb"]).to_pylist()
        if row["state"] == "done"
    }
    print(json.dumps(peaks))
    assert 0 < peaks["mixed"] < WORKER_LIMIT_MB
