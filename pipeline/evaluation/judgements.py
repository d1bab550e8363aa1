"""Judged queries: a file of JSON lines, keyed on documents and figure labels so that a new run leaves it valid.

``docs/evaluation.md`` describes the format, ``docs/judged-queries.schema.json`` is its JSON Schema.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.labels import label_key

#: Stands for every figure of a document.
ANY = "*"
#: What may be left out of what a query finds.
EXCLUDED = ("figure", "document", "none")
_KEYS = {"id", "image", "doc", "figure", "text", "exclude", "relevant"}
_RELEVANT_KEYS = {"doc", "figure", "grade"}


@dataclass(frozen=True)
class Judgement:
    """A figure, or all figures of a document (``figure`` is ``*``), and how relevant it is."""

    doc: str
    figure: str
    grade: float


@dataclass(frozen=True)
class JudgedQuery:
    """A query and its judgements. ``image``: a path; ``doc`` and ``figure``: a figure of the release; ``text``: words.

    ``exclude``: ``figure`` leaves the query's own figure out of what is found, ``document`` all of its document,
    ``none`` nothing.
    """

    name: str
    image: Path | None
    doc: str | None
    figure: str | None
    text: str | None
    exclude: str
    relevant: tuple[Judgement, ...]


@dataclass
class Gallery:
    """The figures of a release by document and label."""

    by_document: Mapping[str, Mapping[str, tuple[str, ...]]]  # doc_id → label key → figure_ids
    unknown: list[str] = field(default_factory=list)

    def figures(self, doc: str, figure: str) -> tuple[str, ...]:
        """The figure_ids of a document and label; what is not there is noted in ``unknown``."""
        labels = self.by_document.get(doc, {})
        if figure == ANY:
            found = tuple(sorted(figure_id for ids in labels.values() for figure_id in ids))
        else:
            found = labels.get(label_key(figure), ())
        if not found:
            self.unknown.append(f"{doc} figure {figure}" if labels else doc)
        return found


def gallery(rows: Sequence[Mapping[str, Any]]) -> Gallery:
    """From rows with doc_id, figure_id and label; a figure without a label has the key of none."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in rows:
        labels = found.setdefault(row["doc_id"], {})
        key = label_key(row["label"] or "")
        if row["figure_id"] not in labels.get(key, ()):  # a document may have come in two archives
            labels[key] = (*labels.get(key, ()), row["figure_id"])
    return Gallery(found)


def read_queries(path: Path) -> list[JudgedQuery]:
    """The queries of a file. Raises UsageError naming the line that is wrong, or the id that two queries have."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from None
    queries = [_query(line, f"{path} line {number}", path.parent) for number, line in _numbered(lines)]
    if not queries:
        raise UsageError(f"{path} holds no query")
    names = Counter(query.name for query in queries)
    if twice := [name for name, count in names.items() if count > 1]:
        raise UsageError(f"{path}: more than one query has the id {twice[0]!r}")
    return queries


def _numbered(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    yield from ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def _query(line: str, where: str, folder: Path) -> JudgedQuery:
    try:
        tree = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where} is no JSON: {error}") from None
    _check_query(tree, where)
    image, name = tree.get("image"), tree.get("id", where.rsplit(" ", 1)[-1])
    return JudgedQuery(
        name, folder / image if image else None, tree.get("doc"), tree.get("figure"), tree.get("text"),
        tree.get("exclude", "figure"), tuple(_judgement(item, where) for item in tree["relevant"]),
    )  # fmt: skip


def _check_query(tree: Any, where: str) -> None:
    if not isinstance(tree, dict) or set(tree) - _KEYS:
        unknown = sorted(set(tree) - _KEYS) if isinstance(tree, dict) else []
        raise UsageError(f"{where}: a query is an object of {', '.join(sorted(_KEYS))}; unknown: {unknown}")
    if not all(_is_text(tree[key]) for key in ("id", "image", "doc", "figure", "text") if key in tree):
        raise UsageError(f"{where}: id, image, doc, figure and text are strings that are not blank; leave out others")
    if ("doc" in tree) != ("figure" in tree):
        raise UsageError(f"{where}: doc and figure go together")
    if not {"image", "doc", "text"} & set(tree):
        raise UsageError(f"{where}: a query needs an image, a doc with a figure, or a text")
    if tree.get("figure") == ANY:
        raise UsageError(f"{where}: a query is one figure; {ANY} stands for all of a document in relevant alone")
    if tree.get("exclude", "figure") not in EXCLUDED:
        raise UsageError(f"{where}: exclude is figure, document or none, not {tree['exclude']!r}")
    if not isinstance(tree.get("relevant"), list) or not tree["relevant"]:
        raise UsageError(f"{where}: relevant must list at least one figure")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _judgement(item: Any, where: str) -> Judgement:
    figure = item.get("figure", ANY) if isinstance(item, dict) else None
    if figure is None or set(item) - _RELEVANT_KEYS or not (_is_text(item.get("doc")) and _is_text(figure)):
        raise UsageError(f"{where}: each of relevant is an object of doc, figure and grade")
    grade = item.get("grade", 1)
    if isinstance(grade, bool) or not isinstance(grade, int | float) or not 0 <= grade <= 10:
        raise UsageError(f"{where}: a grade is a number from 0 to 10, not {grade!r}")
    return Judgement(item["doc"], figure, float(grade))
