"""Every distinct sentence is encoded once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipeline.embedding.sentences import Shared, digests, read_unit, sentence_vectors, shared_sentences
from pipeline.embedding.units import Unit, cut, document_runs
from pipeline.lake import Lake
from pipeline.parts import Part, PartWriter
from schemas import TABLES


def write(lake: Lake, table: str, rows: list[dict[str, object]]) -> list[Part]:
    names = TABLES[table].part_schema.names
    with PartWriter(lake.storage, table, {"archive": "A"}) as writer:
        writer.write_rows([{**dict.fromkeys(names), **row} for row in rows])
    return writer.parts


def passage(doc_id: str, number: int, text: str) -> dict[str, object]:
    return {
        "passage_id": f"{doc_id}/d/{number}", "doc_id": doc_id, "section": "description", "paragraph": str(number),
        "paragraph_index": number, "sentence": 0, "language": "en", "text": text,
    }  # fmt: skip


def link(doc_id: str, figure: str, number: int, score: float = 1.0) -> dict[str, object]:
    return {
        "figure_id": f"{doc_id}/s.tif#{figure}", "doc_id": doc_id, "sign": "", "passage_id": f"{doc_id}/d/{number}",
        "match": "figure mention", "score": score, "text": "…",
    }  # fmt: skip


@pytest.fixture
def units(tmp_path: Path) -> tuple[Lake, list[Unit]]:
    """Documents D and E, a unit each, that share one sentence."""
    lake = Lake.at(tmp_path)
    texts = {"D": ["a valve", "the end", "the end"], "E": ["the end", "a shaft"]}
    passages = write(
        lake, "passages", [passage(d, n, text) for d, some in texts.items() for n, text in enumerate(some)]
    )
    links = write(lake, "links", [link("D", "1", 1), link("E", "2", 1)])
    found = [
        [run for part in parts for run in document_runs(lake.storage, lake.storage.path("tables", table, part.path))]
        for table, parts in (("passages", passages), ("links", links))
    ]
    return lake, cut(found[0], found[1], lambda _: 1)


def test_shared_sentences_are_found_across_units(units: tuple[Lake, list[Unit]]) -> None:
    lake, some = units
    found, count = shared_sentences(lake.storage, some, linked_only=False)
    assert (found["text"].to_pylist(), count) == (["the end"], 1)
    assert found["digest"].to_pylist() == digests(["the end"]).to_pylist()


def test_only_linked_sentences_count_where_only_they_are_wanted(units: tuple[Lake, list[Unit]]) -> None:
    lake, some = units
    passages, _ = read_unit(lake.storage, some[0], linked_only=True)
    assert passages["text"].to_pylist() == ["the end"]
    assert shared_sentences(lake.storage, some, linked_only=True)[1] == 0


def test_the_most_frequent_sentences_are_shared_when_not_all_may_be(units: tuple[Lake, list[Unit]]) -> None:
    lake, some = units
    twice = [*some, some[1]]  # "a shaft" now occurs twice, "the end" four times
    assert shared_sentences(lake.storage, twice, linked_only=False, limit=1)[0]["text"].to_pylist() == ["the end"]


def test_shared_sentences_are_looked_up_and_the_others_encoded() -> None:
    asked = []

    def encode(texts: Sequence[str]) -> np.ndarray:
        asked.extend(texts)
        return np.array([[len(text), 1] for text in texts], np.float32).reshape(-1, 2)

    shared = Shared(digests(["the end"]), np.array([[-1, -1]], np.float16))
    found = sentence_vectors(["ab", "the end", "c", "the end"], encode, 2, shared)
    assert (found.tolist(), asked) == ([[2, 1], [-1, -1], [1, 1], [-1, -1]], ["ab", "c"])
    assert sentence_vectors(["the end"], encode, 2, shared).tolist() == [[-1, -1]]


def test_digests_tell_sentences_apart() -> None:
    assert len(digests(["a", "b", "a"]).unique()) == 2
    assert digests([]).type == pa.binary(16)
