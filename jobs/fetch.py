"""The command that brings deliveries in: fetch."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.options import ConfigOption, JsonOption, ProfileOption, SetOption, clean_errors, err, out, settings_of

if TYPE_CHECKING:
    from pipeline.fetch import Fetched, Offer, Source
    from pipeline.fetch.transport import Transport
    from pipeline.storage import Storage

#: How often a log is told how far a download is.
_SAY_S = 60.0


def fetch(
    to: Annotated[
        str, typer.Option("--to", metavar="URI", help="Folder, made if it is missing, or bucket for the archives.")
    ],
    product: Annotated[
        str | None,
        typer.Option("--product", metavar="N", help="A product of the EPO's bulk data service: 32 is EP full text."),
    ] = None,
    origin: Annotated[
        str | None, typer.Option("--from", metavar="URI", help="A folder or a bucket that somebody fills.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="Everything published from this day on.")
    ] = None,
    match: Annotated[
        list[str] | None,
        typer.Option("--match", metavar="PATTERN", help="File names to take, not zips and tars."),
    ] = None,
    at_most: Annotated[int | None, typer.Option("--max", min=1, help="Files at most, the oldest first.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also what rests because its checksum was wrong within the last half day.")
    ] = False,
    only_list: Annotated[bool, typer.Option("--list", help="Say what would be fetched, and fetch nothing.")] = False,
    as_json: JsonOption = False,
    profile: ProfileOption = "laptop",
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Fetch new deliveries: resumed where they broke off, checked against their SHA-1, whole or not there.

    The first call takes the newest delivery only; --since takes more. Later calls take what has come since; a --since
    with --match or --max is for that call alone.
    Products that need an account: set FIGLAKE_BDDS_USER and FIGLAKE_BDDS_PASSWORD.

    [bold]Examples[/]

    figlake fetch --product 32 --to ./archives

    figlake fetch --product 32 --to ./archives --since 2026-01-01 --list

    figlake fetch --from s3://bucket/deliveries --to ./archives --match 'I2026*.tar'

    figlake fetch --product 32 --to s3://figlake/deliveries
    """
    with clean_errors():
        from pipeline.fetch.transport import Transport
        from pipeline.fetch.work import ARCHIVES
        from pipeline.storage import Storage

        settings = settings_of(profile, config, overrides)
        transport = Transport(settings.fetch)
        source, place = _source(product, origin, transport, settings.storage), Storage.at(to, settings.storage)
        begin, patterns = _day(since), tuple(match or ())
        if only_list:
            _print_offers(source, place, begin, patterns, at_most, again, as_json)
            return
        done = _fetch(source, place, transport, since=begin, match=patterns or ARCHIVES, at_most=at_most, again=again)
        if as_json:
            tree = {
                "files": [_place_of(path, place) for path in done.files],
                "failed": dict(done.failures),
                "known": done.known,
            }
            typer.echo(json.dumps(tree))
        else:
            _print_done(done, place)
    raise typer.Exit(1 if done.failures else 0)


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(fetch)


def _source(product: str | None, origin: str | None, transport: Transport, options: Any) -> Source:
    from pipeline.errors import UsageError
    from pipeline.fetch.bdds import Bdds, product_number
    from pipeline.fetch.sources import StorageSource
    from pipeline.storage import Storage

    if (product is None) == (origin is None):
        raise UsageError("where from? give either --product N or --from URI")
    if product is not None:
        return Bdds(product_number(product), transport)
    return StorageSource(Storage.at(str(origin), options))


def _day(text: str | None) -> datetime | None:
    from pipeline.errors import UsageError

    try:
        return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise UsageError(f"--since {text}: give a day such as 2026-01-31") from None


def _fetch(source: Source, to: Storage, transport: Transport, **options: Any) -> Fetched:
    """With a progress bar for each file where a person looks on; ``options`` are those of ``fetch``."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    from pipeline.fetch.bucket import fetch_into

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, disable=not err.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        said = time.monotonic()

        def show(offer: Offer, done: int, total: int | None) -> None:
            nonlocal said
            if offer.name not in tasks:
                tasks[offer.name] = bars.add_task(offer.name)
            bars.update(tasks[offer.name], completed=done, total=total or offer.about_bytes)
            if not err.is_terminal and time.monotonic() - said > _SAY_S:  # a log shows no bars, and hours of nothing
                said, whole = time.monotonic(), total or offer.about_bytes
                err.print(f"{offer.name}: {done / 1e6:,.1f} MB" + (f" of {whole / 1e6:,.1f} MB" if whole else ""))

        return fetch_into(source, to, transport, progress=show, **options)


def _print_offers(
    source: Source, to: Storage, since: datetime | None, match: tuple[str, ...], at_most: int | None, again: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """What would be fetched, and beside it what rests."""
    from rich.table import Table

    from pipeline.fetch.bucket import read_record
    from pipeline.fetch.work import ARCHIVES, parted, wanted

    record = read_record(to)
    new = wanted(source.offers(), record, since, match or ARCHIVES)
    rests, taken = parted(new, record, at_most, again)
    new = [offer for offer in new if offer in taken or offer.name in rests]
    if as_json:
        rows = [
            {
                "name": o.name,
                "delivery": o.delivery,
                "published": o.published.isoformat(),
                "about_bytes": o.about_bytes,
                "rests_until": rests[o.name].isoformat() if o.name in rests else None,
            }
            for o in new
        ]
        typer.echo(json.dumps(rows))
        return
    table = Table("file", "delivery", "published", "size", box=None, pad_edge=False)
    for offer in new:
        size = f"{offer.about_bytes / 1e6:,.1f} MB" if offer.about_bytes is not None else "–"
        size += f", rests until {rests[offer.name]:%H:%M} UTC: its checksum was wrong" if offer.name in rests else ""
        table.add_row(offer.name, offer.delivery, f"{offer.published:%Y-%m-%d %H:%M}", size)
    out.print(table if new else "nothing new")


def _place_of(path: Path, to: Storage) -> str:
    return str(path) if to.is_local else to.uri(path.name)


def _print_done(done: Fetched, to: Storage) -> None:
    from rich.markup import escape

    for path in done.files:
        out.print(f"{_place_of(path, to)}: {(to.size(path.name) or 0) / 1e6:,.1f} MB")
    for name, why in done.failures:
        err.print(f"[bold red]failed:[/] {escape(why if name in why else f'{name}: {why}')}")
    if not done.files and not done.failures:
        out.print(f"nothing new; {done.known} files have come to {to.root} before" if done.known else "nothing new")
