"""Commands that look after a lake: releases, rollback, compact, clean, migrate."""

from __future__ import annotations

import json
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


def releases(
    lake: LakeOption,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove those that publish.keep and keep_days let go.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read every file of the current one and compare its SHA-256.")
    ] = False,
    as_json: JsonOption = False,
    profile: ProfileOption = "laptop",
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """List the releases, newest first; the current one is marked.

    [bold]Examples[/]

    figlake releases --lake ./lake

    figlake releases --prune --lake ./lake

    figlake releases --verify --lake ./lake
    """
    with clean_errors():
        from rich.table import Table

        from pipeline.publishing import pointer

        settings = settings_of(profile, config, overrides)
        target = lake_at(lake, settings)
        removed = pointer.prune(target, settings.publish) if prune else []
        if verify:
            from pipeline.search import open_release

            open_release(target, settings, verify=True)
        current, found = pointer.current(target), pointer.list_releases(target)
        if as_json:
            typer.echo(json.dumps({"current": current, "releases": found, "removed": removed}, default=str))
            return
        table = Table("", "release", "published", "figures", "recall@10", box=None, pad_edge=False)
        for each in found:
            table.add_row(
                "→" if each["release"] == current else "",
                each["release"],
                str(each["published_at"]),
                f"{each['figures']:,}",
                "–" if each["recall"] is None else f"{each['recall']:.3f}",
            )
        out.print(table if found else "no release yet; `figlake run` publishes one")
        if verify:
            out.print("every file of the current release is the one that was published")
        if prune:
            out.print(f"removed: {', '.join(removed) or 'none'}")


def rollback(
    lake: LakeOption,
    to: Annotated[str | None, typer.Argument(metavar="[RELEASE]", help="Default: the one before.")] = None,
    config: ConfigOption = None,
) -> None:
    """Point CURRENT at an earlier release. Nothing is removed; services pick it up at their next look.

    [bold]Examples[/]

    figlake rollback --lake ./lake

    figlake rollback 20261120-1f2e3d4c --lake ./lake
    """
    with clean_errors():
        from pipeline.publishing import pointer

        settings = settings_of("laptop", config, None)
        out.print(f"current release: {pointer.rollback(lake_at(lake, settings), to)}")


def clean(
    lake: LakeOption,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    profile: ProfileOption = "laptop",
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Remove files that no table version in use names: leftovers of killed workers and old versions.

    Files younger than lake.retention_hours stay, and so do the versions that a kept release names.

    [bold]Example[/]

    figlake clean --lake ./lake --dry-run
    """
    with clean_errors():
        from pipeline.publishing import pointer

        settings = settings_of(profile, config, overrides)
        target = lake_at(lake, settings)
        keep = pointer.kept_versions(target)
        gone = target.clean(settings.lake.retention_hours, keep, dry_run=dry_run)
        out.print(f"{gone} file(s) {'would be' if dry_run else 'were'} removed")


def compact(
    lake: LakeOption,
    as_json: JsonOption = False,
    profile: ProfileOption = "laptop",
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Take withdrawn documents out of the tables, merge small shards of the index. The next release uses the result.

    A modality's small shards are merged when it has more than indexing.shards; a shard is made anew when it holds a
    withdrawn document, or when a tenth of its rows are dead. Nothing is decoded or trained. Killed, it leaves nothing.
    The ledger's many small files become one a month.

    [bold]Examples[/]

    figlake compact --lake ./lake && figlake run --lake ./lake

    figlake compact --set indexing.shards=8 --lake ./lake
    """
    with clean_errors():
        from dataclasses import asdict

        from pipeline.publishing.compaction import compact as run_compaction
        from pipeline.withdrawal import purge

        settings = settings_of(profile, config, overrides)
        target = lake_at(lake, settings)
        done = run_compaction(target, settings)
        removed = purge(target, settings)  # after the index: the documents' rows say which shards hold them
        for table in ("runs", "quality"):  # a file for each row; every step reads the first
            target.gather(table)
        if as_json:
            typer.echo(json.dumps({"index": [asdict(each) for each in done], "rows_removed": removed}))
            return
        if removed:
            out.print(f"rows of withdrawn documents removed: {', '.join(f'{n} {c:,}' for n, c in removed.items())}")
        for each in done:
            out.print(
                f"{each.modality}: {each.shards_before} → {each.shards_after} shards, "
                f"{each.rows_before:,} → {each.rows_after:,} rows"
            )
        out.print("`figlake run` publishes it" if done or removed else "nothing to compact")


def migrate(lake: LakeOption, config: ConfigOption = None) -> None:
    """Add the columns that this version of figlake knows and the stored tables lack.

    [bold]Example[/]

    figlake migrate --lake ./lake
    """
    with clean_errors():
        from schemas import TABLES

        target = lake_at(lake, settings_of("laptop", config, None))
        for table in TABLES:
            if target.version(table) is not None and (added := target.migrate(table)):
                out.print(f"{table}: added {', '.join(added)}")
        out.print("tables are current")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (releases, rollback, compact, clean, migrate):
        app.command()(command)
