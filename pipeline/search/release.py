"""A release, opened: files checked and mapped into memory, nothing read before it is asked for."""

from __future__ import annotations

import os
import shutil
import threading
import time
import uuid
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import FiglakeError
from pipeline.indexing.files import sha256_of
from pipeline.indexing.lists import open_lists
from pipeline.indexing.recipe import FLAT
from pipeline.publishing.manifest import DETAILS, FIGURES_BATCH, File, Manifest, Modality
from pipeline.search.details import Details
from pipeline.search.halves import to_float32
from pipeline.search.lexical import LexicalIndex
from pipeline.storage import Storage

#: Seconds after which a copy that nobody has opened is removed: what pruning grants a release.
_KEPT_S = 14 * 86_400
#: Rows looked at in one step where all are gone through.
_BLOCK_ROWS = 1 << 20


class DamagedReleaseError(FiglakeError):
    """A file of a release is missing or is not the one that was published."""


@dataclass
class OpenModality:
    """One index. A *position* is a row of ``ids``; ``shard`` and ``row`` say where its vector lies.

    ``ids`` int64 (n,), ascending; ``shard`` int32 (n,); ``row`` int32 (n,); ``vectors[s]`` float16
    (rows, dimension), memory-mapped.
    """

    entry: Modality
    ids: NDArray[np.int64]
    shard: NDArray[np.int32]
    row: NDArray[np.int32]
    masked: NDArray[np.int64]
    vectors: Sequence[NDArray[np.float16]]
    paths: Mapping[str, Path]
    _loading: threading.Lock = field(default_factory=threading.Lock)
    _index: Any = None

    @property
    def is_flat(self) -> bool:
        return self.entry.codebook.recipe == FLAT

    @property
    def dimension(self) -> int:
        return self.entry.codebook.dimension

    @property
    def encoder(self) -> tuple[str, str]:
        """Model and revision: vectors of one encoder can be compared, whatever they stand for."""
        return self.entry.codebook.model, self.entry.codebook.revision

    def index(self) -> Any:
        """The faiss index with the lists of all shards; made at the first query."""
        with self._loading:
            if self._index is None:
                import faiss

                codebook = faiss.read_index(str(self.paths[self.entry.codebook.file.path]))
                lists = [self.paths[shard.lists.path] for shard in self.entry.shards if shard.lists]
                self._index = open_lists(codebook, lists)
        return self._index

    @cached_property
    def stored_order(self) -> NDArray[np.signedinteger]:
        """All positions in the order in which their vectors lie in the shards; 4 bytes for each, 9 while it is made,
        below 2³¹ of them."""
        first = np.cumsum([0, *(len(stored) for stored in self.vectors)])
        places = np.full(first[-1], -1, np.int32 if first[-1] < 1 << 31 else np.int64)
        for start in range(0, len(self.ids), _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            where = first[self.shard[block]] + self.row[block]
            places[where] = np.arange(start, start + len(where))
        return places[places >= 0]

    def in_stored_order(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """These positions in that order."""
        return positions[np.lexsort((self.row[positions], self.shard[positions]))]

    def positions_of(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The position of each id, of the same shape; -1 where the release has no such vector."""
        if not len(self.ids):
            return np.full(ids.shape, -1, dtype=np.int64)
        found = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[found] == ids, found, -1)

    def gather(
        self, positions: NDArray[np.signedinteger], out: tuple[NDArray[np.float16], NDArray[np.float32]] | None = None
    ) -> NDArray[np.float32]:
        """The stored vectors at these positions, float32 (n, dimension).

        ``out`` are arrays of at least n rows to work in, so that a search in many small blocks asks for memory once.
        """
        count = len(positions)
        shape = (count, self.dimension)
        halves, floats = (out[0][:count], out[1][:count]) if out else (np.empty(shape, np.float16), None)
        shards, rows = self.shard[positions], self.row[positions]
        if len(self.vectors) == 1:
            np.take(self.vectors[0], rows, axis=0, out=halves, mode="clip")
        else:
            order = np.argsort(shards, kind="stable")
            numbers, starts = np.unique(shards[order], return_index=True)
            for shard, here in zip(numbers, np.split(order, starts)[1:], strict=True):
                halves[here] = self.vectors[shard][rows[here]]
        return to_float32(halves, floats)


@dataclass(frozen=True)
class Release:
    """A published release and its mapped files. ``figures`` and ``figure_rows`` join ids to ``facets``;
    ``details`` by modality, of those whose vectors stand for details of figures."""

    manifest: Manifest
    modalities: Mapping[str, OpenModality]
    figures: NDArray[np.int64]
    figure_rows: NDArray[np.int32]
    facets: pa.Table
    details: Mapping[str, Details]
    paths: Mapping[str, Path]

    @cached_property
    def lexical(self) -> LexicalIndex:
        """The lexical index; opened at the first query that asks it."""
        return LexicalIndex({Path(file.path).name: self.paths[file.path] for file in self.manifest.lexical})

    @property
    def name(self) -> str:
        return self.manifest.release

    def figure_facets(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        """The rows of ``facets`` for these figure ids, in their order."""
        found: list[dict[str, Any]] = self.facets.take(self._facet_rows(np.asarray(ids, dtype=np.int64))).to_pylist()
        return found

    def figure_column(self, column: str, ids: NDArray[np.int64]) -> list[Any]:
        """One column of ``facets`` for these figure ids, in their order."""
        found: list[Any] = self.facets[column].take(self._facet_rows(ids)).to_pylist()
        return found

    def _facet_rows(self, ids: NDArray[np.int64]) -> pa.Array:
        return pa.array(self.figure_rows[np.searchsorted(self.figures, ids)], pa.int64())


def open_files(
    storage: Storage, manifest: Manifest, cache: Path | None = None, *,
    verify: bool = True, trusted: frozenset[File] = frozenset(),
) -> Release:  # fmt: skip
    """Check every file and map them. ``verify`` reads them once for their SHA-256; sizes are always checked.

    ``trusted`` files are spared that (an earlier release has verified them). Files of an object store
    are copied to ``cache`` first, under their hashes. Raises DamagedReleaseError naming the file.
    """
    with ThreadPoolExecutor(4) as pool:
        files = manifest.all_files()
        located = list(pool.map(lambda file: _locate(storage, file, cache, verify and file not in trusted), files))
    paths = {file.path: path for file, path in zip(files, located, strict=True)}
    if not storage.is_local:
        _forget(cache or default_cache(), set(located))
    ids = _batches(paths[manifest.files["ids"].path])
    masked = _batches(paths[manifest.files["masked"].path])
    modalities = {
        name: _open_modality(entry, ids[entry.batch], masked[entry.batch], paths)
        for name, entry in manifest.modalities.items()
    }
    figures = ids[FIGURES_BATCH]
    return Release(
        manifest, modalities, figures["id"].to_numpy(), figures["row"].to_numpy(),
        pa.ipc.open_file(pa.memory_map(str(paths[manifest.files["facets"].path]))).read_all(),
{name: _open_details(paths[manifest.files[f"{name}s"].path], name) for name in DETAILS}, paths,
    )  # fmt: skip


def _open_modality(
    entry: Modality, ids: pa.RecordBatch, masked: pa.RecordBatch, paths: Mapping[str, Path]
) -> OpenModality:
    dimension = entry.codebook.dimension
    vectors = [
        np.asarray(np.memmap(paths[shard.vectors.path], dtype=np.float16, mode="r", shape=(shard.rows, dimension)))
        for shard in entry.shards
    ]
    columns = {name: ids[name].to_numpy() for name in ("id", "shard", "row")}
    return OpenModality(entry, columns["id"], columns["shard"], columns["row"], masked["id"].to_numpy(), vectors, paths)


def _open_details(path: Path, name: str) -> Details:
    by_figure, by_detail = _batches(path)
    boxes = [by_detail[side].to_numpy() for side in ("x0", "y0", "x1", "y1") if side in by_detail.schema.names]
    return Details(
        (by_figure["figure"].to_numpy(), by_figure[name].to_numpy()),
        (by_detail[name].to_numpy(), by_detail["figure"].to_numpy()),
        np.stack(boxes, axis=1) if boxes else None,
    )


def _batches(path: Path) -> list[pa.RecordBatch]:
    reader = pa.ipc.open_file(pa.memory_map(str(path)))
    return [reader.get_batch(number) for number in range(reader.num_record_batches)]


def _locate(storage: Storage, file: File, cache: Path | None, verify: bool) -> Path:
    """The local path of a checked file, copied from the object store where the lake lies in one."""
    path = Path(storage.path(file.path)) if storage.is_local else _cached(storage, file, cache or default_cache())
    if not path.is_file():
        raise DamagedReleaseError(f"{storage.uri(file.path)} is missing; publish again or roll back")
    if path.stat().st_size != file.bytes:
        raise DamagedReleaseError(
            f"{storage.uri(file.path)} has {path.stat().st_size} bytes, the manifest says {file.bytes}; "
            f"publish again or roll back"
        )
    if verify and sha256_of(path) != file.sha256:
        raise DamagedReleaseError(
            f"{storage.uri(file.path)} is damaged: its SHA-256 is not the manifest's; publish again or roll back"
        )
    return path


def default_cache() -> Path:
    """Where files of releases in object stores are kept: XDG_CACHE_HOME/figlake."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "figlake"


def _cached(storage: Storage, file: File, cache: Path) -> Path:
    target = cache / file.sha256[:2] / file.sha256
    with suppress(FileNotFoundError):
        if target.stat().st_size == file.bytes:
            os.utime(target)  # somebody still opens it
            return target
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{file.sha256}.{uuid.uuid4().hex}.partial")
    try:
        with storage.open_input(file.path) as source, partial.open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
        partial.replace(target)
    except FileNotFoundError:
        pass
    finally:
        partial.unlink(missing_ok=True)
    return target


def _forget(cache: Path, used: Collection[Path]) -> None:
    """Remove copies that nobody has opened for a while. Who has one mapped keeps it until it is closed."""
    oldest = time.time() - _KEPT_S
    for path in cache.glob("[0-9a-f][0-9a-f]/*"):
        with suppress(OSError):  # another process may have been first
            if path not in used and path.stat().st_mtime < oldest:
                path.unlink()
