"""Commands that bring archives in: run, step, replay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from jobs.options import (
    ConfigOption,
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
    from pipeline.archives import ArchiveSource
    from pipeline.config import Settings
    from pipeline.flow import Step
    from pipeline.lake import Lake
    from pipeline.registry import Archive

ArchivesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--archives", help="Zip, tar or folder; or a folder that holds such. Several may follow one --archives."
    ),
]
ReplaceOption = Annotated[bool, typer.Option("--replace", help="Same delivery, corrected: replace what it gave.")]
AsOption = Annotated[str | None, typer.Option("--as", help="Take the one archive in under this name.")]


def run(
    lake: LakeOption,
    archives: ArchivesOption = None,
    more: Annotated[list[str] | None, typer.Argument(metavar="[ARCHIVE]...", help="More archives.")] = None,
    profile: ProfileOption = "laptop",
    config: ConfigOption = None,
    overrides: SetOption = None,
    first: Annotated[str | None, typer.Option("--from", metavar="STEP", help="First step.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="STEP", help="Last step.")] = None,
    only: Annotated[list[str] | None, typer.Option("--only", metavar="ARCHIVE", help="Only this archive.")] = None,
    replace: ReplaceOption = False,
    name: AsOption = None,
) -> None:
    """Bring archives through every step that is pending; run it again and only what is new is done.

    [bold]Examples[/]

    figlake run --archives week07.zip --lake ./lake

    figlake run --archives epo/ uspto/ --lake s3://bucket/lake --profile cluster

    figlake run --lake ./lake --from ocr --to link --only EPRTBJV2019000007001001

    figlake run --lake ./lake --set ocr.engine=easyocr
    """
    with clean_errors():
        from jobs.progress import Board
        from pipeline.local import run_all

        settings = settings_of(profile, config, overrides)
        steps = chosen_steps(first, last)
        target = lake_at(lake, settings, must_exist=not (archives or more))
        names = _register([*(archives or []), *(more or [])], target, settings, name, replace)
        names = _restrict(names, only)
        with Board(err) as board:
            summary = run_all(target, settings, names, steps, board.take)
        board.summarise(out, target, settings, summary)
    raise typer.Exit(summary.exit_code)


def step(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the step; `figlake steps` lists them.")],
    lake: LakeOption,
    archive: Annotated[
        str | None, typer.Option("--archive", help="Archive; left out for a step of the whole lake.")
    ] = None,
    archives: ArchivesOption = None,
    profile: ProfileOption = "laptop",
    config: ConfigOption = None,
    overrides: SetOption = None,
    replace: ReplaceOption = False,
    again: Annotated[
        bool, typer.Option("--again", help="Although it is up to date: what it had written was damaged or lost.")
    ] = False,
) -> None:
    """Run one step on one archive, if it is pending: what an orchestrator calls.

    Without --archive: a step of the whole lake, or encode over all archives.

    [bold]Examples[/]

    figlake step extract --archive EPRTBJV2019000007001001 --archives week07.zip --lake ./lake

    figlake step ocr --archive EPRTBJV2019000007001001 --lake ./lake

    figlake step encode --archive EPRTBJV2019000007001001 --again --lake ./lake

    figlake step publish --lake ./lake
    """
    with clean_errors():
        from pipeline import registry
        from pipeline.errors import UsageError
        from pipeline.flow import covers_lake
        from pipeline.local import run_all

        settings = settings_of(profile, config, overrides)
        chosen = chosen_steps(name, name)[0]
        if archive is None and not covers_lake(chosen):
            raise UsageError(f"the step {name} works on one archive: give --archive")
        if archive is not None and chosen.scope == "lake":
            raise UsageError(f"the step {name} works on the lake as a whole: leave out --archive")
        target = lake_at(lake, settings, must_exist=not archives)
        if archives:
            _register(archives, target, settings, None, replace, wanted=archive)
        if archive is not None and archive not in (known := registry.known(target)):
            some = ", ".join([*list(known)[:5], *(["…"] if len(known) > 5 else [])])
            raise UsageError(f"the lake knows no archive {archive!r}; it knows: {some or 'none'}")
        from jobs.progress import Board

        with Board(err) as board:
            alone = archive is not None
            names = [archive] if archive else []
            summary = run_all(target, settings, names, (chosen,), board.take, again=again, alone=alone)
        if all(report.state == "skipped" and not report.over_limit for report in summary.reports):
            of = [report.archive for report in summary.reports]  # the board has said the rest
            out.print(f"nothing to do: {name} of {of[0] if len(of) == 1 else f'{len(of)} archives'} is up to date")
    raise typer.Exit(summary.exit_code)


def steps() -> None:
    """List the steps in order: engine, scope, tables read and written.

    [bold]Example[/]

    figlake steps
    """
    from rich.table import Table

    from pipeline.flow import STEPS

    table = Table("step", "engine", "scope", "reads", "writes", "what it does", box=None, pad_edge=False)
    for each in STEPS:
        table.add_row(each.name, each.engine, each.scope, ", ".join(each.reads), ", ".join(each.writes), each.summary)
    out.print(table)


def replay(
    lake: LakeOption,
    archive: Annotated[str, typer.Option("--archive", help="Archive whose rejects to run again.")],
    name: Annotated[str, typer.Option("--step", help="Step whose rejects to run again.")] = "extract",
    reason: Annotated[str | None, typer.Option("--reason", help="Only rejects with this reason.")] = None,
    source: Annotated[
        str | None, typer.Option("--with", metavar="FILE", help="Read the items from this file instead.")
    ] = None,
    profile: ProfileOption = "laptop",
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Run rejected items again and merge what now passes into the archive's tables.

    [bold]Examples[/]

    figlake replay --archive EPRTBJV2019000007001001 --lake ./lake

    figlake replay --archive EPRTBJV2019000007001001 --with repaired.zip --lake ./lake

    figlake replay --archive I20250626 --step ocr --reason out_of_memory --lake ./lake
    """
    with clean_errors():
        from jobs.progress import Board
        from pipeline.replay import replay_rejects

        settings = settings_of(profile, config, overrides)
        target = lake_at(lake, settings)
        chosen_steps(name, name)
        with Board(err) as board:
            summary = replay_rejects(target, settings, archive, name, reason, source, board.take)
        if not summary.reports:
            out.print(f"{archive}: no rejects of step {name} to run again")
    raise typer.Exit(summary.exit_code)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(run)
    app.command()(step)
    app.command()(steps)
    app.command()(replay)


def chosen_steps(first: str | None, last: str | None) -> tuple[Step, ...]:
    """The steps from first to last. Raises UsageError for a name that is no step, or a wrong order."""
    from pipeline.errors import UsageError
    from pipeline.flow import BY_NAME, steps_between

    try:
        return steps_between(first, last)
    except KeyError as error:
        raise UsageError(f"no step is called {error.args[0]!r}; the steps are: {', '.join(BY_NAME)}") from None
    except ValueError:
        raise UsageError(f"--from {first} comes after --to {last}") from None


def _register(
    uris: list[str], lake: Lake, settings: Settings, name: str | None, replace: bool, wanted: str | None = None
) -> list[str]:
    """Register the deliveries named on the command line; with none, all that the lake knows."""
    from pipeline import registry
    from pipeline.archives import discover
    from pipeline.errors import UsageError
    from pipeline.pending import deliveries

    if not uris:
        return list(registry.known(lake))
    # An orchestrator names all places where deliveries may lie.
    sources = deliveries(uris, settings.storage) if wanted else registry.refuse_twins(discover(uris, settings.storage))
    if wanted is not None:
        sources = registry.refuse_twins(_wanted(wanted, sources, uris, registry.known_one(lake, wanted)))
        name = wanted
        if not sources and registry.known_one(lake, wanted) is not None:
            return [wanted]  # it came from elsewhere, a backfill's folder perhaps
    if not sources:
        raise UsageError(f"no archive found in: {', '.join(uris)}")
    if name is not None and len(sources) > 1:
        raise UsageError(f"--as names one archive, but {len(sources)} were given")
    names = []
    for source in sources:
        try:
            names.append(registry.register(lake, source, name=name, replace_content=replace).name)
        except registry.ChangingError as error:
            if len(sources) == 1:
                raise
            err.print(f"left out: {error}", markup=False)
    return names


def _wanted(
    name: str, sources: list[ArchiveSource], uris: list[str], before: Archive | None
) -> list[ArchiveSource]:  # fmt: skip
    """The one of this name; else where it came from; else a single file that is named itself, to be called so."""
    from pipeline.storage import Storage

    if found := [source for source in sources if source.name == name]:
        return found
    if before is not None and (found := [source for source in sources if source.uri == before.uri]):
        return found
    return sources if [source.uri for source in sources] == [Storage.at(uri).root for uri in uris] else []


def _restrict(names: list[str], only: list[str] | None) -> list[str]:
    from pipeline.errors import UsageError

    if unknown := sorted(set(only or []) - set(names)):
        raise UsageError(f"--only {unknown[0]}: no such archive here; known: {', '.join(names) or 'none'}")
    return [name for name in names if not only or name in only]
