"""The command that measures a search against judgements: eval."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.options import (
    ConfigOption,
    JsonOption,
    LakeOption,
    ProfileOption,
    SetOption,
    clean_errors,
    err,
    lake_at,
    out,
    settings_of,
)

if TYPE_CHECKING:
    from pipeline.evaluation.run import Evaluation


def evaluate(
    queries: Annotated[Path, typer.Argument(metavar="QUERIES", help="Judged queries, JSON lines; docs/evaluation.md.")],
    lake: LakeOption,
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="How many hits are looked at.")] = 10,
    release: Annotated[str | None, typer.Option("--release", help="A release other than the current one.")] = None,
    to: Annotated[Path | None, typer.Option("--out", help="Write what each query found, JSON lines.")] = None,
    as_json: JsonOption = False,
    profile: ProfileOption = "laptop",
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Measure the search against judged queries: each modality and each fusion, with 95% intervals.

    [bold]Examples[/]

    figlake eval queries.jsonl --lake ./lake

    figlake eval queries.jsonl -k 20 --json --out found.jsonl --lake ./lake
    """
    with clean_errors():
        from rich.progress import Progress

        from pipeline.evaluation.judgements import read_queries
        from pipeline.evaluation.run import evaluate as ask_all
        from pipeline.search import open_release

        judged = read_queries(queries)
        settings = settings_of(profile, config, overrides)
        engine = open_release(lake_at(lake, settings), settings, release)
        with Progress(console=err, disable=not err.is_terminal, transient=True) as bar:
            task = bar.add_task("queries", total=len(judged))
            found = ask_all(engine, judged, k, lambda done, total: bar.update(task, completed=done))
        if to is not None:
            _write_answers(found, to)
        if as_json:
            typer.echo(json.dumps(_plain(found)))
        else:
            _print(found, len(judged))


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("eval")(evaluate)


def _plain(found: Evaluation) -> dict[str, Any]:
    table = {
        way: {name: {"mean": i.mean, "low": i.low, "high": i.high} for name, i in row.items()}
        for way, row in found.table().items()
    }
    return {
        "release": found.release, "k": found.k, "queries": found.compared, "table": table,
        "skipped": [list(item) for item in found.skipped], "unknown": list(found.unknown),
    }  # fmt: skip


def _write_answers(found: Evaluation, path: Path) -> None:
    from pipeline.errors import UsageError

    rows = (
        {"query": a.query, "way": a.way, "figures": a.figures, "grades": a.grades, **a.measures} for a in found.answers
    )
    try:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--out {path}: {error.strerror}") from None


def _print(found: Evaluation, asked: int) -> None:
    from rich.markup import escape
    from rich.table import Table

    from pipeline.evaluation.metrics import NAMES

    heads = [f"{name}@{found.k}" for name in NAMES]
    table = Table("", *heads, box=None, pad_edge=False)
    for way, row in found.table().items():
        table.add_row(way, *(escape(str(row[name])) for name in NAMES))
    out.print(table)
    out.print(f"{found.compared} of {asked} queries, those that every row could answer; release {found.release}")
    for item in found.unknown:
        err.print(f"[yellow]not in the release:[/] {escape(item)}")
    reasons: dict[tuple[str, str], int] = {}
    for _, way, why in found.skipped:
        reasons[way, why] = reasons.get((way, why), 0) + 1
    for (way, why), count in reasons.items():
        err.print(f"[yellow]skipped:[/] {count} queries, {way}: {escape(why)}")
