"""One search engine behind the library and the command line."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pipeline.config import Settings
from pipeline.errors import UsageError
from pipeline.indexing.ids import vector_ids
from pipeline.lake import Lake
from pipeline.publishing import pointer
from pipeline.publishing.lock import hold
from pipeline.publishing.manifest import Manifest, read_manifest
from pipeline.search.allowed import Allowed
from pipeline.search.cursor import Cursor, parse_cursor
from pipeline.search.encoders import Encoder
from pipeline.search.filters import kept_figures
from pipeline.search.hits import Hit, HitTables, Page
from pipeline.search.lexical_query import parse
from pipeline.search.nearest import DEFAULT_EFFORT, similarities
from pipeline.search.parts import CrossModalPart, DetailPart, Ids, LexicalPart, Part, VectorPart
from pipeline.search.query import Box, Query, Vectors, given
from pipeline.search.ranking import Joined, Ranking, join
from pipeline.search.release import Release, open_files
from pipeline.search.vectors import FIGURE_MODALITIES, QueryVectors, modality_of
from pipeline.search.withdrawn import Withdrawals, without

#: Columns of facets.arrow that a hit shows.
_HIT_FACETS = ("archive", "doc_id", "figure_id", "figure_type", "perspective", "family", "publication_date")
#: Filters whose figures are kept in memory, a byte for each vector of a modality and eight for each that is kept.
_KEPT_FILTERS = 8


def open_release(
    lake: Lake, settings: Settings, release: str | None = None, *,
    encoders: Mapping[str, Encoder] | None = None, cache: Path | None = None, verify: bool = False,
) -> SearchEngine:  # fmt: skip
    """Open a release (default: the current one) for searching; hits come from its own table versions.

    ``encoders`` (by modality) replace those that the manifest names. Sizes of files are checked, and with ``verify``
    their checksums too, which reads all of them (publishing did so, `figlake releases --verify` does). Raises
    UsageError when nothing is published, DamagedReleaseError when a file is not what the manifest says.
    """
    name = release or pointer.current(lake)
    if name is None:
        raise UsageError(f"nothing is published in {lake.storage.root} yet; `figlake run` publishes a release")
    manifest = read_manifest(lake.storage, name)
    held = hold(lake.storage, pointer.manifest_path(name))
    opened = open_files(lake.storage, manifest, cache, verify=verify)
    return SearchEngine(lake.pinned(manifest.tables), settings, opened, encoders, held, Withdrawals(lake))


class SearchEngine:
    """A release that answers queries. Safe to share between threads.

    A document withdrawn after the release was published is in no answer from the next request on.
    """

    def __init__(
        self, lake: Lake, settings: Settings, release: Release, encoders: Mapping[str, Encoder] | None = None,
        held: BinaryIO | None = None, withdrawals: Withdrawals | None = None,
    ) -> None:  # fmt: skip
        self.settings, self.release, self._lake = settings, release, lake
        if held is not None:  # it keeps the release from being pruned
            weakref.finalize(self, held.close)
        self.tables = HitTables(lake)
        self.vectors = QueryVectors(release, self.tables, settings, encoders or {})
        self._everything = Allowed(release, release.figures)
        # None, not self, while nothing is withdrawn: an engine ends, and lets its release go, when nobody holds it.
        self._withdrawals, self._masked = withdrawals, None if withdrawals is None else self._without(withdrawals)
        self._looking = threading.Lock()
        self._allowed = lru_cache(_KEPT_FILTERS)(lambda chosen: Allowed(release, kept_figures(release, chosen)))

    @property
    def name(self) -> str:
        """The release that answers."""
        return self.release.name

    @property
    def manifest(self) -> Manifest:
        return self.release.manifest

    def search(self, query: Query | None = None, **changes: Any) -> Page:
        """The best figures for a query, a page of them; ``changes`` are fields of :class:`Query`.

        A picture that is byte for byte a sheet of the release searches with that sheet's figures, since
        a sheet may show several; any other picture is one drawing. Raises UsageError when the query is
        empty, names an unknown figure or filter value, or asks a modality that the release lacks.
        """
        return self._newest()._search(replace(query or Query(), **changes))

    def _search(self, asked: Query) -> Page:
        start = self._start(asked)
        joined = self._joined(asked)
        ranking, more = self._slice(joined, asked, start)
        following = str(replace(start, offset=start.offset + asked.k)) if more else None
        return Page(self.name, self._hits(ranking, start.offset, asked, joined.parts), following)

    def rank(self, query: Query) -> Ranking:
        """The figures of a query's page with their scores alone; no table is read."""
        newest = self._newest()
        return newest._slice(newest._joined(query), query, newest._start(query))[0]

    def parts(self, query: Query) -> dict[str, Part]:
        """What the query compares, by name. Raises UsageError when it is empty or cannot be answered."""
        return self._newest()._parts(query)

    def _parts(self, query: Query) -> dict[str, Part]:
        if query.is_empty:
            raise UsageError("nothing to search with: give an image, words, or a figure")
        parts: dict[str, Part] = {
            name: self._vector_part(name, found) for name, found in self.vectors.of(query).items()
        }
        if query.lexical is not None and given(query.lexical):
            parts["lexical"] = LexicalPart(self.release.lexical, parse(query.lexical), self._everything)
        return parts

    def _vector_part(self, part: str, vectors: Vectors) -> VectorPart | DetailPart:
        name, search = modality_of(part), self.settings.search
        modality = self.vectors.modality(name)
        if name not in self.release.details:
            kind = VectorPart if part == name else CrossModalPart
            return kind(name, modality, vectors, search)
        return DetailPart(name, modality, self.release.details[name], vectors, search, self._everything)

    def pictures(self, hits: Sequence[Hit]) -> list[bytes]:
        """The original image file of each hit's sheet. Raises UsageError for a document that was withdrawn since."""
        self._newest()
        gone = self._withdrawals.documents if self._withdrawals else frozenset[str]()
        if withdrawn := sorted({hit.doc_id for hit in hits} & gone):
            raise UsageError(f"{withdrawn[0]} has been withdrawn")
        sheets = self.tables.sheets([(hit.archive, hit.sheet_id) for hit in hits])
        return [sheets[hit.archive, hit.sheet_id] for hit in hits]

    def _joined(self, query: Query) -> Joined:
        return Joined(self._parts(query), query.fusion or self.settings.search.fusion, query.weights)

    def _newest(self) -> SearchEngine:
        """The engine that answers now: this one, or one over the same files that masks what was withdrawn since."""
        if self._withdrawals is None:
            return self
        with self._looking:
            if self._withdrawals.have_grown():
                self._masked = self._without(self._withdrawals)
            return self._masked or self

    def _without(self, withdrawals: Withdrawals) -> SearchEngine | None:
        masked = without(self.release, withdrawals.documents)
        if masked is self.release:
            return None
        return SearchEngine(self._lake, self.settings, masked, self.vectors.encoders)

    def _start(self, query: Query) -> Cursor:
        """Where the query's page begins."""
        if query.cursor is not None:
            return parse_cursor(query.cursor, self.name, query.fingerprint())
        depth = self.settings.search.candidates or DEFAULT_EFFORT.candidates
        return Cursor(self.name, query.fingerprint(), 0, max(query.k + 1, depth))

    def _slice(self, joined: Joined, query: Query, start: Cursor) -> tuple[Ranking, bool]:
        """The rows of the page, and whether more follow."""
        allowed = None if query.filter.is_empty else self._allowed(query.filter)
        tiers = self._one_of_each(query.group, joined.tiers(start.depth, allowed))
        singles = (tier.take(slice(row, row + 1)) for tier in tiers for row in range(len(tier.ids)))
        rows = list(islice(singles, start.offset, start.offset + query.k + 1))
        return join(rows[: query.k], joined.parts), len(rows) > query.k

    def _one_of_each(self, group: str, tiers: Iterator[Ranking]) -> Iterator[Ranking]:
        """The tiers without figures whose document or family has come before."""
        seen: set[str] = set()
        for tier in tiers:
            if group == "figure":
                yield tier
                continue
            names = self.release.figure_column({"document": "doc_id", "family": "family"}[group], tier.ids)
            first = [row for row, name in enumerate(names) if not (name in seen or seen.add(name))]  # type: ignore[func-returns-value]
            yield tier.take(np.array(first, dtype=np.int64))

    def _hits(self, ranking: Ranking, offset: int, query: Query, parts: Mapping[str, Part]) -> list[Hit]:
        facets = self.release.figure_facets(ranking.ids.tolist())
        figures = [(facet["archive"], facet["doc_id"], facet["figure_id"]) for facet in facets]
        details = self.tables.details(figures, query.words, partial(self._sentence_similarities, parts))
        reasons = [details[figure_id].pop("why") for _, _, figure_id in figures]
        vectors = self._stored_vectors(ranking.ids) if query.vectors else [None] * len(facets)
        return [
            Hit(
                rank=offset + number + 1, score=float(ranking.fused[number]), release=self.name,
                scores={name: float(v[number]) for name, v in ranking.scores.items() if not np.isnan(v[number])},
                **{name: facet[name] for name in _HIT_FACETS}, **details[facet["figure_id"]], vectors=vectors[number],
                why=replace(reasons[number], region=_nearest_box(parts, int(ranking.ids[number]))),
            )
            for number, facet in enumerate(facets)
        ]  # fmt: skip

    def _sentence_similarities(self, parts: Mapping[str, Part], passage_ids: Sequence[str]) -> dict[str, float]:
        """How near sentences come to the query's words: the nearest of its vectors in their space."""
        passages = self.release.modalities.get("passage")
        queries = [part.vectors for part in parts.values() if isinstance(part, DetailPart | VectorPart)
                   and passages and part.modality.encoder == passages.encoder]  # fmt: skip
        if passages is None or not queries:
            return {}
        stacked, positions = np.concatenate(queries), passages.positions_of(vector_ids(passage_ids))
        found = similarities(passages, stacked, np.broadcast_to(positions, (len(stacked), len(positions)))).max(axis=0)
        return {key: float(value) for key, value in zip(passage_ids, found, strict=True) if np.isfinite(value)}

    def _stored_vectors(self, ids: Ids) -> list[dict[str, tuple[float, ...]] | None]:
        """The vectors of each figure by modality."""
        found: list[dict[str, tuple[float, ...]]] = [{} for _ in ids]
        for name in FIGURE_MODALITIES:
            if name in self.release.modalities:
                modality = self.release.modalities[name]
                positions = modality.positions_of(ids)
                for row in np.flatnonzero(positions >= 0):
                    found[row][name] = tuple(modality.gather(positions[row : row + 1])[0].tolist())
        return list(found)


def _nearest_box(parts: Mapping[str, Part], figure: int) -> Box | None:
    part = parts.get("region")
    return part.nearest_box(figure) if isinstance(part, DetailPart) else None
