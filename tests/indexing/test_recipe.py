from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.config import IndexSettings
from pipeline.errors import UsageError
from pipeline.indexing.recipe import choose, codes, estimate, number_of_lists, outgrown, text


@pytest.mark.parametrize(
    ("rows", "dimension", "recipe"),
    [
        (1, 512, "Flat"),
        (19_999, 512, "Flat"),
        (20_000, 512, "RR512,IVF512,RaBitQ"),
        (1_000_000, 512, "RR512,IVF4096,RaBitQ"),
        (1_000_000, 100, "RR100,IVF4096,RaBitQ"),
    ],
)
def test_the_recipe_follows_the_number_of_vectors(rows: int, dimension: int, recipe: str) -> None:
    assert choose(rows, dimension, IndexSettings()) == recipe


def test_a_large_lake_gets_a_graph_over_its_centroids() -> None:
    settings = IndexSettings(sample=2_000_000)
    assert choose(100_000_000, 512, settings) == "RR512,IVF32768_HNSW32,RaBitQ"


def test_a_memory_budget_asks_for_smaller_codes() -> None:
    settings = IndexSettings(memory_mb=100)
    assert choose(1_000_000, 512, settings) == "RR512,IVF4096,RaBitQ"  # 80 bytes each and the centroids
    assert choose(1_000_000, 512, replace(settings, memory_mb=60)) == "RR512,IVF4096,PQ64x4fs"
    assert choose(1_000_000, 512, replace(settings, memory_mb=40)) == "RR512,IVF4096,PQ32x4fs"


def test_a_latency_budget_asks_for_shorter_lists_or_faster_codes() -> None:
    settings, rows = IndexSettings(sample=10**7), 50_000_000
    usual = choose(rows, 512, settings)
    found = estimate(usual, rows, 512)
    assert found is not None
    faster = choose(rows, 512, replace(settings, latency_ms=found.latency_ms * 0.7))
    assert faster != usual
    assert estimate(faster, rows, 512).latency_ms <= found.latency_ms * 0.7  # type: ignore[union-attr]


def test_a_budget_that_nothing_keeps_is_refused_with_what_the_least_takes() -> None:
    with pytest.raises(UsageError, match=r"indexing.memory_mb=1 .* the smallest takes \d+ MB"):
        choose(1_000_000, 512, IndexSettings(memory_mb=1))


@pytest.mark.parametrize("rows", [20_000, 123_456, 10**6, 10**8, 10**10])
@pytest.mark.parametrize("sample", [20_000, 200_000, 10**6])
def test_every_list_has_enough_training_vectors(rows: int, sample: int) -> None:
    lists = number_of_lists(rows, sample)
    assert lists & (lists - 1) == 0
    assert lists * 39 <= min(rows, sample)


@pytest.mark.parametrize("dimension", [6, 8, 20, 100, 144, 384, 512, 900])
def test_faiss_builds_every_recipe_and_its_codes_are_as_large_as_estimated(dimension: int) -> None:
    import faiss

    for code in codes(dimension):
        recipe = text(512, code, dimension)
        ivf = faiss.try_extract_index_ivf(faiss.index_factory(dimension, recipe, faiss.METRIC_INNER_PRODUCT))
        found = estimate(recipe, 30_000, dimension)
        assert ivf is not None and found is not None
        assert found.memory_bytes == 30_000 * (ivf.code_size + 8) + 512 * 4 * dimension + 4 * dimension**2


def test_a_configured_factory_string_wins() -> None:
    assert choose(10, 64, IndexSettings(factory="IVF2,SQ8")) == "IVF2,SQ8"


@pytest.mark.parametrize(
    ("factory", "message"), [("IVF2,PQ7", "faiss cannot build"), ("no such", "faiss cannot build"),
                             ("HNSW32", "no inverted lists")]
)  # fmt: skip
def test_a_factory_string_that_cannot_serve_is_refused(factory: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        choose(10, 64, IndexSettings(factory=factory))


@pytest.mark.parametrize(
    ("standing", "wanted", "gives_way"),
    [
        ("Flat", "RR512,IVF512,RaBitQ", True),
        ("RR512,IVF512,RaBitQ", "Flat", False),
        ("RR512,IVF512,RaBitQ", "RR512,IVF1024,RaBitQ", False),
        ("RR512,IVF512,RaBitQ", "RR512,IVF2048,RaBitQ", True),
        ("RR512,IVF2048,RaBitQ", "RR512,IVF512,RaBitQ", False),
        ("IVF512,PQ64x4fs", "RR512,IVF512,RaBitQ", False),
    ],
)
def test_a_codebook_gives_way_to_one_of_another_kind_or_of_many_more_lists(
    standing: str, wanted: str, gives_way: bool
) -> None:
    assert outgrown(standing, wanted, IndexSettings()) is gives_way


def test_a_codebook_gives_way_to_another_configured_recipe() -> None:
    settings = IndexSettings(factory="IVF64,SQ8")
    assert outgrown("IVF512,PQ64x4fs", "IVF64,SQ8", settings)
    assert not outgrown("IVF64,SQ8", "IVF64,SQ8", settings)
