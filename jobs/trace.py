"""Commands about single documents: withdraw and trace."""

from __future__ import annotations

import json
from collections import Counter
from typing import Annotated, Any

import typer

from jobs.options import ConfigOption, JsonOption, LakeOption, clean_errors, lake_at, out, settings_of

#: Rows of a list that the terminal shows; --json shows all.
_SHOWN = 12


def withdraw(
    lake: LakeOption,
    documents: Annotated[list[str], typer.Argument(metavar="DOC_ID...", help="Documents, e.g. EP3441903A1.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, in words; kept in the table tombstones.")],
    config: ConfigOption = None,
) -> None:
    """Take documents out of every answer, from the next request on; services need no restart.

    Their rows leave the tables and the index with the next `figlake compact` and `figlake run`, and the old files with
    `figlake releases --prune` and `figlake clean`, once these no longer keep them for readers and rollbacks.

    [bold]Examples[/]

    figlake withdraw EP3441903A1 --reason "court order 12/2026" --lake ./lake
    """
    with clean_errors():
        from pipeline.withdrawal import withdraw as run_withdraw

        new = run_withdraw(lake_at(lake, settings_of("laptop", config, None)), documents, reason)
        for doc_id in documents:
            out.print(f"{doc_id}: {'withdrawn' if doc_id in new else 'had been withdrawn before'}")
        if new:
            out.print("out of every answer now; out of the files after: figlake compact, run, releases --prune, clean")


def trace(
    lake: LakeOption,
    item: Annotated[str, typer.Argument(metavar="ID", help="A doc_id, sheet_id, figure_id, passage_id or region_id.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Follow an item from the archive's member to its figures, vectors, rows of shards and releases.

    [bold]Examples[/]

    figlake trace EP3441903A1 --lake ./lake

    figlake trace EP3441903A1/imgf0003.tif#3 --json --lake ./lake
    """
    with clean_errors():
        from pipeline.trace import trace as run_trace

        found = run_trace(lake_at(lake, settings_of("laptop", config, None)), item)
        if as_json:
            typer.echo(json.dumps(found, ensure_ascii=False, default=str))
        else:
            _show(found)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(withdraw)
    app.command()(trace)


def _show(found: dict[str, Any]) -> None:
    from rich.markup import escape

    if found["withdrawn"] is not None:
        out.print(f"[bold red]withdrawn[/]: {escape(found['withdrawn'])}")
        if not found["documents"]:
            out.print("purged: the newest tables hold nothing of it any more")
    for row in found["documents"]:
        out.print(f"[bold]archive[/]  {row['archive']}  {escape(str(row['uri']))}  sha256 {str(row['sha256'])[:16]}…")
        out.print(f"[bold]member[/]   {escape(row['member'])}")
    _lines("sheet", [f"{row['sheet_id']}  {row['role']}" for row in found["sheets"]])
    _lines("figure", [f"{row['figure_id']}  FIG. {row['label'] or '–'}" for row in found["figures"]])
    _lines("sentence", [f"{row['passage_id']}  {row['section']}" for row in found["passages"]])
    counts = Counter((row["table"], row["model"], row["revision"]) for row in found["vectors"])
    _lines("vectors", [f"{n:,} in {t}  by {model} {revision}".rstrip() for (t, model, revision), n in counts.items()])
    _lines(
        "shard",
        [
            f"{row['shard']}  row {row['row']:,}  {row['key']}  in {', '.join(row['releases']) or 'no release'}"
            for row in found["shards"]
        ],
    )


def _lines(title: str, lines: list[str]) -> None:
    from rich.markup import escape

    for place, line in enumerate(lines[:_SHOWN]):
        out.print(f"[bold]{title if not place else '':8}[/] {escape(line)}")
    if len(lines) > _SHOWN:
        out.print(f"{'':8} … and {len(lines) - _SHOWN:,} more; --json shows all")
