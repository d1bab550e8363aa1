"""Filters: which figures of a release may be found at all. They work on ``facets.arrow``, before any vector is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.errors import UsageError
from pipeline.search.release import Release
from schemas.facets import FIGURE_TYPES, PERSPECTIVES

Mask = NDArray[np.bool_]
#: A classification symbol from its section to its subgroup, cut anywhere: G, G05, G05B, G05B17, G05B17/02.
_SYMBOL = re.compile(r"[A-HY](\d(\d([A-Z](\d{1,4}(/\d*)?)?)?)?)?")


@dataclass(frozen=True)
class Filter:
    """What a figure must be: of several values of one field any will do, several fields must all agree.

    ``ipc`` and ``cpc`` are prefixes of symbols (``G05B17`` also keeps ``G05B17/02``), ``applicants`` parts
    of names in any case, the dates inclusive bounds of the publication date.
    """

    figure_types: tuple[str, ...] = ()
    perspectives: tuple[str, ...] = ()
    offices: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    published_from: date | None = None
    published_to: date | None = None
    ipc: tuple[str, ...] = ()
    cpc: tuple[str, ...] = ()
    applicants: tuple[str, ...] = ()
    archives: tuple[str, ...] = ()
    doc_ids: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it keeps every figure."""
        return not any(getattr(self, field.name) for field in fields(self))


def parse_date(text: str, option: str) -> date:
    """A date as yyyy-mm-dd. Raises UsageError naming the option."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} wants a date as yyyy-mm-dd, got {text!r}") from None


def kept_figures(release: Release, chosen: Filter) -> NDArray[np.int64]:
    """The vector ids of the figures that a filter keeps, int64, ascending.

    Raises UsageError for a value that no figure can have: a misspelt type, an unknown office, kind,
    archive, document or applicant, a string that is no classification symbol, dates in the wrong order.
    """
    mask = np.ones(release.facets.num_rows, dtype=np.bool_)
    for narrow in _conditions(release, chosen):
        mask &= narrow()
    return release.figures[mask[release.figure_rows]]


def _conditions(release: Release, chosen: Filter) -> list[Callable[[], Mask]]:
    """One mask maker for each field that the filter sets; all values are checked before any row is read."""
    facets, found = release.facets, list[Callable[[], Mask]]()
    closed: dict[str, tuple[Sequence[str], Sequence[str]]] = {
        "figure_type": (chosen.figure_types, FIGURE_TYPES), "perspective": (chosen.perspectives, PERSPECTIVES)
    }  # fmt: skip
    named: dict[str, tuple[str, ...]] = {"office": chosen.offices, "kind": chosen.kinds, "archive": chosen.archives}
    for column, values in named.items():
        closed[column] = (values, tuple(sorted(_names(facets, column))) if values else ())
    for column, (wanted_names, known) in closed.items():
        if wanted_names:
            _check_known(column.replace("_", " "), wanted_names, known)
            found.append(partial(_is_one_of, facets, column, wanted_names))
    for column, prefixes in (("ipc", chosen.ipc), ("cpc", chosen.cpc)):
        if prefixes:
            wanted = tuple(_symbol(column, prefix) for prefix in prefixes)
            found.append(partial(_has, facets, column, _starting_with(wanted)))
    if chosen.applicants:
        _check_applicants(release, chosen.applicants)
        found.append(partial(_has, facets, "applicants", _containing(chosen.applicants)))
    if chosen.published_from or chosen.published_to:
        found.append(partial(_published, facets, chosen.published_from, chosen.published_to))
    if chosen.published_from and chosen.published_to and chosen.published_from > chosen.published_to:
        raise UsageError(f"no date lies from {chosen.published_from} to {chosen.published_to}; exchange the two")
    if chosen.doc_ids:
        found.append(partial(_documents, release, chosen.doc_ids))
    return found


def _check_known(what: str, values: Sequence[str], known: Sequence[str]) -> None:
    for value in values:
        if value not in known:
            raise UsageError(f"unknown {what} {value!r}; choose from: {', '.join(known)}")


def _symbol(column: str, prefix: str) -> str:
    """The prefix as the tables spell symbols: upper case, no spaces."""
    symbol = prefix.replace(" ", "").upper()
    if not _SYMBOL.fullmatch(symbol):
        raise UsageError(f"{prefix!r} is no {column.upper()} symbol or the beginning of one, such as G05B or G05B17/02")
    return symbol


def _check_applicants(release: Release, wanted: Sequence[str]) -> None:
    names = _dictionary(release.facets, "applicants")
    for part in wanted:
        if not part.strip():
            raise UsageError("an applicant's name cannot be empty")
        if not _containing((part,))(names).any():
            raise UsageError(f"no applicant in release {release.name} has a name with {part!r} in it")


def _starting_with(prefixes: Sequence[str]) -> Callable[[pa.Array], Mask]:
    return lambda names: _any(names, [pc.starts_with(names, prefix) for prefix in prefixes])


def _containing(parts: Sequence[str]) -> Callable[[pa.Array], Mask]:
    return lambda names: _any(names, [pc.match_substring(names, part, ignore_case=True) for part in parts])


def _any(names: pa.Array, hits: Sequence[pa.Array]) -> Mask:
    found = np.zeros(len(names), dtype=np.bool_)
    for hit in hits:
        found |= hit.to_numpy(zero_copy_only=False)
    return found


def _names(facets: pa.Table, column: str) -> set[str]:
    """The values that rows have in a dictionary column."""
    return set(pc.unique(facets[column]).drop_null().to_pylist())


def _dictionary(facets: pa.Table, column: str) -> pa.Array:
    """Every value that the lists of a column may hold; all batches share one dictionary."""
    chunks = facets[column].chunks
    return chunks[0].values.dictionary if chunks else pa.array([], pa.string())


def _is_one_of(facets: pa.Table, column: str, values: Sequence[str]) -> Mask:
    found = [_looked_up(chunk, np.isin(chunk.dictionary.to_pylist(), values)) for chunk in facets[column].chunks]
    return np.concatenate([np.empty(0, np.bool_), *found])


def _looked_up(names: pa.DictionaryArray, wanted: Mask) -> Mask:
    """Whether each name is wanted; null is not."""
    places = names.indices.fill_null(-1).to_numpy()
    looked_up: Mask = np.append(wanted, np.False_)[places]
    return looked_up


def _has(facets: pa.Table, column: str, wanted: Callable[[pa.Array], Mask]) -> Mask:
    """Whether any entry of each list is wanted: the names are looked at once, the rows hold only their numbers."""
    names = wanted(_dictionary(facets, column))
    found = [np.empty(0, np.bool_)]
    for chunk in facets[column].chunks:
        offsets = chunk.offsets.to_numpy()
        hits = _looked_up(chunk.values, names) if len(chunk.values) else np.empty(0, np.bool_)
        before: NDArray[np.int64] = np.concatenate([[0], np.cumsum(hits)])
        found.append(np.asarray(before[offsets[1:]] > before[offsets[:-1]]))
    return np.concatenate(found)


def _published(facets: pa.Table, first: date | None, last: date | None) -> Mask:
    dates, bounds = facets["publication_date"], list[Any]()
    if first:
        bounds.append(pc.greater_equal(dates, pa.scalar(first, pa.date32())))
    if last:
        bounds.append(pc.less_equal(dates, pa.scalar(last, pa.date32())))
    both = bounds[0] if len(bounds) == 1 else pc.and_(*bounds)
    return np.asarray(pc.fill_null(both, False).to_numpy(), dtype=np.bool_)


def _documents(release: Release, doc_ids: Sequence[str]) -> Mask:
    wanted = pa.array(doc_ids, pa.string())
    missing = pc.index_in(wanted, value_set=pc.unique(release.facets["doc_id"])).is_null().to_pylist()
    for doc_id, is_missing in zip(doc_ids, missing, strict=True):
        if is_missing:
            raise UsageError(f"release {release.name} shows no figure of a document {doc_id!r}")
    return np.asarray(pc.is_in(release.facets["doc_id"], value_set=wanted).to_numpy(), dtype=np.bool_)
