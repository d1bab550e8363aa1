"""Command that tells an orchestrator what there is to do: pending."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from jobs.ingest import ArchivesOption, chosen_steps
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


def pending(
    lake: LakeOption,
    archives: ArchivesOption = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="STEP", help="First step to ask about; earlier ones must be done.")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="STEP", help="Last step to ask about.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Only deliveries whose names the lake does not know yet.")] = False,
    as_json: JsonOption = False,
    profile: ProfileOption = "laptop",
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Name the archives with work to do: new deliveries, and known ones whose steps are pending.

    Changes nothing. With --json, one line: the names, and how many archives there are in all.

    [bold]Examples[/]

    figlake pending --archives deliveries/ --lake ./lake

    figlake pending --new --archives deliveries/ --lake ./lake

    figlake pending --from encode --json --lake ./lake
    """
    with clean_errors():
        from pipeline import registry
        from pipeline.pending import deliveries, new_deliveries, pending_archives

        settings = settings_of(profile, config, overrides)
        steps = chosen_steps(first, last)
        target = lake_at(lake, settings, must_exist=False)
        delivered = deliveries(archives or [], settings.storage)
        names = new_deliveries(target, delivered) if new else pending_archives(target, settings, delivered, steps)
        if as_json:
            every = {*registry.known(target), *(source.name for source in delivered)}
            typer.echo(json.dumps({"pending": names, "archives": len(every)}))
            return
        for name in names:
            out.print(name)
        if not names:
            out.print("nothing is new" if new else "nothing is pending")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(pending)
