"""Commands that look after a lake: quality."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from pipeline.quality import Finding


_MARKS = {"fail": "[bold red]fail[/]", "warn": "[yellow]warn[/]"}


def quality(
    lake: LakeOption,
    archives: Annotated[list[str] | None, typer.Option("--archive", help="Only this archive; may be repeated.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what is as expected.")] = False,
    as_json: JsonOption = False,
    profile: ProfileOption = "laptop",
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Check the newest tables: keys, references, ranges, vector lengths, and how much came out empty.

    The same checks stand before every release; their results are in the table quality. Exit code 1 when one fails
    that would stop a release.

    [bold]Examples[/]

    figlake quality --lake ./lake

    figlake quality --archive EPRTBJV2019000007001001 --all --lake ./lake

    figlake quality --set quality.figures_without_links=0.2 --set quality.fail=keys,references,shares --lake ./lake
    """
    with clean_errors():
        from pipeline import quality as checks
        from pipeline.errors import UsageError
        from pipeline.publishing.draft import snapshot
        from pipeline.registry import known

        settings = settings_of(profile, config, overrides)
        target = lake_at(lake, settings)
        if unknown := sorted(set(archives or ()) - set(known(target))):
            raise UsageError(f"--archive {unknown[0]}: no such archive in the lake")
        found = checks.check(snapshot(target), settings.quality, archives or None)
        failed = checks.failures(found)
        if as_json:
            typer.echo(json.dumps([_plain(finding) for finding in found], ensure_ascii=False))
        else:
            _print_findings(found, everything)
        checks.record(target, found)
    raise typer.Exit(1 if failed else 0)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(quality)


def _plain(finding: Finding) -> dict[str, object]:
    return {
        "expectation": finding.expectation.name, "kind": finding.expectation.kind, "table": finding.expectation.table,
        "archive": finding.archive, "checked": finding.checked, "failed": finding.failed,
        "allowed": finding.expectation.allowed, "severity": finding.severity, "passed": finding.passed,
        "examples": list(finding.examples),
    }  # fmt: skip


def _print_findings(findings: list[Finding], everything: bool) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "archive", "expectation", "failed", "of", "allowed", "such as", box=None, pad_edge=False)
    for found in findings:
        if found.passed and not everything:
            continue
        mark = "[green]ok[/]" if found.passed else _MARKS[found.severity]
        allowed = f"{found.expectation.allowed:.0%}" if found.expectation.allowed else "–"
        such = escape(", ".join(found.examples[:2])) if not found.passed else ""
        table.add_row(
            mark, found.archive, found.expectation.name, f"{found.failed:,}", f"{found.checked:,}", allowed, such
        )
    if table.row_count:
        out.print(table)
    good = sum(found.passed for found in findings)
    out.print(f"{good:,} of {len(findings):,} expectations hold")
