from __future__ import annotations

import pytest

from pipeline.config import IndexSettings
from pipeline.errors import UsageError
from pipeline.indexing.recipe import choose, family, number_of_lists


@pytest.mark.parametrize(
    ("rows", "dimension", "recipe"),
    [
        (1, 512, "Flat"),
        (19_999, 512, "Flat"),
        (20_000, 512, "IVF512,PQ64x4fs"),
        (1_000_000, 512, "IVF4096,PQ64x4fs"),
        (1_000_000, 384, "IVF4096,PQ48x4fs"),
        (1_000_000, 100, "OPQ12_96,IVF4096,PQ12x4fs"),
    ],
)
def test_the_recipe_follows_the_number_of_vectors(rows: int, dimension: int, recipe: str) -> None:
    assert choose(rows, dimension, IndexSettings()) == recipe


def test_a_large_lake_gets_a_graph_over_its_centroids() -> None:
    settings = IndexSettings(sample=2_000_000)
    assert choose(100_000_000, 512, settings) == "IVF32768_HNSW32,PQ64x4fs"


@pytest.mark.parametrize("rows", [20_000, 123_456, 10**6, 10**8, 10**10])
@pytest.mark.parametrize("sample", [20_000, 200_000, 10**6])
def test_every_list_has_enough_training_vectors(rows: int, sample: int) -> None:
    lists = number_of_lists(rows, sample)
    assert lists & (lists - 1) == 0
    assert lists * 39 <= min(rows, sample)


@pytest.mark.parametrize("dimension", [6, 8, 20, 100, 144, 384, 512, 900])
def test_faiss_builds_every_recipe(dimension: int) -> None:
    import faiss

    recipe = choose(30_000, dimension, IndexSettings())
    index = faiss.index_factory(dimension, recipe, faiss.METRIC_INNER_PRODUCT)
    assert faiss.try_extract_index_ivf(index) is not None


def test_a_configured_factory_string_wins() -> None:
    assert choose(10, 64, IndexSettings(factory="IVF2,SQ8")) == "IVF2,SQ8"


@pytest.mark.parametrize(
    ("factory", "message"), [("IVF2,PQ7", "faiss cannot build"), ("no such", "faiss cannot build"),
                             ("HNSW32", "no inverted lists")]
)  # fmt: skip
def test_a_factory_string_that_cannot_serve_is_refused(factory: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        choose(10, 64, IndexSettings(factory=factory))


def test_growth_within_a_family_keeps_the_codebook_and_from_flat_to_lists_does_not() -> None:
    settings = IndexSettings()
    assert family("IVF512,PQ64x4fs", settings) == family("IVF4096,PQ64x4fs", settings)
    assert family("Flat", settings) != family("IVF512,PQ64x4fs", settings)
    own = IndexSettings(factory="IVF64,SQ8")
    assert family("IVF512,PQ64x4fs", own) != family("IVF64,SQ8", own)
