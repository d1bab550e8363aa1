"""The lexical index: what queries mean, what they find, and how the index follows the lake."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import GateError, UsageError
from pipeline.lake import Lake
from pipeline.publishing import pointer
from pipeline.publishing.manifest import read_manifest
from pipeline.search import SearchEngine, open_release
from pipeline.search.filters import Filter
from pipeline.search.lexical_query import parse, plain_words
from tests.indexing.lakes import add_archive, build_index, clustered, publish, small_settings, write

SETTINGS = small_settings()
VECTORS = clustered(20, 32, 10, seed=4)
FIRST, SECOND = date(2019, 2, 13), date(2019, 2, 20)


def add(lake: Lake, archive: str, sentences: dict[str, list[tuple[str, str]]], delivered: date = FIRST) -> None:
    """One figure a document; ``sentences``: doc_id → (section, text)."""
    add_archive(lake, archive, {doc: {"1": (VECTORS[n], None)} for n, doc in enumerate(sentences)}, delivered)
    passages, links = [], []
    for doc, found in sentences.items():
        for number, (section, text) in enumerate(found):
            key = f"{doc}/{section}/1/{number}"
            passages.append(
                {"passage_id": key, "doc_id": doc, "section": section, "paragraph": "1", "paragraph_index": 0,
                 "sentence": number, "language": "en", "text": text}
            )  # fmt: skip
            links.append(
                {"figure_id": f"{doc}/s1.tif#1", "doc_id": doc, "sign": "12", "passage_id": key, "term": "load arm",
                 "region_ordinal": 0, "match": "exact", "ocr_confidence": 0.9, "score": 0.9, "text": text}
            )  # fmt: skip
    write(lake, "passages", archive, passages)
    write(lake, "links", archive, links)
    write(lake, "regions", archive, [region for doc in sentences for region in _regions(doc)])
    write(lake, "figure_signs", archive, [
        {"figure_id": f"{doc}/s1.tif#1", "region_ordinal": 0, "doc_id": doc, "sign": "12'", "read_as": "12'",
         "correction": "none", "ocr_confidence": 0.9, "status": "named", "term": "load arm"}
        for doc in sentences
    ])  # fmt: skip


def _regions(doc: str) -> list[dict[str, Any]]:
    def at(ordinal: int, text: str, x: float, y: float) -> dict[str, Any]:
        return {
            "sheet_id": f"{doc}/s1.tif", "ordinal": ordinal, "doc_id": doc, "text": text, "confidence": 0.9,
            "polygon": [x, y, x + 40, y, x + 40, y + 20, x, y + 20], "angle": 0, "role": "word", "engine": "test",
        }  # fmt: skip

    return [at(0, f"decryption unit {doc}", 50, 60), at(1, "page header", 100, 392)]  # the second beyond the box


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    found = Lake.at(tmp_path)
    add(found, "A", {
        "EP1A1": [("description", "The windmill turns."), ("claims", "A pump with a load arm.")],
        "EP2A1": [("claims", "A windmill, characterised by two blades.")],
        "EP3A1": [],
    })  # fmt: skip
    build_index(found, SETTINGS)
    publish(found, SETTINGS)
    return found


def ask(lake: Lake, query: str, **more: Any) -> list[str]:
    return [hit.doc_id for hit in open_release(lake, SETTINGS).search(lexical=query, **more)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("windmill", {"EP1A1", "EP2A1"}),
        ("windmills", {"EP1A1", "EP2A1"}),
        ("text:windmill AND section:description", {"EP1A1"}),
        ("text:windmill section:claims", {"EP2A1"}),
        ("text:(windmill OR pump) AND NOT section:description", {"EP1A1", "EP2A1"}),
        ("text:windmill -text:blades", {"EP1A1"}),
        ("NOT text:windmill", {"EP1A1", "EP3A1"}),  # its sentence about the pump
        ('text:"two blades"', {"EP2A1"}),
        ('text:"blades two"', set()),
        ('text:"pump arm"', set()),
        ('text:"pump arm"~3', {"EP1A1"}),
        ("text:wind*", {"EP1A1", "EP2A1"}),
        ("text:w?ndmill", {"EP1A1", "EP2A1"}),
        ("figure:decryption", {"EP1A1", "EP2A1", "EP3A1"}),
        ("figure:header", set()),
        ('part:"load arm"', {"EP1A1", "EP2A1", "EP3A1"}),
        ("sign:12'", {"EP1A1", "EP2A1", "EP3A1"}),
        ("sign:12", set()),
        ("doc:ep3a1", {"EP3A1"}),
        ("title:pump doc:EP2A1", {"EP2A1"}),
        ("type:\"block diagram\" text:pump", {"EP1A1"}),
        ("WINDMILL", {"EP1A1", "EP2A1"}),
    ],
)  # fmt: skip
def test_a_query_finds_what_it_says(lake: Lake, query: str, found: set[str]) -> None:
    assert set(ask(lake, query)) == found


@pytest.mark.parametrize(
    ("query", "at", "why"),
    [
        ("", 0, "is empty"),
        ("text:", 5, "stands where"),
        ("foo:bar", 1, "there is no field 'foo'"),
        ("(windmill", 10, "never closed"),
        ("windmill)", 9, "never opened"),
        ("windmill AND", 13, "is missing"),
        ("OR windmill", 1, "is missing"),
        ('part:"load', 6, "stands where"),
    ],
)
def test_a_wrong_query_is_told_where(query: str, at: int, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        parse(query)
    assert not at or f"character {at}:" in str(caught.value)


@given(st.text(alphabet="ab1 \"()*?-:~'ANDORNOT", max_size=30))
def test_any_text_is_a_query_or_a_clear_error(text: str) -> None:
    try:
        parse(text)
    except UsageError as error:
        assert "an example" in str(error)


def test_the_words_that_say_why_are_those_asked_for() -> None:
    assert plain_words('text:wind* AND section:claims NOT part:"load arm" "two blades"') == "wind two blades"


def test_the_sentence_that_matches_is_the_first_reason(lake: Lake) -> None:
    (hit, *_) = open_release(lake, SETTINGS).search(lexical="text:pump")
    assert hit.why.sentences[0].text == "A pump with a load arm."


def test_filters_and_other_parts_join_in(lake: Lake) -> None:
    engine = open_release(lake, SETTINGS)
    assert ask(lake, "windmill", filter=Filter(doc_ids=("EP2A1",))) == ["EP2A1"]
    both = engine.search(lexical="text:blades", image=VECTORS[0], k=3)
    assert both[0].scores.keys() == {"lexical", "image"} or both[0].doc_id == "EP1A1"
    assert {hit.doc_id for hit in both} == {"EP1A1", "EP2A1", "EP3A1"}
    assert all(0 < hit.scores["lexical"] < 1 for hit in both if "lexical" in hit.scores)


def files(lake: Lake) -> dict[str, str]:
    name = pointer.current(lake)
    assert name is not None
    return {Path(file.path).name: file.sha256 for file in read_manifest(lake.storage, name).lexical}


def test_a_new_archive_adds_segments_and_keeps_the_others(lake: Lake) -> None:
    before = files(lake)
    add(lake, "B", {"EP4A1": [("description", "A sailing boat.")]}, SECOND)
    build_index(lake, SETTINGS)
    publish(lake, SETTINGS)
    assert ask(lake, "boat") == ["EP4A1"] and set(ask(lake, "windmill")) == {"EP1A1", "EP2A1"}
    kept = {name for name in before if before[name] == files(lake).get(name)}
    assert any(name.endswith(".term") for name in kept)


def test_withdrawn_and_superseded_documents_are_gone_and_their_newer_text_is_there(lake: Lake) -> None:
    add(lake, "B", {"EP2A1": [("claims", "A turbine.")]}, SECOND)
    write(lake, "tombstones", "A", [{"doc_id": "EP1A1", "reason": "withdrawn", "at": datetime.now(UTC)}])
    build_index(lake, SETTINGS)
    publish(lake, SETTINGS)
    assert ask(lake, "windmill") == [] and ask(lake, "turbine") == ["EP2A1"]


def test_an_archive_that_is_ingested_again_replaces_its_entries(lake: Lake) -> None:
    add(lake, "A", {"EP1A1": [("description", "The glider lands.")]})
    build_index(lake, SETTINGS)
    publish(lake, SETTINGS)
    assert ask(lake, "windmill") == [] and ask(lake, "glider") == ["EP1A1"]


def test_a_release_without_the_other_s_index_builds_its_own(lake: Lake) -> None:
    old = open_release(lake, SETTINGS)
    add(lake, "B", {"EP4A1": [("description", "A sailing boat.")]}, SECOND)
    build_index(lake, SETTINGS)
    publish(lake, SETTINGS)
    assert [hit.doc_id for hit in old.search(lexical="windmill OR boat")] != []
    assert "EP4A1" not in {hit.doc_id for hit in old.search(lexical="windmill OR boat")}


def test_an_index_that_lacks_entries_stops_a_release(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.publishing import entries

    before = pointer.current(lake)
    add(lake, "B", {"EP4A1": [("description", "A sailing boat.")]}, SECOND)
    build_index(lake, SETTINGS)
    monkeypatch.setattr(entries, "_entries", lambda batch: iter(()))
    with pytest.raises(GateError, match="gate lexical: the index has 4 entries, the tables 5"):
        publish(lake, SETTINGS)
    assert pointer.current(lake) == before


def test_a_release_that_cannot_be_written_to_is_searched_all_the_same(lake: Lake) -> None:
    (folder,) = Path(lake.storage.path("releases", str(pointer.current(lake)))).glob("lexical-*")
    before = sorted(path.name for path in folder.iterdir())
    engine: SearchEngine = open_release(lake, SETTINGS)
    assert engine.search(lexical="windmill", k=1)
    assert sorted(path.name for path in folder.iterdir()) == before
