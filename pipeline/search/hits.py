"""A hit, with what a reader wants to see beside its score, from the tables at the release's versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from typing import Any, overload

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipeline.lake import Lake
from pipeline.search.why import Why, explain, in_order

#: Linked sentences and named parts that a hit carries.
SENTENCES = 5
PARTS = 20

#: The similarity to the query of sentences, by passage_id; those without a vector are left out.
Similarity = Callable[[Sequence[str]], Mapping[str, float]]


@dataclass(frozen=True)
class Hit:
    """One figure. ``scores`` holds its similarity in each part that the query has and it has;
    ``box`` is (x0, y0, x1, y1) in pixels of the sheet; ``parts`` are (reference sign, part name);
    ``vectors`` by modality, where the query asks for them."""

    rank: int
    score: float
    scores: Mapping[str, float]
    release: str
    archive: str
    doc_id: str
    title: str
    figure_id: str
    label: str | None
    caption: str | None
    sentences: tuple[str, ...]
    parts: tuple[tuple[str, str], ...]
    sheet_id: str
    box: tuple[int, int, int, int]
    figure_type: str
    perspective: str
    family: str
    publication_date: date | None
    why: Why
    vectors: Mapping[str, tuple[float, ...]] | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; ``docs/search.md`` describes them. ``vectors`` is there only where it was asked for."""
        found: dict[str, Any] = _plain(asdict(self))
        if self.vectors is None:
            del found["vectors"]
        return found


def _plain(value: Any) -> Any:
    """Lists for tuples, ISO 8601 for dates."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


@dataclass(frozen=True)
class Page(Sequence[Hit]):
    """Hits, best first. ``next`` is the cursor of the page after it; None: there is none."""

    release: str
    hits: Sequence[Hit]
    next: str | None

    def __len__(self) -> int:
        return len(self.hits)

    @overload
    def __getitem__(self, place: int) -> Hit: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Hit]: ...
    def __getitem__(self, place: int | slice) -> Hit | Sequence[Hit]:
        return self.hits[place]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; ``docs/search.md`` describes them."""
        return {"release": self.release, "hits": [hit.to_json() for hit in self.hits], "next": self.next}


@dataclass(frozen=True)
class HitTables:
    """Reads the few rows that hits need: partitions and row groups without them are never opened."""

    lake: Lake

    def details(
        self, figures: Sequence[tuple[str, str, str]], words: str = "", similarity: Similarity | None = None
    ) -> dict[str, dict[str, Any]]:
        """What a hit shows, by figure_id; ``figures`` are (archive, doc_id, figure_id).

        ``words`` are the query's, ``similarity`` how near the sentences come to it.
        """
        archives = sorted({archive for archive, _, _ in figures})
        doc_ids, figure_ids = sorted({doc for _, doc, _ in figures}), [figure for _, _, figure in figures]
        rows = {
            (row["archive"], row["figure_id"]): row
            for row in _rows(self._figures, _FIGURE_COLUMNS, archives, "figure_id", figure_ids).to_pylist()
        }
        documents = {
            (row["archive"], row["doc_id"]): row
            for row in _rows(self._documents, _DOCUMENT_COLUMNS, archives, "doc_id", doc_ids).to_pylist()
        }
        links = _rows(self._links, _LINK_COLUMNS, archives, "figure_id", figure_ids).to_pylist()
        similarities = similarity(sorted({link["passage_id"] for link in links})) if similarity else {}
        found = {}
        for archive, doc_id, figure_id in figures:
            own = [link for link in links if (link["archive"], link["figure_id"]) == (archive, figure_id)]
            figure = rows[archive, figure_id]
            found[figure_id] = {
                "title": title_of(documents[archive, doc_id]),
                "label": figure["label"],
                "caption": figure["caption"],
                "sheet_id": figure["sheet_id"],
                "box": tuple(figure[side] for side in ("x0", "y0", "x1", "y1")),
                "sentences": linked_sentences(own),
                "parts": named_parts(own),
                "why": explain(own, words, similarities),
            }
        return found

    def sheets(self, sheets: Sequence[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        """The original image files of sheets given as (archive, sheet_id)."""
        archives, ids = sorted({archive for archive, _ in sheets}), sorted({sheet for _, sheet in sheets})
        found = _rows(self._sheets, ("archive", "sheet_id", "image"), archives, "sheet_id", ids).to_pylist()
        return {(row["archive"], row["sheet_id"]): row["image"] for row in found}

    @cached_property
    def _figures(self) -> ds.Dataset:
        return self.lake.dataset("figures")

    @cached_property
    def _documents(self) -> ds.Dataset:
        return self.lake.dataset("documents")

    @cached_property
    def _links(self) -> ds.Dataset:
        return self.lake.dataset("links")

    @cached_property
    def _sheets(self) -> ds.Dataset:
        return self.lake.dataset("sheets")


_FIGURE_COLUMNS = ("archive", "figure_id", "sheet_id", "label", "caption", "x0", "y0", "x1", "y1")
_DOCUMENT_COLUMNS = ("archive", "doc_id", "language", "titles")
_LINK_COLUMNS = ("archive", "figure_id", "sign", "term", "passage_id", "score", "text")


def _rows(
    dataset: ds.Dataset, columns: Sequence[str], archives: Sequence[str], key: str, values: Sequence[str]
) -> pa.Table:
    names = [pa.array(list(values), pa.string()) for values in (archives, values)]
    wanted = pc.field("archive").isin(names[0]) & pc.field(key).isin(names[1])
    return dataset.to_table(columns=list(columns), filter=wanted)


def title_of(document: Mapping[str, Any]) -> str:
    """The English title, else the one in the language of the proceedings, else any; empty without one."""
    titles = dict(document["titles"] or ())
    for language in ("en", document["language"], *sorted(titles)):
        if titles.get(language):
            return str(titles[language])
    return ""


def linked_sentences(links: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The sentences linked to a figure, strongest first, each once."""
    best: dict[str, tuple[float, str]] = {}
    for link in links:
        score = max(float(link["score"]), best.get(link["passage_id"], (0.0, ""))[0])
        best[link["passage_id"]] = (score, link["text"])
    ordered = sorted(best.items(), key=lambda item: (-item[1][0], item[0]))
    return tuple(text for _, (_, text) in ordered[:SENTENCES])


def named_parts(links: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    """(reference sign, part name) of the parts that the figure shows, in order of the sign."""
    return in_order({link["sign"]: link["term"] for link in links if link["sign"] and link["term"]})[:PARTS]
