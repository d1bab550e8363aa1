from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipeline.errors import FiglakeError
from pipeline.indexing.codebook import load, save
from pipeline.indexing.ids import IdCollisionError, vector_ids
from pipeline.indexing.lists import open_lists
from pipeline.indexing.shard import Source, write_shard
from pipeline.indexing.spaces import Space
from pipeline.indexing.train import train
from pipeline.storage import Storage
from tests.indexing.lakes import clustered

RECIPES = [
    "Flat",
    "IVF16,PQ4x4fs",
    "IVF16,PQ4x6",
    "OPQ4_16,IVF16,PQ4x4fs",
    "IVF16,SQ8",
    "IVF16_HNSW8,Flat",
    "RR32,IVF16,RaBitQ",
]


def batches(keys: list[str], vectors: Any, size: int = 100, revision: str = "1") -> list[pa.RecordBatch]:
    table = pa.table({
        "figure_id": keys, "doc_id": [key.split("/")[0] for key in keys], "model": ["m"] * len(keys),
        "revision": [revision] * len(keys), "vector": pa.array(list(vectors), pa.list_(pa.float32())),
    })  # fmt: skip
    return table.to_batches(size)


@cache
def trained(recipe: str) -> Any:
    return train(clustered(600, 32, 20, seed=9), recipe, 32, seed=7)


def codebook(storage: Storage, recipe: str) -> dict[str, Any]:
    return save(storage, trained(recipe), "image", recipe, Space("m", "1", 32, 600), 600)


def shard(storage: Storage, row: dict[str, Any], rows: list[pa.RecordBatch], archive: str = "A") -> Any:
    return write_shard(storage, row, load(storage, row), Source(archive, "figure_id", rows))


KEYS = [f"EP{number:04d}A1/s.tif#1" for number in range(600)]
VECTORS = clustered(600, 32, 20, seed=9)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_same_rows_in_another_order_give_the_same_files(tmp_path: Path, recipe: str) -> None:
    storage = Storage.at(tmp_path)
    row = codebook(storage, recipe)
    first = shard(storage, row, batches(KEYS, VECTORS))
    order = np.random.default_rng(1).permutation(600)
    again = shard(storage, row, batches([KEYS[i] for i in order], VECTORS[order], size=77))
    assert first == again
    assert first["rows"] == 600
    assert (first["lists_path"] is None) == (recipe == "Flat")
    assert first["vectors_path"].startswith(f"index/{row['codebook']}/A-")
    assert not list((tmp_path / "index" / ".partial").iterdir())


def test_rows_are_sorted_by_key_and_the_files_agree(tmp_path: Path) -> None:
    storage = Storage.at(tmp_path)
    row = codebook(storage, "Flat")
    found = shard(storage, row, batches(list(reversed(KEYS)), VECTORS[::-1]))
    keys = pa.ipc.open_file(storage.read_bytes(found["keys_path"])).read_all()
    assert keys["key"].to_pylist() == KEYS
    assert keys["id"].to_pylist() == vector_ids(KEYS).tolist()
    assert keys["doc_id"].to_pylist() == [key.split("/")[0] for key in KEYS]
    stored = np.frombuffer(storage.read_bytes(found["vectors_path"]), np.float16).reshape(600, 32)
    assert np.array_equal(stored.astype(np.float32), VECTORS)


@pytest.mark.parametrize("recipe", RECIPES[1:])
def test_lists_of_several_shards_answer_like_one_index(tmp_path: Path, recipe: str) -> None:
    import faiss

    storage = Storage.at(tmp_path)
    row = codebook(storage, recipe)
    parts = [shard(storage, row, batches(KEYS[a:b], VECTORS[a:b]), archive=name)
             for name, a, b in (("A", 0, 250), ("B", 250, 260), ("C", 260, 600))]  # fmt: skip
    opened = open_lists(load(storage, row), [Path(storage.path(part["lists_path"])) for part in parts])
    whole = load(storage, row)
    whole.add_with_ids(VECTORS, vector_ids(KEYS))
    for index in (opened, whole):
        faiss.extract_index_ivf(index).nprobe = 16
    assert opened.ntotal == 600
    similar, ids = opened.search(VECTORS[:50], 10)
    expected, _ = whole.search(VECTORS[:50], 10)
    assert np.allclose(similar, expected, atol=1e-5)
    assert set(ids.ravel().tolist()) <= set(vector_ids(KEYS).tolist())


def test_an_archive_without_vectors_gets_no_shard(tmp_path: Path) -> None:
    storage = Storage.at(tmp_path)
    assert shard(storage, codebook(storage, "Flat"), []) is None


def test_vectors_of_another_encoder_stay_out(tmp_path: Path) -> None:
    storage = Storage.at(tmp_path)
    row = codebook(storage, "Flat")
    assert shard(storage, row, batches(KEYS[:5], VECTORS[:5], revision="2")) is None


def test_a_key_that_comes_twice_is_refused(tmp_path: Path) -> None:
    storage = Storage.at(tmp_path)
    row = codebook(storage, "Flat")
    with pytest.raises(IdCollisionError, match=r"image vectors of archive A holds the key 'EP0000A1/s.tif#1' twice"):
        shard(storage, row, batches([KEYS[0], KEYS[1], KEYS[0]], VECTORS[:3]))


def test_a_vector_of_another_dimension_is_refused(tmp_path: Path) -> None:
    storage = Storage.at(tmp_path)
    row = codebook(storage, "Flat")
    with pytest.raises(FiglakeError, match="not all of dimension 32"):
        shard(storage, row, batches(KEYS[:3], clustered(3, 16, 1, seed=1)))


def test_a_damaged_codebook_is_not_used(tmp_path: Path) -> None:
    storage = Storage.at(tmp_path)
    row = codebook(storage, "IVF16,PQ4x4fs")
    data = bytearray(storage.read_bytes(row["path"]))
    data[-9] ^= 1
    storage.write_bytes(bytes(data), row["path"])
    with pytest.raises(FiglakeError, match="is damaged"):
        load(storage, row)


def test_the_name_of_a_codebook_says_what_is_in_it(tmp_path: Path) -> None:
    storage = Storage.at(tmp_path)
    index = train(clustered(100, 32, 5, seed=1), "Flat", 32, seed=7)
    names = {
        save(storage, index, modality, "Flat", Space(model, revision, 32, 100), 0)["codebook"]
        for modality, model, revision in [("image", "m", "1"), ("text", "m", "1"), ("image", "n", "1"),
                                          ("image", "m", "2"), ("image", "m", "1")]
    }  # fmt: skip
    assert len(names) == 4
