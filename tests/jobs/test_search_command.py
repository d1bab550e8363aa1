"""figlake search as a user types it, on a published lake."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from jobs.cli import app
from pipeline.lake import Lake
from pipeline.ledger import Run, record
from tests.indexing.lakes import add_archive, build_index, clustered, publish, small_settings

IMAGES = clustered(6, 16, 6, seed=4)
QUERY = ("--figure", "EP0A1/s1.tif#1")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three documents of two figures."""
    found = Lake.at(tmp_path_factory.mktemp("lake"))
    record(found, Run("A", "extract", 1, "f", "done"))
    documents = {f"EP{n}A1": {"1": (IMAGES[2 * n], None), "2": (IMAGES[2 * n + 1], None)} for n in range(3)}
    facts: dict[str, Any] = {"EP1A1": {"figure_type": "graph", "ipc": ["G05B17/02"]}, "EP2A1": {"applicants": ["ACME"]}}
    add_archive(found, "A", documents, date(2019, 2, 13), facts=facts)
    build_index(found, small_settings())
    publish(found, small_settings())
    return found.storage.root


def search(lake: str, *options: str) -> Result:
    return CliRunner().invoke(app, ["search", "--lake", lake, *options])


def answer(lake: str, *options: str) -> dict[str, Any]:
    done = search(lake, "--json", *options)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_pages_follow_each_other_by_the_printed_cursor(lake: str) -> None:
    first = answer(lake, *QUERY, "-k", "4")
    second = answer(lake, *QUERY, "-k", "4", "--cursor", first["next"])
    assert second["next"] is None
    assert [hit["rank"] for hit in first["hits"] + second["hits"]] == [1, 2, 3, 4, 5, 6]
    assert first["hits"][0]["figure_id"] == "EP0A1/s1.tif#1"
    printed = search(lake, *QUERY, "-k", "4").output
    assert f"next page: --cursor {first['next']}" in printed.replace("\n", "")


@pytest.mark.parametrize(
    ("options", "documents"),
    [
        (["--type", "graph"], ["EP1A1", "EP1A1"]),
        (["--ipc", "G05B17"], ["EP1A1", "EP1A1"]),
        (["--applicant", "acme"], ["EP2A1", "EP2A1"]),
        (["--document", "EP1A1", "--document", "EP2A1", "--group", "document"], ["EP1A1", "EP2A1"]),
        (["--office", "EP", "--kind", "A1", "--archive", "A", "--group", "family"], ["EP0A1", "EP1A1", "EP2A1"]),
        (["--perspective", "unknown", "--from", "2019-02-13", "--to", "2019-02-13", "--type", "graph"], ["EP1A1"] * 2),
        (["--from", "2019-02-14"], []),
        (["--cpc", "A61"], []),
    ],
)
def test_filters_and_groups(lake: str, options: list[str], documents: list[str]) -> None:
    assert sorted(hit["doc_id"] for hit in answer(lake, *QUERY, *options)["hits"]) == documents


def test_no_hit_is_an_answer(lake: str) -> None:
    done = search(lake, *QUERY, "--cpc", "A61")
    assert (done.exit_code, "0 hit(s)" in done.output) == (0, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--type", "sketch"], "unknown figure type 'sketch'; choose from: technical drawing"),
        (["--office", "US"], "unknown office 'US'; choose from: EP"),
        (["--ipc", "pump"], "'pump' is no IPC symbol or the beginning of one"),
        (["--applicant", "nobody"], "no applicant in release"),
        (["--from", "2020-01-01", "--to", "2019-01-01"], "no date lies from 2020-01-01 to 2019-01-01"),
        (["--cursor", "abc"], "the cursor cannot be read"),
        (["--text", "pump"], "has no text vectors to search in"),
        (["--passage", "pump"], "has no passage vectors to search in"),
    ],
)
def test_what_is_wrong_is_one_line(lake: str, options: list[str], message: str) -> None:
    done = search(lake, *QUERY, *options)
    assert done.exit_code == 2
    assert message in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.output


def test_vectors_come_with_the_json(lake: str) -> None:
    hit = answer(lake, *QUERY, "--vectors", "-k", "1")["hits"][0]
    assert hit["vectors"]["image"] == pytest.approx(IMAGES[0].tolist(), abs=1e-6)
