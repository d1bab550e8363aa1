"""One document as an examiner wants it: figures, reference signs, linked sentences."""

from __future__ import annotations

from typing import Any

import pyarrow.compute as pc

from pipeline.errors import UsageError
from pipeline.lake import Lake
from pipeline.status import release_versions
from pipeline.withdrawal import reasons


def describe(lake: Lake, item: str, *, latest: bool = False) -> dict[str, Any]:
    """What the lake knows of a document or of one figure, from the current release's tables.

    ``item`` is a doc_id or a figure_id. Raises UsageError when neither is known, or when the document
    has been withdrawn.
    """
    release, versions = (None, {}) if latest else release_versions(lake)
    pinned = lake.pinned(versions)
    doc_id = item.split("/", 1)[0]
    if (why := reasons(lake).get(doc_id)) is not None:
        raise UsageError(f"{doc_id} has been withdrawn: {why}")
    documents = _rows(pinned, "documents", doc_id)
    if not documents:
        raise UsageError(
            f"no document {doc_id!r} in {'the newest tables' if latest else f'release {release}'}; "
            "a doc_id is country, number and kind: EP3441903A1"
        )
    # The same document may stand in two archives: the newest delivery speaks.
    document = max(documents, key=lambda row: (str(row["delivery_date"] or ""), row["archive"]))
    archive = document["archive"]
    figures = _rows(pinned, "figures", doc_id, archive)
    if "/" in item:
        figures = [figure for figure in figures if figure["figure_id"] == item]
        if not figures:
            raise UsageError(f"{doc_id} has no figure {item!r}; `figlake show {doc_id}` lists them")
    figures.sort(key=lambda row: (row["sheet_id"], row["ordinal"]))
    shown = {figure["figure_id"]: figure["label"] for figure in figures}
    links = [row for row in _rows(pinned, "links", doc_id, archive) if row["figure_id"] in shown]
    signs = _rows(pinned, "signs", doc_id, archive)
    if "/" in item:
        linked = {row["sign"] for row in links}
        signs = [row for row in signs if row["sign"] in linked]
    titles = dict(document["titles"] or [])
    return {
        "release": release,
        "versions": versions,
        "doc_id": doc_id,
        "archive": archive,
        "title": titles.get(document["language"] or "") or titles.get("en") or next(iter(titles.values()), ""),
        "titles": titles,
        "publication_date": document["publication_date"],
        "figures": figures,
        "signs": sorted(signs, key=lambda row: (len(row["sign"]), row["sign"])),
        "sentences": _sentences(links, shown),
    }


def one_figure(found: dict[str, Any], label: str) -> dict[str, Any]:
    """The same description with one figure only. Raises UsageError naming the labels there are."""
    figures = [figure for figure in found["figures"] if (figure["label"] or "").lower() == label.lower()]
    if not figures:
        known = ", ".join(sorted({f["label"] for f in found["figures"] if f["label"]})) or "none with a label"
        raise UsageError(f"{found['doc_id']} has no figure {label!r}; it has: {known}")
    ids = {figure["figure_id"] for figure in figures}
    sentences = [s for s in found["sentences"] if s["figure_id"] in ids]
    linked = {sign for sentence in sentences for sign in sentence["signs"]}
    signs = [sign for sign in found["signs"] if sign["sign"] in linked]
    return {**found, "figures": figures, "signs": signs, "sentences": sentences}


def _sentences(links: list[dict[str, Any]], labels: dict[str, str | None]) -> list[dict[str, Any]]:
    """Links gathered per figure and sentence, in figure order and then reading order, with all signs of the pair."""
    order = {figure_id: place for place, figure_id in enumerate(labels)}
    gathered: dict[tuple[str, str], dict[str, Any]] = {}
    for row in sorted(links, key=lambda row: (order[row["figure_id"]], row["passage_id"], row["sign"])):
        entry = gathered.setdefault(
            (row["figure_id"], row["passage_id"]),
            {
                "figure_id": row["figure_id"],
                "label": labels[row["figure_id"]],
                "passage_id": row["passage_id"],
                "signs": [],
                "text": row["text"],
                "score": 0.0,
            },
        )
        if row["sign"]:
            entry["signs"].append(row["sign"])
        entry["score"] = max(entry["score"], row["score"])
    return list(gathered.values())


def _rows(lake: Lake, table: str, doc_id: str, archive: str | None = None) -> list[dict[str, Any]]:
    rows = lake.dataset(table, archive).to_table(filter=pc.field("doc_id") == doc_id)
    return list(rows.to_pylist())
