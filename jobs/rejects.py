"""The command about what could not be taken in: rejects."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from jobs.options import (
    ConfigOption,
    JsonOption,
    LakeOption,
    ProfileOption,
    SetOption,
    clean_errors,
    lake_at,
    out,
    settings_of,
)


def rejects(
    lake: LakeOption,
    expire: Annotated[
        int | None, typer.Option("--expire", metavar="DAYS", min=1, help="Forget those last seen longer ago.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --expire: only count.")] = False,
    as_json: JsonOption = False,
    profile: ProfileOption = "laptop",
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Count what could not be taken in, by archive, step and reason; or forget what nobody will replay any more.

    Forgetting changes no document and makes no step run again. Their rows are in the table rejects until then.

    [bold]Examples[/]

    figlake rejects --lake ./lake

    figlake rejects --expire 365 --lake ./lake
    """
    with clean_errors():
        from collections import Counter

        from rich.table import Table

        from pipeline.rejects import expire as forget

        target = lake_at(lake, settings_of(profile, config, overrides))
        if expire is not None:
            gone = forget(target, datetime.now(UTC) - timedelta(days=expire), dry_run=dry_run)
            words = f"{gone:,} rejects {'would be' if dry_run else 'were'} forgotten"
            out.print(json.dumps({"forgotten": gone}) if as_json else words)
            return
        rows = target.read("rejects", ["archive", "step", "reason"]).to_pylist()
        counts = Counter((row["archive"], row["step"], row["reason"]) for row in rows)
        if as_json:
            typer.echo(json.dumps([dict(zip(("archive", "step", "reason", "items"), (*key, counts[key]), strict=True))
                                   for key in sorted(counts)]))  # fmt: skip
            return
        table = Table("archive", "step", "reason", "items", box=None, pad_edge=False)
        for key, items in sorted(counts.items()):
            table.add_row(*key, f"{items:,}")
        out.print(table if counts else "nothing was rejected")


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(rejects)
