"""Queries of several parts, their order, their pages, and what a hit says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.config import SearchSettings
from pipeline.errors import UsageError
from pipeline.indexing.ids import vector_id
from pipeline.lake import Lake
from pipeline.search import Filter, Query, SearchEngine, open_release
from pipeline.search.ranking import Joined
from pipeline.search.why import explain, query_words
from tests.indexing.lakes import add_archive, build_index, publish, small_settings, unit

SETTINGS = small_settings()
#: Figure n of twelve lies at this angle in the plane of images, so that similarities are known cosines.
ANGLES = np.deg2rad(np.arange(12) * 7.0)
IMAGES = unit(np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1))
TEXTS = unit(np.stack([np.cos(3 * ANGLES), np.sin(3 * ANGLES)], axis=1))


class Axis:
    """Stands for a sentence encoder: all words mean the first axis."""

    def encode(self, items: Sequence[str]) -> NDArray[np.float32]:
        return np.tile(np.array([[1, 0]], np.float32), (len(items), 1))


def figure(n: int) -> str:
    return f"EP{n // 2}A1/s{n % 2 + 1}.tif#{n % 2 + 1}"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Six documents of two figures; both are linked with the sentences 1/0 and 1/1 of their document."""
    found = Lake.at(tmp_path_factory.mktemp("lake"))
    documents = {
        f"EP{n}A1": {"1": (IMAGES[2 * n], TEXTS[2 * n]), "2": (IMAGES[2 * n + 1], TEXTS[2 * n + 1])} for n in range(6)
    }
    passages = {f"EP{n}A1/d/1/{s}": TEXTS[2 * n + s] for n in range(6) for s in (0, 1)}
    passages["EP5A1/d/9/9"] = np.array([1.0, 0.0])  # a sentence that no figure is linked with
    facts = {"EP1A1": {"family_id": "f"}, "EP0A1": {"family_id": "f"}}
    add_archive(found, "A", documents, date(2019, 2, 13), passages=passages, facts=facts)
    build_index(found, SETTINGS)
    publish(found, SETTINGS)
    return found


@pytest.fixture(scope="module")
def engine(lake: Lake) -> SearchEngine:
    return open_release(lake, SETTINGS, encoders={"text": Axis(), "passage": Axis()})


# The paper's two re-rankings


def test_the_papers_re_rankings_are_mean_and_max_over_the_union(lake: Lake) -> None:
    """Pustu-Iren et al. 2021, section 4: the k best of each modality are united and ordered anew by the
    mean, or the larger, of image and text similarity, both computed for every image of the union.

    By hand, with one candidate each: image figure 2 (14°), text figure 0 (0°). Similarities of the query
    at 14° in images and at 0° in texts: figure 2 cos 0° = 1 and cos 42° = 0.743, mean 0.872;
    figure 0 cos 14° = 0.970 and cos 0° = 1, mean 0.985.
    """
    narrow = replace(SETTINGS, search=SearchSettings(candidates=1))
    engine = open_release(lake, narrow)
    joined = {
        method: Joined(engine.parts(Query(image=IMAGES[2], text=TEXTS[0])), method, {}) for method in ("mean", "max")
    }
    tiers = {method: next(found.tiers(1, None)) for method, found in joined.items()}
    ids = [vector_id(figure(n)) for n in (0, 2)]
    assert tiers["mean"].ids.tolist() == ids
    assert tiers["mean"].fused == pytest.approx([(0.97030 + 1) / 2, (1 + 0.74314) / 2], abs=1e-3)
    assert sorted(tiers["max"].ids.tolist()) == sorted(ids)
    assert tiers["max"].fused == pytest.approx([1, 1], abs=1e-3)


def test_weights_move_the_order(engine: SearchEngine) -> None:
    query = Query(image=IMAGES[11], text=TEXTS[0], k=1)
    assert engine.search(query, weights={"image": 9})[0].figure_id == figure(11)
    assert engine.search(query, weights={"text": 9})[0].figure_id == figure(0)
    hit = engine.search(query, weights={"text": 3.0})[0]
    assert hit.score == pytest.approx((hit.scores["image"] + 3 * hit.scores["text"]) / 4)


@pytest.mark.parametrize("fusion", ["mean", "max", "calibrated-mean", "calibrated-max", "reciprocal-rank"])
def test_every_fusion_orders_three_parts(engine: SearchEngine, fusion: str) -> None:
    hits = engine.search(image=IMAGES[0], text="axis", passage="axis", fusion=fusion, k=12)
    assert len(hits) == 12
    assert hits[0].figure_id == figure(0)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert set(hits[0].scores) == {"image", "text", "passage"}


# Sentences


def test_a_figure_is_as_near_as_the_nearest_of_its_sentences(engine: SearchEngine) -> None:
    hits = engine.search(passage=TEXTS[5], k=4)
    assert {hit.figure_id for hit in hits[:2]} == {figure(4), figure(5)}  # both are linked with sentence 2/1
    assert [hit.scores["passage"] for hit in hits[:2]] == pytest.approx([1, 1], abs=1e-3)
    assert hits[2].scores["passage"] == pytest.approx(float(TEXTS[5] @ TEXTS[6]), abs=1e-3)


def test_a_sentence_that_no_figure_is_linked_with_finds_none_of_its_document(engine: SearchEngine) -> None:
    hits = engine.search(passage="axis", k=12)
    last = [hit for hit in hits if hit.doc_id == "EP5A1"]
    assert hits[0].doc_id == "EP0A1"
    assert all(hit.scores["passage"] < 0 for hit in last)


def test_sentences_are_filtered_by_their_figures(engine: SearchEngine) -> None:
    hits = engine.search(passage="axis", filter=Filter(doc_ids=("EP3A1", "EP5A1")), k=12)
    assert [hit.doc_id for hit in hits] == ["EP3A1", "EP3A1", "EP5A1", "EP5A1"]


# Groups and pages


def test_one_hit_per_document_or_family(engine: SearchEngine) -> None:
    hits = engine.search(image=IMAGES[3], k=6, group="document")
    assert [hit.doc_id for hit in hits] == ["EP1A1", "EP2A1", "EP0A1", "EP3A1", "EP4A1", "EP5A1"]
    assert hits[0].figure_id == figure(3)
    hits = engine.search(image=IMAGES[3], k=6, group="family")
    assert [hit.doc_id for hit in hits] == ["EP1A1", "EP2A1", "EP3A1", "EP4A1", "EP5A1"]


@pytest.mark.parametrize("group", ["figure", "document", "family"])
@pytest.mark.parametrize("candidates", [1, 3, 200])
def test_pages_laid_end_to_end_hold_everything_once(lake: Lake, group: str, candidates: int) -> None:
    settings = replace(SETTINGS, search=SearchSettings(candidates=candidates))
    engine = open_release(lake, settings, encoders={"text": Axis()})
    query = Query(image=IMAGES[6], text="axis", k=2, group=group)
    pages = [engine.search(query)]
    while pages[-1].next:
        pages.append(engine.search(query, cursor=pages[-1].next, k=2 if len(pages) % 2 else 3))
    hits = [hit for page in pages for hit in page]
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert len({hit.figure_id for hit in hits}) == len(hits) == {"figure": 12, "document": 6, "family": 5}[group]


def test_a_page_is_the_same_when_it_is_asked_again(engine: SearchEngine) -> None:
    first = engine.search(image=IMAGES[0], k=5)
    again = [engine.search(image=IMAGES[0], k=5, cursor=first.next) for _ in range(2)]
    assert again[0] == again[1]
    assert again[0].next == again[1].next
    whole = engine.search(image=IMAGES[0], k=10)
    assert [hit.figure_id for hit in [*first, *again[0]]] == [hit.figure_id for hit in whole]


def test_a_cursor_of_something_else_is_refused(engine: SearchEngine, lake: Lake, tmp_path: Path) -> None:
    cursor = engine.search(image=IMAGES[0], k=2).next
    with pytest.raises(UsageError, match="the cursor belongs to another query"):
        engine.search(image=IMAGES[1], k=2, cursor=cursor)
    with pytest.raises(UsageError, match="the cursor belongs to another query"):
        engine.search(image=IMAGES[0], k=2, cursor=cursor, filter=Filter(kinds=("A1",)))
    for text in ("pump", "", "e30", (cursor or "")[:-3]):
        with pytest.raises(UsageError, match="the cursor cannot be read"):
            engine.search(image=IMAGES[0], k=2, cursor=text)
    other = Lake.at(tmp_path)
    add_archive(other, "A", {"EP1A1": {"1": (IMAGES[0], None)}}, date(2019, 2, 13))
    build_index(other, SETTINGS)
    publish(other, SETTINGS)
    with pytest.raises(UsageError, match=f"the cursor belongs to release {engine.name}, and .* answers"):
        open_release(other, SETTINGS).search(image=IMAGES[0], k=2, cursor=cursor)


# What cannot be asked


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"group": "patent"}, "unknown group 'patent'; choose one of: figure, document, family"),
        ({"fusion": "median"}, "unknown fusion 'median'"),
        ({"weights": {"words": 1}}, "no part of a query is called 'words'; a weight is given to: image, text, passage"),
        ({"weights": {"text": 0}}, "the weight of text is 0; weights are numbers above 0"),
        ({"weights": {"text": float("nan")}}, "weights are numbers above 0"),
        ({"k": 1001}, "a page has 1 to 1000 hits; ask for more with its cursor"),
    ],
)
def test_what_cannot_be_right_is_said_at_once(fields: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Query(**fields)  # type: ignore[arg-type]


# What a hit says


def test_vectors_come_on_request(engine: SearchEngine) -> None:
    hit = engine.search(image=IMAGES[4], k=1, vectors=True)[0]
    assert hit.vectors is not None
    assert hit.vectors["image"] == pytest.approx(IMAGES[4], abs=1e-6)
    assert hit.vectors["text"] == pytest.approx(TEXTS[4], abs=1e-6)
    assert hit.to_json()["vectors"]["image"] == list(hit.vectors["image"])
    assert "vectors" not in engine.search(image=IMAGES[4], k=1)[0].to_json()


def test_words_are_explained_by_the_sentences_nearest_to_them(engine: SearchEngine) -> None:
    why = engine.search(text="the closed housings", k=1)[0].why
    assert [(s.passage_id, s.words) for s in why.sentences] == [
        ("EP0A1/d/1/0", ("closed", "housings")),  # at 0°, as all words are
        ("EP0A1/d/1/1", ()),
    ]
    assert [s.similarity for s in why.sentences] == pytest.approx([1, float(TEXTS[1][0])], abs=1e-3)
    assert why.signs == (("10", "housing"),)


LINKS = [
    {"passage_id": "p1", "score": 0.9, "text": "Figure 1 shows a fan.", "sign": "", "term": None},
    {"passage_id": "p2", "score": 0.5, "text": "The blades 12 drive the hub 3.", "sign": "12", "term": "blade"},
    {"passage_id": "p2", "score": 0.4, "text": "The blades 12 drive the hub 3.", "sign": "3", "term": "hub"},
    {"passage_id": "p3", "score": 0.2, "text": "A bearing 7 is lubricated.", "sign": "7", "term": "bearing"},
]


def test_without_vectors_words_decide_and_without_words_the_links_do() -> None:
    why = explain(LINKS, "blade of a hub", {})
    assert [(s.passage_id, s.words, s.signs) for s in why.sentences] == [
        ("p2", ("blade", "hub"), ("3", "12")), ("p1", (), ()), ("p3", (), ("7",))
    ]  # fmt: skip
    assert why.signs == (("3", "hub"), ("12", "blade"))
    assert [s.passage_id for s in explain(LINKS, "", {}).sentences] == ["p1", "p2", "p3"]
    assert explain(LINKS, "", {}).signs == (("3", "hub"), ("7", "bearing"), ("12", "blade"))


def test_a_sign_in_the_query_matches_itself() -> None:
    assert explain(LINKS, "what is 7", {}).signs == (("7", "bearing"),)
    assert query_words("The Pumps and the PUMP housing") == ("pumps", "pump", "housing")


def test_words_match_their_plural_and_not_other_words() -> None:
    def words(query: str) -> tuple[str, ...]:
        return explain([{**LINKS[3], "text": "Gears, cards and Wellen turn."}], query, {}).sentences[0].words

    assert words("gear") == ("gear",)
    assert words("Welle") == ("welle",)
    assert words("car") == ()
    assert words("turning") == ()
