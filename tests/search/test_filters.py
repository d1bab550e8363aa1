from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import pytest

from pipeline.config import IndexSettings, PublishSettings, SearchSettings, Settings
from pipeline.errors import UsageError
from pipeline.lake import Lake
from pipeline.search import Filter, Query, SearchEngine, open_release
from pipeline.search.allowed import Allowed, Subset, nearest_among
from pipeline.search.filters import kept_figures, parse_date
from pipeline.search.nearest import exact
from pipeline.search.release import OpenModality
from tests.indexing.lakes import add_archive, build_index, clustered, publish, small_settings, write_vectors

VECTORS = clustered(6, 16, 6, seed=5)
FACTS: dict[str, dict[str, Any]] = {
    "EP1A1": {"ipc": ["G05B17/02", "H02K1/00"], "cpc": ["G05B19/4184"], "applicants": ["Siemens AG", "Bosch GmbH"],
              "publication_date": date(2019, 2, 13)},
    "EP1B1": {"ipc": ["G05B19/00"], "applicants": ["SIEMENS Mobility"], "publication_date": date(2020, 6, 1),
              "figure_type": "flow chart", "perspective": "front"},
    "EP2A1": {"ipc": ["F16H1/28"], "applicants": ["ZF Friedrichshafen AG"], "publication_date": None,
              "figure_type": "graph"},
    "US3A1": {"office": "US", "country": "US", "number": "3", "ipc": [], "family_id": "f7",
              "publication_date": date(2019, 12, 31)},
    "US4A1": {"office": "US", "country": "US", "number": "4", "family_id": "f7", "cpc": ["F16H2057/02"],
              "publication_date": date(2018, 1, 1)},
}  # fmt: skip


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> SearchEngine:
    """Five documents of one figure each in two archives."""
    lake, settings = Lake.at(tmp_path_factory.mktemp("lake")), small_settings()
    for archive, names in (("week07", list(FACTS)[:3]), ("us", list(FACTS)[3:])):
        found = {name: {"1": (VECTORS[list(FACTS).index(name)], None)} for name in names}
        add_archive(lake, archive, found, date(2019, 2, 13), facts=FACTS)
    build_index(lake, settings)
    publish(lake, settings)
    return open_release(lake, settings)


def documents(engine: SearchEngine, chosen: Filter) -> list[str]:
    return sorted(hit.doc_id for hit in engine.search(image=VECTORS[0], filter=chosen))


@pytest.mark.parametrize(
    ("chosen", "kept"),
    [
        (Filter(), ["EP1A1", "EP1B1", "EP2A1", "US3A1", "US4A1"]),
        (Filter(figure_types=("graph",)), ["EP2A1"]),
        (Filter(figure_types=("graph", "flow chart")), ["EP1B1", "EP2A1"]),
        (Filter(perspectives=("front",)), ["EP1B1"]),
        (Filter(offices=("US",)), ["US3A1", "US4A1"]),
        (Filter(kinds=("B1",)), ["EP1B1"]),
        (Filter(archives=("us",)), ["US3A1", "US4A1"]),
        (Filter(doc_ids=("EP2A1", "US3A1")), ["EP2A1", "US3A1"]),
        (Filter(ipc=("G05B",)), ["EP1A1", "EP1B1"]),
        (Filter(ipc=("g05b 17/02",)), ["EP1A1"]),
        (Filter(ipc=("H", "F16H1/")), ["EP1A1", "EP2A1"]),
        (Filter(ipc=("A61",)), []),
        (Filter(cpc=("F16H2057",)), ["US4A1"]),
        (Filter(applicants=("siemens",)), ["EP1A1", "EP1B1"]),
        (Filter(applicants=("Bosch", "ZF")), ["EP1A1", "EP2A1"]),
        (Filter(published_from=date(2019, 2, 13)), ["EP1A1", "EP1B1", "US3A1"]),
        (Filter(published_to=date(2019, 12, 31)), ["EP1A1", "US3A1", "US4A1"]),
        (Filter(published_from=date(2019, 1, 1), published_to=date(2019, 12, 31)), ["EP1A1", "US3A1"]),
        (Filter(offices=("EP",), ipc=("G05B",), kinds=("A1",)), ["EP1A1"]),
    ],
)
def test_a_filter_keeps_what_it_says(engine: SearchEngine, chosen: Filter, kept: list[str]) -> None:
    assert documents(engine, chosen) == kept


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (Filter(figure_types=("drawing",)), "unknown figure type 'drawing'; choose from: technical drawing, block"),
        (Filter(perspectives=("left",)), "unknown perspective 'left'; choose from: perspective, front"),
        (Filter(offices=("EP", "XX")), "unknown office 'XX'; choose from: EP, US$"),
        (Filter(kinds=("Z9",)), "unknown kind 'Z9'; choose from: A1, B1"),
        (Filter(archives=("week08",)), "unknown archive 'week08'; choose from: us, week07"),
        (Filter(doc_ids=("EP9A1",)), "shows no figure of a document 'EP9A1'"),
        (Filter(ipc=("pumps",)), "'pumps' is no IPC symbol or the beginning of one"),
        (Filter(cpc=("",)), "'' is no CPC symbol"),
        (Filter(applicants=("siemans",)), "no applicant in release .* has a name with 'siemans' in it"),
        (Filter(applicants=(" ",)), "an applicant's name cannot be empty"),
        (Filter(published_from=date(2020, 1, 1), published_to=date(2019, 1, 1)), "no date lies from 2020-01-01 to"),
    ],
)
def test_a_value_that_nothing_can_have_is_an_error(engine: SearchEngine, chosen: Filter, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        engine.search(image=VECTORS[0], filter=chosen)


def test_a_date_is_year_month_day() -> None:
    assert parse_date("2019-02-13", "--from") == date(2019, 2, 13)
    with pytest.raises(UsageError, match=r"--from wants a date as yyyy-mm-dd, got '13\.2\.2019'"):
        parse_date("13.2.2019", "--from")


def test_a_family_is_the_stated_one_or_else_the_number(engine: SearchEngine) -> None:
    facets = {row["doc_id"]: row["family"] for row in engine.release.facets.to_pylist()}
    assert facets == {"EP1A1": "EP1", "EP1B1": "EP1", "EP2A1": "EP2", "US3A1": "f7", "US4A1": "f7"}


# Filters in the inverted lists

ROWS, DIMENSION = 30_000, 32
SETTINGS = Settings(
    indexing=IndexSettings(factory="IVF256,PQ16x4fs", sample=10_000), publish=PublishSettings(queries=20),
    search=SearchSettings(nprobe=16),
)  # fmt: skip


@pytest.fixture(scope="module")
def passages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenModality]:
    lake, vectors = Lake.at(tmp_path_factory.mktemp("lists")), clustered(ROWS, DIMENSION, 300, seed=12)
    keys = [f"EP{number:05d}A1/d/1/0" for number in range(ROWS)]
    for archive, start, stop in (("A", 0, 20_000), ("B", 20_000, ROWS)):
        add_archive(lake, archive, {key.split("/")[0]: {} for key in keys[start:stop]}, date(2019, 2, 13))
        write_vectors(lake, "passage", archive, dict(zip(keys[start:stop], vectors[start:stop], strict=True)))
    build_index(lake, SETTINGS)
    publish(lake, SETTINGS)
    yield open_release(lake, SETTINGS).release.modalities["passage"]


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01, 0.001])
@pytest.mark.parametrize("exact_below", [0, 20_000], ids=["lists", "settings"])
def test_filtered_search_finds_what_exact_filtered_search_finds(
    passages: OpenModality, share: float, exact_below: int
) -> None:
    rng = np.random.default_rng(7)
    kept = np.flatnonzero(rng.random(ROWS) < share)
    queries = passages.gather(rng.integers(0, ROWS, 100))
    wanted = exact(passages, queries, 10, kept)[1]
    search = SearchSettings(nprobe=16, exact_below=exact_below)
    found = nearest_among(passages, queries, 10, search, Subset(passages, kept))[1]
    assert np.all(np.isin(found, kept))
    shared = [len(set(a) & set(b)) for a, b in zip(found.tolist(), wanted.tolist(), strict=True)]
    assert sum(shared) / found.size >= 0.98


def test_a_filter_that_has_nothing_to_do_with_the_query_still_gives_k(passages: OpenModality) -> None:
    """The kept vectors are those farthest from the query: all lie in lists that are looked into last."""
    query = passages.gather(np.array([17]))
    farthest = np.sort(exact(passages, query, ROWS)[1][0, -300:])
    search = SearchSettings(nprobe=1, exact_below=0)
    found = nearest_among(passages, query, 300, search, Subset(passages, farthest))[1][0]
    assert sorted(found.tolist()) == farthest.tolist()


def test_nothing_kept_gives_nothing(passages: OpenModality) -> None:
    nothing = Subset(passages, np.empty(0, np.int64))
    found = nearest_among(passages, passages.gather(np.array([3])), 5, SearchSettings(exact_below=0), nothing)
    assert found[1].tolist() == [[-1] * 5]


def test_the_figures_of_a_filter_are_kept_for_the_next_query(engine: SearchEngine) -> None:
    kept = kept_figures(engine.release, Filter(offices=("US",)))
    assert len(kept) == 2 and np.all(np.diff(kept) > 0)
    allowed = Allowed(engine.release, kept)
    assert allowed.subset("image") is allowed.subset("image")
    assert allowed.keeps(engine.release.figures).sum() == 2
    with pytest.raises(UsageError, match="k = 0: a page has 1 to 1000 hits"):
        Query(k=0)
