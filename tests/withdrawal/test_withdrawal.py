"""A withdrawn document is out of every answer at the next request, and out of every file after cleaning."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from jobs.cli import app
from pipeline import quality
from pipeline.config import Settings
from pipeline.errors import FiglakeError, UsageError
from pipeline.flow import BY_NAME, LAKE_SCOPE, STEPS
from pipeline.lake import Lake
from pipeline.ledger import Run, record
from pipeline.parts import PartWriter
from pipeline.publishing import pointer
from pipeline.publishing.compaction import compact
from pipeline.report.facts import night
from pipeline.runner import execute, plan
from pipeline.search import SearchEngine, open_release
from pipeline.search.filters import Filter
from pipeline.show import describe
from pipeline.sql import query as sql
from pipeline.status import release_versions
from pipeline.trace import trace
from pipeline.withdrawal import purge, withdraw, withdrawn
from tests.indexing.lakes import (
    add_archive,
    build_index,
    clustered,
    encode,
    publish,
    small_settings,
    tiny_index,
    write,
)
from tests.pipeline.test_runner import know

IMAGES, TEXTS, SENTENCES = (clustered(12, 32, 4, seed=n) for n in (1, 2, 3))
GONE, STAYS = "EP3A1", "EP4A1"
ARCHIVE = Filter(archives=("A",))
REASON = "court order 12/2026"


@pytest.fixture(params=["", "RR32,IVF4,RaBitQ"], ids=["flat", "lists"])
def settings(request: pytest.FixtureRequest) -> Settings:
    return small_settings(indexing=tiny_index(request.param)) if request.param else small_settings()


@pytest.fixture
def lake(tmp_path: Path, settings: Settings) -> Lake:
    """Two archives of six documents with sentences, published."""
    found = Lake.at(tmp_path / "lake")
    for archive, numbers in (("A", range(6)), ("B", range(6, 12))):
        add_archive(
            found, archive, {f"EP{n}A1": {"1": (IMAGES[n], TEXTS[n])} for n in numbers}, date(2019, 2, 13),
            passages={f"EP{n}A1/d/1/0": SENTENCES[n] for n in numbers},
        )  # fmt: skip
        write(found, "passages", archive, [
            {"passage_id": f"EP{n}A1/d/1/{sentence}", "doc_id": f"EP{n}A1", "section": "description", "paragraph": "1",
             "paragraph_index": 0, "sentence": sentence, "language": "en", "text": f"EP{n}A1 has a pump."}
            for n in numbers for sentence in (0, 1)
        ])  # fmt: skip
    build_index(found, settings)
    publish(found, settings)
    record(found, Run("A", "encode", 1, "f", "done"))  # the ledger makes it a lake
    return found


def answers(engine: SearchEngine) -> dict[str, Callable[[], list[str]]]:
    """Every kind of query, asked so that the document that goes would come first."""
    return {
        "image": lambda: [hit.doc_id for hit in engine.search(image=IMAGES[3], k=50)],
        "text": lambda: [hit.doc_id for hit in engine.search(text=TEXTS[3], k=50)],
        "passage": lambda: [hit.doc_id for hit in engine.search(passage=SENTENCES[3], k=50)],
        "lexical": lambda: [hit.doc_id for hit in engine.search(lexical="text:pump OR figure:pump OR doc:*", k=50)],
        "filtered": lambda: [hit.doc_id for hit in engine.search(image=IMAGES[3], filter=ARCHIVE, k=50)],
        "several": lambda: [hit.doc_id for hit in engine.search(image=IMAGES[3], text=TEXTS[3], k=50)],
        "grouped": lambda: [hit.doc_id for hit in engine.search(image=IMAGES[3], group="document", k=50)],
    }  # fmt: skip


def test_an_open_service_answers_without_it_from_the_next_request_on(lake: Lake, settings: Settings) -> None:
    engine = open_release(lake, settings)
    asked = answers(engine)
    before = {kind: ask() for kind, ask in asked.items()}
    assert all(GONE in found for kind, found in before.items() if kind != "lexical"), before
    hits = engine.search(image=IMAGES[3], k=1)
    assert withdraw(lake, [GONE], REASON) == [GONE]
    for kind, ask in asked.items():
        assert sorted(set(before[kind]) - {GONE}) == sorted(set(ask())), kind
    with pytest.raises(UsageError, match="no vectors of a figure"):
        engine.search(figure=f"{GONE}/s1.tif#1")
    with pytest.raises(UsageError, match="has been withdrawn"):
        engine.pictures(hits)
    assert GONE not in {hit.doc_id for hit in open_release(lake, settings).search(image=IMAGES[3], k=50)}


def test_tables_and_panels_answer_without_it_at_once(lake: Lake, settings: Settings) -> None:
    _, versions = release_versions(lake)
    withdraw(lake, [GONE], REASON)
    for table in ("documents", "figures", "passages", "links", "figure_vectors"):
        for pinned in (None, versions):
            found = sql(lake, f"SELECT DISTINCT doc_id FROM {table}", pinned)["doc_id"].to_pylist()
            assert GONE not in found
            assert STAYS in found
    assert sql(lake, "SELECT reason FROM tombstones")["reason"].to_pylist() == [REASON]
    with pytest.raises(UsageError, match=f"{GONE} has been withdrawn: {REASON}"):
        describe(lake, GONE)


def test_it_is_in_no_file_after_compaction_and_cleaning_and_nothing_else_is_lost(
    lake: Lake, settings: Settings, tmp_path: Path
) -> None:
    write_reject(lake, f"{GONE}/s9.tif")
    write_reject(lake, f"{GONE[:-1]}9/s9.tif")  # of another document, whose id begins alike
    generations = {(step.name, table): lake.generation(table, "test", "A") for step in STEPS for table in step.writes}
    everything = sql(lake, "SELECT doc_id FROM figures WHERE doc_id <> 'EP3A1' ORDER BY 1")
    vectors = vectors_of(lake)
    withdraw(lake, [GONE], REASON)
    compact(lake, settings)
    removed = purge(lake, settings)
    assert removed["documents"] == removed["figures"] == removed["figure_vectors"] == 1
    assert purge(lake, settings) == {}
    publish(lake, settings)
    later = datetime.now(UTC) + timedelta(days=30)
    pointer.prune(lake, small_settings().publish.__class__(keep=1, keep_days=0), later)
    lake.clean(0, pointer.kept_versions(lake))
    bookkeeping = {"tombstones", "compacted", "quality", "_delta_log"}  # they name it and hold nothing of it
    holding = sorted(
        str(path.relative_to(tmp_path))
        for path in (tmp_path / "lake").rglob("*")
        if path.is_file() and not bookkeeping & set(path.parts) and mentions(path)
    )
    assert holding == []
    assert words_of(lake, settings, GONE) == 0 < words_of(lake, settings, STAYS)
    assert lake.read("rejects", ["item"])["item"].to_pylist() == [f"{GONE[:-1]}9/s9.tif"]
    assert sql(lake, "SELECT doc_id FROM figures ORDER BY 1").equals(everything)
    del vectors[f"{GONE}/s1.tif#1"]
    assert vectors_of(lake) == vectors
    assert generations == {
        (step.name, table): lake.generation(table, "test", "A") for step in STEPS for table in step.writes
    }  # nothing has become stale
    found = quality.check(lake, settings.quality)
    assert not quality.failures(found)
    assert STAYS in {hit.doc_id for hit in open_release(lake, settings).search(image=IMAGES[3], k=50)}


def words_of(lake: Lake, settings: Settings, doc_id: str) -> int:
    """Entries of the lexical index that hold the document's id, those that are only marked as deleted among them."""
    return int(open_release(lake, settings).release.lexical.searcher.doc_freq("doc", doc_id.lower()))


def write_reject(lake: Lake, item: str) -> None:
    rows = lake.read("rejects", archive="A").to_pylist()
    at = datetime(2026, 11, 20, tzinfo=UTC)
    rows.append({"item": item, "reason": "image_unreadable", "detail": item, "sha256": None, "attempt": 1,
                 "first_seen": at, "last_seen": at})  # fmt: skip
    with PartWriter(lake.storage, "rejects", {"archive": "A", "step": "ocr"}) as writer:
        writer.write_rows([{name: row[name] for name in writer.schema.names} for row in rows])
    generation = lake.generation("rejects", "ocr", "A")
    lake.commit("rejects", "ocr", "A", (generation or 0) + 1, writer.parts)


def test_what_was_rejected_of_it_is_told_no_more(lake: Lake) -> None:
    write_reject(lake, f"{GONE}/s9.tif")
    record(lake, Run("A", "ocr", 1, "f", "done", detail={"slowest": [[GONE, 9.0], [STAYS, 1.0]]}))
    withdraw(lake, [GONE], REASON)
    assert sql(lake, "SELECT * FROM rejects").num_rows == 0
    found = night(lake, Settings())
    assert (found.rejects, found.slowest_documents) == ([], [(STAYS, "A", 1.0)])


def test_its_vectors_go_also_where_another_archive_has_documents_of_its_archive_newer(
    lake: Lake, settings: Settings, tmp_path: Path
) -> None:
    add_archive(lake, "C", {"EP2A1": {"1": (IMAGES[2], TEXTS[2])}}, date(2019, 2, 20))
    encode(lake, "C")
    withdraw(lake, [GONE], REASON)
    compact(lake, settings)
    purge(lake, settings)
    publish(lake, settings)
    pointer.prune(lake, small_settings().publish.__class__(keep=1, keep_days=0), datetime.now(UTC) + timedelta(days=30))
    lake.clean(0, pointer.kept_versions(lake))
    assert not [path for path in (tmp_path / "lake" / "index").rglob("*.keys") if mentions(path)]
    add_archive(lake, "C", {"EP99A1": {"1": (IMAGES[2], TEXTS[2])}}, date(2019, 2, 20))  # corrected: EP2A1 was not its
    encode(lake, "C")
    with pytest.raises(FiglakeError, match="step encode --archive A --again"):
        publish(lake, settings)
    encode(lake, "A")
    publish(lake, settings)
    found = {hit.doc_id for hit in open_release(lake, settings).search(image=IMAGES[2], k=50)}
    assert "EP2A1" in found and GONE not in found


def test_the_next_night_publishes_what_was_withdrawn_compacted_and_purged(lake: Lake, settings: Settings) -> None:
    for archive in "AB":
        know(lake, archive, "1")

    def pending() -> bool:
        task = plan(lake, settings, BY_NAME["publish"], LAKE_SCOPE)
        if not task.done:
            assert execute(lake, settings, task, None, lambda done, total: None).state == "done"
        return not task.done

    assert pending()
    assert not pending()
    withdraw(lake, [GONE], REASON)
    assert pending()
    compact(lake, settings)
    assert pending()
    purge(lake, settings)
    assert pending()
    assert not pending()


def test_the_last_document_of_an_archive_leaves_every_file_too_and_compaction_goes_on(
    lake: Lake, settings: Settings, tmp_path: Path
) -> None:
    keep_little = small_settings().publish.__class__(keep=1, keep_days=0)

    def clean_up() -> None:
        compact(lake, settings)
        purge(lake, settings)
        publish(lake, settings)
        pointer.prune(lake, keep_little, datetime.now(UTC) + timedelta(days=30))
        lake.clean(0, pointer.kept_versions(lake))

    add_archive(lake, "C", {"EP77A1": {"1": (IMAGES[3], TEXTS[3])}}, date(2019, 2, 20))
    encode(lake, "C")
    publish(lake, settings)
    withdraw(lake, ["EP77A1"], REASON)
    clean_up()
    bookkeeping = {"tombstones", "compacted", "quality", "_delta_log"}
    holding = [
        path.relative_to(tmp_path)
        for path in (tmp_path / "lake").rglob("*")
        if path.is_file() and not bookkeeping & set(path.parts) and mentions(path, "EP77A1")
    ]
    assert holding == []
    assert compact(lake, settings) == []
    # Once its own shard's files are gone, nothing may ask for them again.
    withdraw(lake, [GONE], REASON)
    clean_up()
    clean_up()
    found = {hit.doc_id for hit in open_release(lake, settings).search(image=IMAGES[3], k=50)}
    assert found == {f"EP{n}A1" for n in range(12)} - {GONE}


def test_a_document_that_was_purged_stands_in_the_way_of_no_other(lake: Lake, settings: Settings) -> None:
    withdraw(lake, [GONE], REASON)
    compact(lake, settings)
    purge(lake, settings)
    assert withdraw(lake, [GONE, STAYS], REASON) == [STAYS]
    told = CliRunner().invoke(app, ["trace", GONE, "--lake", lake.storage.root]).output
    assert REASON in told and "purged" in told


def test_rows_that_a_step_wrote_again_during_a_purge_go_with_the_next(lake: Lake, settings: Settings) -> None:
    links = lake.read("links", archive="A").to_pylist()
    withdraw(lake, [GONE], REASON)
    purge(lake, settings)
    write(lake, "links", "A", [{name: value for name, value in row.items() if name != "archive"} for row in links])
    assert purge(lake, settings) == {"links": sum(row["doc_id"] == GONE for row in links)}
    assert not quality.failures(quality.check(lake, settings.quality))


def vectors_of(lake: Lake) -> dict[str, list[float]]:
    rows = lake.read("figure_vectors", ["figure_id", "vector"])
    return dict(zip(rows["figure_id"].to_pylist(), rows["vector"].to_pylist(), strict=True))


def mentions(path: Path, name: str = GONE) -> bool:
    """Whether a file holds the document's name, plain or in a column that is compressed."""
    import pyarrow.parquet as pq

    if path.suffix == ".parquet":
        return any(name in str(value) for column in pq.read_table(path).columns for value in column.to_pylist())
    return name.encode() in path.read_bytes()


def test_withdrawing_at_the_same_time_loses_none(lake: Lake) -> None:
    names = [f"EP{n}A1" for n in range(8)]
    threads = [threading.Thread(target=withdraw, args=(lake, [name], REASON)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert withdrawn(lake) == set(names)
    rows = lake.read("tombstones", ["doc_id"])["doc_id"].to_pylist()
    assert sorted(rows) == sorted(set(rows))
    assert withdraw(lake, names[:1], REASON) == []


@pytest.mark.parametrize(("doc_ids", "reason", "message"), [
    (["EP999A1"], REASON, "no document 'EP999A1'"), ([GONE, "EP3"], REASON, "no document 'EP3'"), ([GONE], "  ", "why"),
])  # fmt: skip
def test_what_cannot_be_withdrawn_is_said_and_nothing_is(
    lake: Lake, doc_ids: list[str], reason: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        withdraw(lake, doc_ids, reason)
    assert not withdrawn(lake)


def test_a_figure_is_traced_from_its_member_to_its_rows_in_shards(lake: Lake) -> None:
    figure = f"{GONE}/s1.tif#1"
    found = trace(lake, figure)
    assert [(row["archive"], row["member"]) for row in found["documents"]] == [("A", f"{GONE}.xml")]
    assert [row["sheet_id"] for row in found["sheets"]] == [f"{GONE}/s1.tif"]
    assert [row["figure_id"] for row in found["figures"]] == [figure]
    assert {row["modality"] for row in found["vectors"]} == {"image", "text"}
    release = pointer.current(lake)
    for row in found["shards"]:
        assert row["releases"] == [release]
        stored = np.memmap(lake.storage.path(row["shard"]), np.float16, mode="r").reshape(-1, 32)[row["row"]]
        assert np.array_equal(stored, {"image": IMAGES, "text": TEXTS}[row["modality"]][3].astype(np.float16))
    assert {row["modality"] for row in trace(lake, GONE)["shards"]} == {"image", "text", "passage"}
    with pytest.raises(UsageError, match=f"{GONE} has no"):
        trace(lake, f"{GONE}/s9.tif")


def test_a_region_is_traced_with_its_figure_and_goes_with_its_document(lake: Lake, settings: Settings) -> None:
    figure = f"{GONE}/s1.tif#1"
    write(lake, "region_vectors", "A", [
        {"region_id": f"{doc_id}/s1.tif#1/0", "doc_id": doc_id, "figure_id": f"{doc_id}/s1.tif#1", "ordinal": 0,
         "x0": 0, "y0": 0, "x1": 9, "y1": 9, "model": "builtin:test", "revision": "1", "vector": IMAGES[3].tolist()}
        for doc_id in (GONE, STAYS)
    ])  # fmt: skip
    assert "region" in {row["modality"] for row in trace(lake, figure)["vectors"]}
    found = trace(lake, f"{figure}/0")
    assert [row["figure_id"] for row in found["figures"]] == [figure]
    assert [(row["modality"], row["key"]) for row in found["vectors"]] == [("region", f"{figure}/0")]
    withdraw(lake, [GONE], REASON)
    purge(lake, settings)
    assert lake.read("region_vectors", ["doc_id"])["doc_id"].to_pylist() == [STAYS]


def test_the_commands_withdraw_and_trace(lake: Lake) -> None:
    run = CliRunner().invoke
    root = lake.storage.root
    assert "withdrawn" in run(app, ["withdraw", GONE, "--reason", REASON, "--lake", root]).output
    assert "withdrawn before" in run(app, ["withdraw", GONE, "--reason", REASON, "--lake", root]).output
    assert REASON in run(app, ["trace", GONE, "--lake", root]).output
    assert json.loads(run(app, ["trace", GONE, "--json", "--lake", root]).stdout)["withdrawn"] == REASON
    refused = run(app, ["withdraw", "EP1", "--reason", REASON, "--lake", root])
    assert (refused.exit_code, "no document" in refused.output) == (2, True)
    compacted = json.loads(run(app, ["compact", "--json", "--lake", root]).stdout)
    assert compacted["rows_removed"]["documents"] == 1


def readers(engine: SearchEngine, stop: threading.Event, seen: list[set[str]]) -> Iterator[None]:
    """Searches until told to stop."""
    while not stop.is_set():
        seen.append({hit.doc_id for hit in engine.search(image=IMAGES[3], text=TEXTS[3], k=50)})
        yield


def test_threads_that_search_meanwhile_get_whole_answers(lake: Lake, settings: Settings) -> None:
    engine, stop, seen, failed = open_release(lake, settings), threading.Event(), list[set[str]](), list[Exception]()

    def work() -> None:
        try:
            for _ in readers(engine, stop, seen):
                pass
        except Exception as error:  # told by the main thread
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in (0, 1, 2, 3):
        withdraw(lake, [f"EP{number}A1"], REASON)
    after = {hit.doc_id for hit in engine.search(image=IMAGES[3], k=50)}
    stop.set()
    for thread in threads:
        thread.join()
    assert not failed
    assert after == {f"EP{n}A1" for n in range(4, 12)}
    assert all(answer >= after for answer in seen)
