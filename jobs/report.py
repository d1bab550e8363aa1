"""Commands that tell how a night went: report and metrics."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

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

_UNITS = {"h": "hours", "d": "days"}


def report(
    lake: LakeOption,
    page: Annotated[Path, typer.Option("--out", help="HTML file to write.")] = Path("report.html"),
    since: Annotated[
        str | None, typer.Option("--since", help="Only runs from then on: 24h, 7d or a date. Default: all.")
    ] = None,
    profile: ProfileOption = "laptop",
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Write one page about the night: counts, steps, rejects with examples, slowest documents, quality, drift, cost.

    [bold]Examples[/]

    figlake report --since 24h --out night.html --lake ./lake

    figlake report --since 2026-11-20 --set cost.cpu_hour=0.03 --lake ./lake
    """
    with clean_errors():
        from pipeline.report.facts import night
        from pipeline.report.page import page as page_of

        settings = settings_of(profile, config, overrides)
        found = night(lake_at(lake, settings), settings, moment(since))
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(page_of(found), encoding="utf-8")
        out.print(f"{page}  ({len(found.archives):,} archives, {len(found.failures):,} failures)")


def metrics(
    lake: LakeOption,
    serve: Annotated[int | None, typer.Option("--serve", metavar="PORT", help="Answer scrapes until ended.")] = None,
    host: Annotated[str, typer.Option("--host", help="Address to serve at.")] = "127.0.0.1",
    profile: ProfileOption = "laptop",
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Print the lake's Prometheus metrics, or serve them at /metrics: rows, rejects, rates, queue, release, drift.

    A service reads the lake every minute, so a scrape does not wait for it.

    [bold]Examples[/]

    figlake metrics --lake ./lake > /var/lib/node_exporter/figlake.prom

    figlake metrics --serve 9464 --lake ./lake
    """
    with clean_errors():
        from prometheus_client import generate_latest, start_http_server

        from pipeline.report.metrics import LakeCollector, registry

        settings = settings_of(profile, config, overrides)
        collector = LakeCollector(
            lake_at(lake, settings, must_exist=serve is None), settings
        )  # a service may come first
        found = registry(collector)
        if serve is None:
            collector.read()
            typer.echo(generate_latest(found).decode(), nl=False)
            return
        from pipeline.errors import UsageError

        try:
            server, thread = start_http_server(serve, host, registry=found)
        except OSError as error:
            raise UsageError(f"cannot serve at {host}:{serve}: {error.strerror}") from None
        collector.read_on(lambda text: err.print(f"the lake could not be read: {text}", markup=False))
        err.print(f"serving http://{host}:{server.server_port}/metrics; Ctrl-C ends it")
        thread.join()


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(report)
    app.command()(metrics)


def moment(text: str | None, now: datetime | None = None) -> datetime | None:
    """The moment that ``--since`` names. Raises UsageError when it names none."""
    from pipeline.errors import UsageError

    if text is None:
        return None
    if found := re.fullmatch(r"(\d+)([hd])", text):
        return (now or datetime.now(UTC)) - timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--since {text!r} is no moment; give 24h, 7d or a date such as 2026-11-20") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
