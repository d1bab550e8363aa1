"""A release without the documents that were withdrawn after it was published."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.indexing.ids import are_in
from pipeline.lake import Lake
from pipeline.search.details import Details
from pipeline.search.release import OpenModality, Release
from pipeline.withdrawal import withdrawn


class Withdrawals:
    """Tells at each request whether documents were withdrawn: one look whether the Delta log has grown.

    Not for threads: whoever shares it holds a lock until the answer has taken effect.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake, self._version = lake.pinned({}), -1
        self.documents: frozenset[str] = frozenset()
        version = self._lake.version("tombstones")
        if version is not None:
            self._read(version)

    def have_grown(self) -> bool:
        """Whether ``documents`` is another than at the last call; raises OSError when the storage fails."""
        if not self._lake.storage.exists("tables", "tombstones", "_delta_log", f"{self._version + 1:020d}.json"):
            return False
        before = self.documents
        self._read(self._lake.version("tombstones") or 0)
        return self.documents != before

    def _read(self, version: int) -> None:
        self.documents, self._version = withdrawn(self._lake.pinned({"tombstones": version})), version


def without(release: Release, doc_ids: Collection[str]) -> Release:
    """The release as if these documents were in none of its archives; the same files, nothing is read anew.

    Costs a copy of the facets, and of eight bytes for each vector.
    """
    gone_rows = pc.is_in(release.facets["doc_id"], value_set=pa.array(sorted(doc_ids), pa.string()))
    if not pc.any(gone_rows).as_py():
        return release
    facets = release.facets.filter(pc.invert(gone_rows))
    gone = np.sort(release.facets["id"].filter(gone_rows).to_numpy())
    order = np.argsort(facets["id"].to_numpy(), kind="stable")
    modalities = {
        name: _without(opened, _vectors_of(release, name, gone)) for name, opened in release.modalities.items()
    }
    return replace(
        release, modalities=modalities, facets=facets, figures=facets["id"].to_numpy()[order],
        figure_rows=order.astype(np.int32),
        details={name: _kept(details, gone) for name, details in release.details.items()},
    )  # fmt: skip


def _vectors_of(release: Release, name: str, figures: NDArray[np.int64]) -> NDArray[np.int64]:
    """The ids in a modality that stand for these figures or their details."""
    details = release.details.get(name)
    return figures if details is None else np.unique(details.of_figures(figures)[1])


def _without(opened: OpenModality, gone: NDArray[np.int64]) -> OpenModality:
    """The modality without these vectors. The index in memory, if it is there, serves both."""
    keep = ~are_in(opened.ids, gone)
    hidden = np.union1d(opened.masked, opened.ids[~keep])
    return OpenModality(
        opened.entry, opened.ids[keep], opened.shard[keep], opened.row[keep], hidden, opened.vectors, opened.paths,
        _index=opened._index,
    )  # fmt: skip


def _kept(details: Details, gone: NDArray[np.int64]) -> Details:
    by_figure, by_detail = ~are_in(details.by_figure[0], gone), ~are_in(details.by_detail[1], gone)
    return Details(
        (details.by_figure[0][by_figure], details.by_figure[1][by_figure]),
        (details.by_detail[0][by_detail], details.by_detail[1][by_detail]),
        None if details.boxes is None else details.boxes[by_detail],
    )
