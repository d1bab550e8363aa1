"""Judged queries asked of a release in every modality and fusion that it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.errors import UsageError
from pipeline.evaluation.judgements import Gallery, JudgedQuery, gallery
from pipeline.evaluation.metrics import NAMES, Interval, bootstrap, measure
from pipeline.search import SearchEngine
from pipeline.search.fusion import METHODS
from pipeline.search.query import MOST_HITS, Query

#: The rows of a table: each modality alone, then the fusions of both.
WAYS = ("image", "text", *METHODS)


@dataclass(frozen=True)
class Answer:
    """One query in one way: the figures found, best first, their grades, and the measures."""

    query: str
    way: str
    figures: tuple[str, ...]
    grades: tuple[float, ...]
    measures: Mapping[str, float]


@dataclass(frozen=True)
class Evaluation:
    """What was asked and found. ``skipped``: (query, way, why); ``unknown``: judgements that no figure answers to."""

    release: str
    k: int
    answers: tuple[Answer, ...]
    skipped: tuple[tuple[str, str, str], ...]
    unknown: tuple[str, ...]

    def table(self, seed: int = 0) -> dict[str, dict[str, Interval]]:
        """Way → measure → mean and interval, over the queries that every way with answers could answer.

        So the rows of a table compare like with like.
        """
        by_way: dict[str, dict[str, Answer]] = {}
        for answer in self.answers:
            by_way.setdefault(answer.way, {})[answer.query] = answer
        common = set.intersection(*(set(found) for found in by_way.values())) if by_way else set()
        return {
            way: {
                name: bootstrap([found[query].measures[name] for query in sorted(common)], seed=seed) for name in NAMES
            }
            for way, found in by_way.items()
        }

    @property
    def compared(self) -> int:
        """How many queries every row of the table is over."""
        ways: dict[str, set[str]] = {}
        for answer in self.answers:
            ways.setdefault(answer.way, set()).add(answer.query)
        return len(set.intersection(*ways.values())) if ways else 0


def evaluate(
    engine: SearchEngine, queries: Sequence[JudgedQuery], k: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:  # fmt: skip
    """Ask every query in every way. What a query or the release lacks for a way is skipped, and said.

    A query's own figure (or document, as it asks) is taken out of what is found before the first ``k`` are looked at.
    """
    figures = gallery(_figure_rows(engine))
    answers, skipped = [], []
    for done, query in enumerate(queries):
        progress(done, len(queries))
        own = figures.figures(query.doc, query.figure) if query.doc and query.figure else ()
        judged = {
            figure_id: judgement.grade
            for judgement in query.relevant
            for figure_id in figures.figures(judgement.doc, judgement.figure)
        }
        left_out = _left_out(query, own, figures)
        judged = {figure_id: grade for figure_id, grade in judged.items() if figure_id not in left_out}
        if not any(judged.values()):
            skipped.append((query.name, "all", "none of its relevant figures is in the release"))
            continue
        image, text = _parts(engine, query, own)
        for way in WAYS:
            try:
                found = _ask(engine, _in_this_way(image, text, way), k, left_out)
            except UsageError as error:
                skipped.append((query.name, way, str(error)))
                continue
            grades = tuple(judged.get(figure_id, 0.0) for figure_id in found)
            answers.append(Answer(query.name, way, found, grades, measure(grades, k, list(judged.values()))))
    progress(len(queries), len(queries))
    return Evaluation(engine.name, k, tuple(answers), tuple(skipped), tuple(dict.fromkeys(figures.unknown)))


def _figure_rows(engine: SearchEngine) -> list[dict[str, Any]]:
    """Documents, ids and labels of the figures that the release shows."""
    import pyarrow.compute as pc

    shown = engine.release.facets.select(["figure_id", "archive"])
    rows = engine.tables.lake.dataset("figures").to_table(columns=["archive", "doc_id", "figure_id", "label"])
    rows = rows.filter(pc.is_in(rows["figure_id"], value_set=shown["figure_id"].combine_chunks()))
    return list(rows.to_pylist())


def _left_out(query: JudgedQuery, own: Sequence[str], figures: Gallery) -> frozenset[str]:
    if query.exclude == "document" and query.doc:
        return frozenset(figures.figures(query.doc, "*"))
    return frozenset(own) if query.exclude == "figure" else frozenset()


def _parts(engine: SearchEngine, query: JudgedQuery, own: Sequence[str]) -> tuple[Any, Any]:
    """What the query compares images and texts with: its own picture and words, else its figure's stored vectors."""
    stored = engine.vectors.of(Query(figure=own[0])) if own else {}
    return query.image or stored.get("image"), query.text or stored.get("text")


def _in_this_way(image: Any, text: Any, way: str) -> Query:
    """The search. Raises UsageError where the query lacks what the way needs."""
    if way != "text" and image is None:
        raise UsageError("the query has no image")
    if way != "image" and text is None:
        raise UsageError("the query has no text")
    if way in METHODS:
        return Query(image=image, text=text, fusion=way)
    return Query(image=image) if way == "image" else Query(text=text)


def _ask(engine: SearchEngine, query: Query, k: int, left_out: frozenset[str]) -> tuple[str, ...]:
    """The first ``k`` figure_ids without those left out; no table is read for them."""
    ids = engine.rank(replace(query, k=min(MOST_HITS, k + len(left_out)))).ids
    found = engine.release.figure_column("figure_id", ids)
    return tuple(figure_id for figure_id in found if figure_id not in left_out)[:k]
