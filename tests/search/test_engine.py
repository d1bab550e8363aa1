from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipeline.config import SearchSettings
from pipeline.errors import UsageError
from pipeline.lake import Lake
from pipeline.publishing import pointer
from pipeline.search import SearchEngine, open_release
from pipeline.search.contact_sheet import contact_sheet, write_contact_sheet
from pipeline.search.hits import linked_sentences, named_parts, title_of
from pipeline.search.release import DamagedReleaseError
from tests.indexing.lakes import add_archive, build_index, clustered, publish, sheet_file, small_settings, unit
from tests.object_store import object_store

SETTINGS = small_settings()
IMAGES, TEXTS = clustered(12, 32, 12, seed=2), clustered(12, 16, 12, seed=3)


class WordEncoder:
    """Stands for a sentence encoder: 'pump 3' is the third text vector."""

    def encode(self, items: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([TEXTS[int(item.split()[-1])] for item in items])


class InkEncoder:
    """Stands for an image encoder; remembers what it was given."""

    def __init__(self) -> None:
        self.given: list[Any] = []

    def encode(self, items: Sequence[Any]) -> NDArray[np.float32]:
        self.given += items
        return np.stack([IMAGES[0] for _ in items])


def documents() -> dict[str, Any]:
    """Six documents of two figures; figure 2 has words only in even documents."""
    return {
        f"EP{n}A1": {"1": (IMAGES[2 * n], TEXTS[2 * n]), "2": (IMAGES[2 * n + 1], TEXTS[2 * n + 1] if n % 2 == 0 else
                                                               None)}
        for n in range(6)
    }  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    found = Lake.at(tmp_path_factory.mktemp("lake"))
    add_archive(found, "A", documents(), date(2019, 2, 13))
    build_index(found, SETTINGS)
    publish(found, SETTINGS)
    return found


@pytest.fixture(scope="module")
def engine(lake: Lake) -> SearchEngine:
    return open_release(lake, SETTINGS, encoders={"text": WordEncoder(), "image": InkEncoder()})


def test_a_hit_says_where_it_comes_from_and_why(engine: SearchEngine) -> None:
    hit = engine.search(image=IMAGES[5], k=1)[0]
    assert hit.to_json() == {
        "rank": 1, "score": pytest.approx(1.0, abs=1e-3), "scores": {"image": pytest.approx(1.0, abs=1e-3)},
        "release": engine.name, "archive": "A", "doc_id": "EP2A1", "title": "Pump EP2A1",
        "figure_id": "EP2A1/s2.tif#2", "label": "2", "caption": "view 2 of the pump",
        "sentences": ["Figure 2 shows the pump.", "The housing 10 is closed."], "parts": [["10", "housing"]],
        "sheet_id": "EP2A1/s2.tif", "box": [10, 10, 290, 390], "figure_type": "block diagram",
        "perspective": "unknown", "family": "EP2", "publication_date": "2019-02-13",
        "why": {
            "sentences": [
                {"passage_id": "EP2A1/d/1/1", "text": "Figure 2 shows the pump.", "signs": [],
                 "strength": pytest.approx(0.9), "words": [], "similarity": None},
                {"passage_id": "EP2A1/d/1/0", "text": "The housing 10 is closed.", "signs": ["10"],
                 "strength": pytest.approx(0.5), "words": [], "similarity": None},
            ],
            "signs": [["10", "housing"]], "region": None,
        },
    }  # fmt: skip


def test_words_find_the_figure_whose_sentences_mean_the_same(engine: SearchEngine) -> None:
    hits = engine.search(text="pump 8", k=3)
    assert hits[0].figure_id == "EP4A1/s1.tif#1"
    assert all(set(hit.scores) == {"text"} for hit in hits)
    assert [hit.rank for hit in hits] == [1, 2, 3]


def test_with_both_every_candidate_is_scored_in_both(engine: SearchEngine) -> None:
    hits = engine.search(image=IMAGES[8], text="pump 8", k=12)
    assert hits[0].figure_id == "EP4A1/s1.tif#1"
    assert hits[0].scores == {"image": pytest.approx(1, abs=1e-3), "text": pytest.approx(1, abs=1e-3)}
    for hit in hits:
        number = 2 * int(hit.doc_id[2]) + int(str(hit.label)) - 1
        assert hit.scores["image"] == pytest.approx(float(IMAGES[number] @ IMAGES[8]), abs=1e-3)
        has_words = hit.label == "1" or int(hit.doc_id[2]) % 2 == 0
        assert ("text" in hit.scores) == has_words
        if has_words:
            assert hit.score == pytest.approx((hit.scores["image"] + hit.scores["text"]) / 2, abs=1e-6)


def test_candidates_of_either_modality_reach_the_fusion(lake: Lake) -> None:
    narrow = replace(SETTINGS, search=SearchSettings(candidates=1, fusion="max"))
    engine = open_release(lake, narrow, encoders={"text": WordEncoder()})
    found = [hit.figure_id for hit in engine.search(image=IMAGES[3], text="pump 8", k=2)]
    assert sorted(found) == ["EP1A1/s2.tif#2", "EP4A1/s1.tif#1"]


def test_a_figure_of_the_release_is_a_query(engine: SearchEngine) -> None:
    hits = engine.search(figure="EP2A1/s1.tif#1", k=2)
    assert hits[0].figure_id == "EP2A1/s1.tif#1"
    assert hits[0].scores.keys() == {"image", "text"}
    with pytest.raises(UsageError, match=r"no vectors of a figure 'EP9A1/s1.tif#1'"):
        engine.search(figure="EP9A1/s1.tif#1")


def test_a_sheet_of_the_lake_finds_its_own_figures_without_an_encoder(lake: Lake, tmp_path: Path) -> None:
    engine = open_release(lake, SETTINGS)
    path = tmp_path / "query.tif"
    path.write_bytes(sheet_file("EP3A1/s1.tif"))
    assert engine.search(image=path, k=1)[0].figure_id == "EP3A1/s1.tif#1"
    assert engine.search(image=str(path), k=1)[0].figure_id == "EP3A1/s1.tif#1"


def test_another_picture_is_decoded_and_encoded(lake: Lake) -> None:
    encoder = InkEncoder()
    engine = open_release(lake, SETTINGS, encoders={"image": encoder})
    assert engine.search(image=sheet_file("not of this lake"), k=1)[0].figure_id == "EP0A1/s1.tif#1"
    assert [(sheet.shape, sheet.dtype, sheet.min(), sheet.max()) for sheet in encoder.given] == [
        ((400, 300), np.uint8, 0, 255)
    ]


def test_what_cannot_be_searched_with_is_said(engine: SearchEngine, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to search with"):
        engine.search()
    with pytest.raises(UsageError, match=r"cannot search with .*notes\.txt: not a readable image"):
        (tmp_path / "notes.txt").write_text("no picture")
        engine.search(image=tmp_path / "notes.txt")
    with pytest.raises(UsageError, match=r"cannot search with .*gone\.tif: No such file"):
        engine.search(image=tmp_path / "gone.tif")
    with pytest.raises(UsageError, match=r"the image query has 8 dimensions, release .* has 32 \(builtin:test-image\)"):
        engine.search(image=unit(np.ones(8)))
    with pytest.raises(UsageError, match="unknown fusion"):
        engine.search(text="pump 1", fusion="median")


def test_a_release_without_words_refuses_words(tmp_path: Path) -> None:
    lake = Lake.at(tmp_path)
    add_archive(lake, "A", {"EP1A1": {"1": (IMAGES[0], None)}}, date(2019, 2, 13))
    build_index(lake, SETTINGS)
    publish(lake, SETTINGS)
    with pytest.raises(UsageError, match="has no text vectors"):
        open_release(lake, SETTINGS).search(text="pump 1")


def test_an_empty_lake_has_nothing_to_open(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing is published"):
        open_release(Lake.at(tmp_path), SETTINGS)


def test_an_older_release_can_be_opened_by_name(tmp_path: Path) -> None:
    lake = Lake.at(tmp_path)
    names = []
    for count in (2, 4):
        add_archive(lake, "A", dict(list(documents().items())[:count]), date(2019, 2, 13))
        build_index(lake, SETTINGS)
        names.append(publish(lake, SETTINGS)["release"])
    assert len(open_release(lake, SETTINGS, names[0]).search(image=IMAGES[0], k=50)) == 4
    assert len(open_release(lake, SETTINGS).search(image=IMAGES[0], k=50)) == 8
    pointer.rollback(lake)
    assert len(open_release(lake, SETTINGS).search(image=IMAGES[0], k=50)) == 4


@pytest.mark.parametrize(("name", "verify"), [("ids", True), ("facets", True), ("ids", False)])
def test_a_damaged_release_is_not_opened(tmp_path: Path, name: str, verify: bool) -> None:
    lake = Lake.at(tmp_path)
    add_archive(lake, "A", documents(), date(2019, 2, 13))
    build_index(lake, SETTINGS)
    path = tmp_path / "releases" / publish(lake, SETTINGS)["release"] / f"{name}.arrow"
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]) if verify else data[:-1])
    with pytest.raises(DamagedReleaseError, match=f"{name}.arrow (is damaged|has .* bytes)"):
        open_release(lake, SETTINGS, verify=verify)


def test_threads_share_an_engine(engine: SearchEngine) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: engine.search(image=IMAGES[n % 12], k=1)[0].figure_id, range(24)))
    assert found == [f"EP{n % 12 // 2}A1/s{n % 2 + 1}.tif#{n % 2 + 1}" for n in range(24)]


@pytest.mark.slow
def test_a_release_in_a_bucket_is_copied_once_and_answers_the_same(
    tmp_path: Path, engine: SearchEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "publisher"))
    with object_store() as options:
        lake = Lake.at("s3://figlake/lake", options)
        add_archive(lake, "A", documents(), date(2019, 2, 13))
        build_index(lake, SETTINGS)
        publish(lake, SETTINGS)
        opened = open_release(lake, SETTINGS, cache=tmp_path / "cache")
        for n in range(12):
            here, there = (e.search(image=IMAGES[n], k=5) for e in (engine, opened))
            assert [(h.figure_id, h.score, h.title) for h in here] == [(h.figure_id, h.score, h.title) for h in there]
        copied = {path: path.stat().st_ino for path in (tmp_path / "cache").rglob("*") if path.is_file()}
        assert len(copied) == len({file.sha256 for file in opened.manifest.all_files()})
        open_release(lake, SETTINGS, cache=tmp_path / "cache")
        assert {path: path.stat().st_ino for path in copied} == copied, "a new copy is a new file"


# What a hit shows


def test_the_title_is_the_english_one_else_that_of_the_proceedings() -> None:
    assert title_of({"language": "de", "titles": [("de", "Pumpe"), ("en", "Pump")]}) == "Pump"
    assert title_of({"language": "fr", "titles": [("de", "Pumpe"), ("fr", "Pompe")]}) == "Pompe"
    assert title_of({"language": "es", "titles": [("de", "Pumpe"), ("fr", "Pompe")]}) == "Pumpe"
    assert title_of({"language": "en", "titles": None}) == ""


def test_sentences_come_strongest_first_and_once() -> None:
    links = [
        {"passage_id": "p1", "score": 0.2, "text": "one", "sign": "1", "term": "pump"},
        {"passage_id": "p2", "score": 0.5, "text": "two", "sign": "12", "term": "blade"},
        {"passage_id": "p1", "score": 0.7, "text": "one", "sign": "2", "term": "valve"},
        {"passage_id": "p3", "score": 0.1, "text": "three", "sign": "", "term": None},
    ]
    assert linked_sentences(links) == ("one", "two", "three")
    assert named_parts(links) == (("1", "pump"), ("2", "valve"), ("12", "blade"))


def test_a_contact_sheet_shows_every_hit(engine: SearchEngine, tmp_path: Path) -> None:
    hits = engine.search(image=IMAGES[0], k=7)
    path = tmp_path / "hits" / "sheet.png"
    write_contact_sheet(engine, hits, path)
    with Image.open(path) as picture:
        assert (picture.format, picture.mode, picture.width) == ("PNG", "RGB", 5 * 320 + 28)
        cells = [picture.crop((14 + n % 5 * 320 + 20, 14 + n // 5 * 382 + 20, 14 + n % 5 * 320 + 300,
                               14 + n // 5 * 382 + 300)) for n in range(8)]  # fmt: skip
        inked = [np.asarray(cell.convert("L")).min() < 128 for cell in cells]
    assert inked == [True] * 7 + [False]
    with pytest.raises(UsageError, match="no hits"):
        contact_sheet(engine, [])
