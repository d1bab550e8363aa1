"""Judged queries on a small release, and files of them that are wrong."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from jobs.cli import app
from pipeline.errors import UsageError
from pipeline.evaluation.judgements import gallery, read_queries
from pipeline.evaluation.run import evaluate
from pipeline.lake import Lake
from pipeline.ledger import Run, record
from pipeline.search import SearchEngine, open_release
from tests.indexing.lakes import add_archive, build_index, clustered, publish, small_settings

SETTINGS = small_settings()
#: Two clusters of four: the first four vectors lie together, and so do the others.
IMAGE, TEXT = clustered(8, 32, 8, seed=1), clustered(8, 16, 8, seed=2)


def near(vector: Any, by: float, seed: int) -> Any:
    return vector + by * clustered(1, len(vector), 1, seed)[0]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """EP1 and EP2 look alike and read alike, EP3 and EP4 as well."""
    found = Lake.at(tmp_path_factory.mktemp("lake"))
    documents = {
        f"EP{n}A1": {
            label: (near(IMAGE[n // 3], 0.1, 10 * n + i), near(TEXT[n // 3], 0.1, 100 * n + i))
            for i, label in enumerate(("1", "2"))
        }
        for n in (1, 2, 3, 4)
    }
    add_archive(found, "A", documents, date(2019, 2, 13))
    build_index(found, SETTINGS)
    publish(found, SETTINGS)
    record(found, Run("A", "extract", 1, "f", "done"))
    return found


@pytest.fixture(scope="module")
def engine(lake: Lake) -> SearchEngine:
    return open_release(lake, SETTINGS)


def write(folder: Path, *queries: Any) -> Path:
    path = folder / "queries.jsonl"
    path.write_text("\n".join(query if isinstance(query, str) else json.dumps(query) for query in queries))
    return path


ALIKE = {"id": "a", "doc": "EP1A1", "figure": "1", "relevant": [{"doc": "EP1A1"}, {"doc": "EP2A1", "grade": 2}]}


def test_alike_figures_are_found_in_every_way(engine: SearchEngine, tmp_path: Path) -> None:
    found = evaluate(engine, read_queries(write(tmp_path, ALIKE)), 3)
    table = found.table()
    assert set(table) == {"image", "text", "mean", "max", "calibrated-mean", "calibrated-max", "reciprocal-rank"}
    assert all(row["P"].mean == row["R"].mean == row["mAP"].mean == 1.0 for row in table.values())
    for answer in found.answers:
        assert "EP1A1/s1.tif#1" not in answer.figures  # the query itself
        assert set(answer.figures) == {"EP1A1/s2.tif#2", "EP2A1/s1.tif#1", "EP2A1/s2.tif#2"}


def test_a_query_may_leave_its_document_out_or_nothing(engine: SearchEngine, tmp_path: Path) -> None:
    queries = [{**ALIKE, "id": "b", "exclude": "document"}, {**ALIKE, "id": "c", "exclude": "none"}]
    answers = {a.query: a.figures for a in evaluate(engine, read_queries(write(tmp_path, *queries)), 4).answers}
    assert not any(figure.startswith("EP1A1") for figure in answers["b"])
    assert answers["c"][0] == "EP1A1/s1.tif#1"


def test_judgements_that_no_figure_answers_to_are_told(engine: SearchEngine, tmp_path: Path) -> None:
    unknown = {
        "id": "u",
        "doc": "EP1A1",
        "figure": "1",
        "relevant": [{"doc": "EP9A1"}, {"doc": "EP2A1", "figure": "7"}],
    }
    found = evaluate(engine, read_queries(write(tmp_path, ALIKE, unknown)), 3)
    assert found.unknown == ("EP9A1", "EP2A1 figure 7")
    assert ("u", "all", "none of its relevant figures is in the release") in found.skipped
    assert found.compared == 1


def test_rows_are_over_the_queries_that_all_of_them_could_answer(engine: SearchEngine, tmp_path: Path) -> None:
    words = {"id": "w", "text": "a pump", "relevant": [{"doc": "EP2A1"}]}
    found = evaluate(open_with_words(engine), read_queries(write(tmp_path, ALIKE, words)), 3)
    assert {answer.way for answer in found.answers if answer.query == "w"} == {"text"}
    assert found.compared == 1
    assert ("w", "image", "the query has no image") in found.skipped


def open_with_words(engine: SearchEngine) -> SearchEngine:
    class Words:
        def encode(self, items: Any) -> Any:
            return TEXT[:1]

    return SearchEngine(engine.tables.lake, SETTINGS, engine.release, {"text": Words()})


def test_labels_are_one_however_they_are_spelt() -> None:
    found = gallery(
        [{"doc_id": "D", "figure_id": "D/1#2A", "label": "2A"}, {"doc_id": "D", "figure_id": "D/1#@1", "label": None}]
    )
    assert found.figures("D", "2(a)") == ("D/1#2A",)
    assert found.figures("D", "*") == ("D/1#2A", "D/1#@1") and not found.unknown


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "is no JSON"),
        ("[]", "a query is an object"),
        ({**ALIKE, "labels": 1}, "unknown: .'labels'."),
        ({"relevant": [{"doc": "D"}]}, "needs an image, a doc with a figure, or a text"),
        ({"doc": "D", "relevant": [{"doc": "D"}]}, "doc and figure go together"),
        ({"text": 5, "relevant": [{"doc": "D"}]}, "are strings"),
        ({"text": " ", "relevant": [{"doc": "D"}]}, "are strings that are not blank"),
        ({"doc": "D", "figure": "*", "relevant": [{"doc": "D"}]}, "a query is one figure"),
        ({"text": "t", "relevant": [{"doc": "D", "figure": 1}]}, "each of relevant"),
        ({"text": "t", "relevant": []}, "relevant must list"),
        ({"text": "t", "relevant": [{"figure": "1"}]}, "each of relevant"),
        ({"text": "t", "relevant": [{"doc": "D", "grade": -1}]}, "a grade is a number"),
        ({"text": "t", "exclude": "all", "relevant": [{"doc": "D"}]}, "exclude is figure, document or none"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: Any, message: str) -> None:
    with pytest.raises(UsageError, match=f"line 2.*{message}"):
        read_queries(write(tmp_path, ALIKE, line))


def test_the_command_prints_the_table_and_writes_what_was_found(lake: Lake, tmp_path: Path) -> None:
    queries, to = write(tmp_path, ALIKE), tmp_path / "found.jsonl"
    arguments = ["eval", str(queries), "--lake", lake.storage.root, "-k", "3", "--out", str(to)]
    printed = CliRunner().invoke(app, arguments)
    assert printed.exit_code == 0, printed.output
    assert (
        "mAP@3" in printed.output and "reciprocal-rank" in printed.output and "1.000 [1.000, 1.000]" in printed.output
    )
    assert len(to.read_text().splitlines()) == 7
    tree = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).output)
    assert tree["table"]["image"]["MRR"]["mean"] == 1.0 and tree["queries"] == 1


def test_the_command_names_what_is_wrong(lake: Lake, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["eval", str(tmp_path / "none.jsonl"), "--lake", lake.storage.root])
    assert done.exit_code == 2 and "cannot read" in done.output
