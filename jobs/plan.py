"""The command plan: what a run will take, before it starts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.ingest import ArchivesOption
from jobs.options import ConfigOption, JsonOption, ProfileOption, SetOption, clean_errors, lake_at, out, settings_of

if TYPE_CHECKING:
    from pipeline.planning import Plan

_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")
_KILO = 1000.0


def plan(
    lake: Annotated[
        str | None,
        typer.Option("--lake", envvar="FIGLAKE_LAKE", help="Lake whose past runs say what a document takes."),
    ] = None,
    archives: ArchivesOption = None,
    more: Annotated[list[str] | None, typer.Argument(metavar="[ARCHIVE]...", help="More archives.")] = None,
    only: Annotated[list[str] | None, typer.Option("--only", metavar="ARCHIVE", help="Only this archive.")] = None,
    documents: Annotated[
        int | None, typer.Option("--documents", min=1, help="So many new documents, instead of archives.")
    ] = None,
    gpus: Annotated[
        float, typer.Option("--gpus", min=0, help="Accelerators of each machine; only steps measured on one count.")
    ] = 0,
    machines: Annotated[int, typer.Option("--machines", min=1, help="Machines like the one measured.")] = 1,
    as_json: JsonOption = False,
    profile: ProfileOption = "laptop",
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Print hours, memory, bytes and cost of each step, and the index's recipe, before anything starts.

    Rates are those that the lake's own runs were measured at, else the reference that ships with figlake. Of archives
    only the directories are read; what the lake has done already is left out.

    [bold]Examples[/]

    figlake plan --archives epo/ --lake ./lake

    figlake plan --documents 100000 --machines 8 --set indexing.memory_mb=4000

    figlake plan --documents 6000000 --gpus 4 --lake s3://bucket/lake --profile cluster --json
    """
    with clean_errors():
        from pipeline.archives import discover
        from pipeline.errors import UsageError
        from pipeline.pending import deliveries
        from pipeline.planning import plan_archives, plan_documents, rates_of, standing_documents

        settings = settings_of(profile, config, overrides)
        uris = [*(archives or []), *(more or [])]
        if bool(uris) == (documents is not None):
            raise UsageError("say what is to come: either --archives or --documents")
        # A lake that the first run will make has measured nothing yet.
        target = lake_at(lake, settings, must_exist=False) if lake else None
        target = target if target and target.version("runs") is not None else None
        rates = rates_of(target)
        if documents is not None:
            standing = sum(standing_documents(target).values()) if target else 0
            found = plan_documents(documents, rates, settings, standing=standing, gpus=gpus, machines=machines)
        else:
            sources = deliveries(uris, settings.storage) if only else discover(uris, settings.storage)
            if not sources:
                raise UsageError(f"no archive found in: {', '.join(uris)}")
            names = [source.name for source in sources]
            if unknown := sorted(set(only or []) - set(names)):
                raise UsageError(f"--only {unknown[0]}: no such archive here; there are: {', '.join(names)}")
            sources = [source for source in sources if not only or source.name in only]
            found = plan_archives(sources, target, rates, settings, gpus=gpus, machines=machines)
        if as_json:
            typer.echo(json.dumps(found.plain(), ensure_ascii=False))
        else:
            _show(found)


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(plan)


def _show(found: Plan) -> None:
    from rich.markup import escape
    from rich.table import Table

    what = f" in {len(found.archives):,} archive(s)" if found.archives else ""
    out.print(f"[bold]{found.documents:,} documents{what}[/]\n")
    table = Table("step", "documents", "time", "from … to", "memory", "stored", "cost", "measured", box=None)
    for column in table.columns[1:-1]:
        column.justify = "right"
    for name, step in found.steps.items():
        span = f"{duration(step.hours_low)} … {duration(step.hours_high)}"
        memory = size(step.memory_mb * 2**20) if step.memory_mb else "–"
        table.add_row(
            name, f"{step.documents:,}", duration(step.hours), span,
            memory, size(step.bytes), f"{step.cost:,.2f} {found.currency}",
            f"in {step.measured_runs} run(s)" if step.measured_runs else "reference",
        )  # fmt: skip
    total = found.total
    table.add_section()
    table.add_row(
        "all", "", duration(total["hours"]), f"{duration(total['hours_low'])} … {duration(total['hours_high'])}", "",
        size(total["bytes"]), f"{total['cost']:,.2f} {found.currency}", "", style="bold",
    )  # fmt: skip
    out.print(table)
    if found.index:
        out.print("\n[bold]The index when all is done[/]\n")
        table = Table("modality", "vectors", "recipe", "stored", "in memory", "a query on one core", box=None)
        for name, index in found.index.items():
            memory = "–" if index.memory_mb is None else size(index.memory_mb * 2**20)
            latency = "–" if index.latency_ms is None else f"{index.latency_ms:,.1f} ms"
            table.add_row(name, f"{index.vectors:,}", escape(index.recipe), size(index.bytes), memory, latency)
        out.print(table)
    out.print("")
    for line in found.assumptions:
        out.print(f"• {escape(line)}")


def duration(hours: float) -> str:
    """In the unit that a reader thinks in."""
    seconds = hours * 3600
    for limit, unit, divisor in ((120, "s", 1), (7200, "min", 60), (48 * 3600, "h", 3600)):
        if seconds < limit:
            return f"{seconds / divisor:.3g} {unit}"
    return f"{seconds / 86400:,.1f} d"


def size(count: float) -> str:
    """Bytes in decimal units."""
    for unit in _UNITS:
        if count < _KILO or unit == _UNITS[-1]:
            return f"{count:.3g} {unit}"
        count /= _KILO
    raise AssertionError
