from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import Settings
from pipeline.context import StepContext
from pipeline.errors import Reason
from pipeline.lake import Lake
from pipeline.linking.step import Linker, link_document, run
from pipeline.parts import PartWriter, gather
from schemas import TABLES
from tests.linking.rows import figure, passages, region

TEXTS = passages(
    "The plate 10 bears the hub 22 and the spikes 14.",
    "FIG. 1 shows a plate 10 with spikes 14.",
    "The hub 22 is round, and the plate 10 is flat.",
    refs={1: ["1"]},
)


def test_a_document_is_linked_whatever_the_order_of_its_rows() -> None:
    document = {"doc_id": "EP1A1", "passages": TEXTS[::-1], "regions": [region("22")], "figures": [figure("1")]}
    linked = link_document(document, Settings())
    assert [row["sign"] for row in linked.signs] == ["10", "14", "22"]
    assert [(row["figure_id"][-1], row["sign"], row["term"]) for row in linked.printed] == [("1", "22", "hub")]
    assert [(row["sign"], row["passage_id"][-3]) for row in linked.links] == [("22", "0"), ("", "1"), ("22", "2")]


def test_a_document_that_fails_is_rejected_and_the_others_are_written(tmp_path: Path) -> None:
    import pyarrow as pa

    good = {"doc_id": "EP1A1", "passages": TEXTS, "regions": None, "figures": None}
    bad = {**good, "doc_id": "EP2A1", "passages": [{**TEXTS[0], "section": "unheard of"}]}
    worker = Linker(Lake.at(tmp_path).storage, Settings(), "week")
    batches = worker(iter([pa.RecordBatch.from_pylist([bad, good])]))
    outcome = gather((row["kind"], row["payload"]) for batch in batches for row in batch.to_pylist())
    assert [(r.item, r.reason) for r in outcome.rejects] == [("EP2A1", Reason.STEP_ERROR)]
    assert (outcome.rows_in, outcome.rows_out(["signs", "links"])) == (2, {"signs": 3, "links": 0})


@pytest.mark.slow
def test_the_step_links_the_documents_of_an_archive_with_spark(tmp_path: Path) -> None:
    from pipeline.engines import spark

    lake = Lake.at(tmp_path)
    rows = {"passages": TEXTS, "regions": [region("22")], "figures": [figure("1")]}
    for table, content in rows.items():
        with PartWriter(lake.storage, table, {"archive": "week"}) as writer:
            writer.write_rows(content)
        lake.commit(table, "test", "week", 1, writer.parts)
    settings = Settings()
    with spark.session(settings) as session:
        outcome = run(StepContext(lake, settings, "week", None, 1, lambda done, total: None, session))
    for table in ("signs", "figure_signs", "links"):
        lake.commit(table, "link", "week", 1, [part for part in outcome.parts if part.table == table])
    assert (outcome.rows_in, outcome.rejects) == (1, [])
    assert lake.read("signs", ["sign", "term"]).to_pylist() == [
        {"sign": "10", "term": "plate"}, {"sign": "14", "term": "spike"}, {"sign": "22", "term": "hub"}]  # fmt: skip
    links = lake.read("links")
    assert links.schema.names == TABLES["links"].schema.names
    assert sorted((row["sign"], row["passage_id"][-3]) for row in links.to_pylist()) == [
        ("", "1"), ("22", "0"), ("22", "2")]  # fmt: skip
