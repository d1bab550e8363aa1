"""What a run shows while it works, and the table at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.lake import Lake
    from pipeline.local import RunSummary
    from pipeline.runner import StepReport

_COLOURS = {"done": "green", "skipped": "dim", "failed": "bold red"}


class Board:
    """Takes the runner's events: bars on a terminal, one line per finished task either way."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.progress = Progress(
            TextColumn("{task.fields[step]:<9}"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.bars: dict[tuple[str, str], TaskID] = {}

    def __enter__(self) -> Board:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def take(self, event: dict[str, Any]) -> None:
        """One event of the runner."""
        kind = event["event"]
        if kind == "report":
            from pipeline.runner import StepReport

            report = StepReport(**{k: v for k, v in event.items() if k != "event"})
            bar = self.bars.pop((report.step, report.archive), None)
            if bar is not None:
                self.progress.remove_task(bar)
            if report.state != "skipped" or report.over_limit:
                self.progress.console.print(self.line(report))
        elif kind in ("start", "progress"):
            key = (event["step"], event["archive"])
            if key not in self.bars:
                self.bars[key] = self.progress.add_task(event["archive"], step=event["step"], total=None)
            if kind == "progress":
                self.progress.update(self.bars[key], completed=event["done"], total=event["total"])

    @staticmethod
    def line(report: StepReport) -> str:
        """A finished task in one line."""
        from rich.markup import escape

        colour = _COLOURS[report.state]
        text = f"[{colour}]{report.state:<7}[/] {report.step:<9} {report.archive}"
        if report.state == "done":
            rows = ", ".join(f"{count:,} {table}" for table, count in report.rows_out.items())
            text += f"  {rows or 'ok'}  [dim]{report.seconds:.1f} s[/]"
            if report.rejects:
                text += f"  [yellow]{report.rejects} rejected[/]"
            if report.over_limit:
                text += " [bold yellow](over the limit)[/]"
        elif report.over_limit:
            text += (
                f"  [bold yellow]{report.rejects} rejected, over the limit[/]: `figlake rejects` says why; replay "
                "them, or raise lake.rejects_limit"
            )
        elif report.state == "failed":
            text += f"  {escape(report.error)}"
        return text

    @staticmethod
    def summarise(console: Console, lake: Lake, settings: Settings, summary: RunSummary) -> None:
        """The table after a run: what the lake holds now, and the seconds each step took."""
        if summary.reports and all(report.state == "skipped" for report in summary.reports):
            archives = len({r.archive for r in summary.reports if r.archive != "_lake"})
            console.print(f"nothing to do: {archives} archive(s) are up to date in {lake.storage.root}")
            return
        from pipeline.status import lake_status

        status = lake_status(lake, settings)
        table = Table(title=f"Lake {lake.storage.root}", box=None, pad_edge=False, title_justify="left")
        table.add_column("what")
        table.add_column("count", justify="right")
        for name, count in totals(status).items():
            table.add_row(name, count)
        console.print(table)
        seconds: dict[str, float] = {}
        for report in summary.reports:
            seconds[report.step] = seconds.get(report.step, 0.0) + report.seconds
        console.print("seconds per step: " + " · ".join(f"{k} {v:.1f}" for k, v in seconds.items() if v))


def totals(status: dict[str, Any]) -> dict[str, str]:
    """The counts a reader wants first, as text, from a lake's status."""
    rows = {name: table["rows"] for name, table in status["tables"].items()}
    release = status["release"] or {}
    recalls = [value for value in release_recalls(release).values() if value is not None]
    return {
        "documents": f"{rows['documents']:,}",
        "sheets": f"{rows['sheets']:,}",
        "figures": f"{rows['figures']:,}",
        "regions": f"{rows['regions']:,}",
        "signs": f"{rows['signs']:,}",
        "links": f"{rows['links']:,}",
        "vectors": f"{sum(count for name, count in rows.items() if name.endswith('_vectors')):,}",
        "rejects": f"{rows['rejects']:,}",
        "release": release.get("release", "none yet"),
        "recall@10": f"{min(recalls):.3f}" if recalls else "–",
    }


def release_recalls(release: dict[str, Any]) -> dict[str, float | None]:
    """Measured recall@10 by modality from a manifest."""
    return {name: part.get("recall_at_10") for name, part in release.get("modalities", {}).items()}
