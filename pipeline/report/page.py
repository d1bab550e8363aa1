"""The page: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from pipeline.ledger import Run
from pipeline.report.facts import Night

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --bad: #c62828; --good: #2e7d32; --quiet: #777; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; color: var(--quiet); } td.n, th.n { text-align: right; }
.tiles { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1.5rem 0; }
.tile { border: 1px solid var(--line); border-radius: .5rem; padding: .6rem 1rem; min-width: 8rem; }
.tile b { display: block; font-size: 1.4rem; } .quiet { color: var(--quiet); }
.bad { color: var(--bad); } .good { color: var(--good); }
@media (prefers-color-scheme: dark) { :root { --bad: #ef9a9a; --good: #a5d6a7; --quiet: #999; } }
code, .quiet { overflow-wrap: anywhere; } .wide { overflow-x: auto; } td { overflow-wrap: break-word; }
"""


def page(night: Night) -> str:
    """The night as HTML. Everything that came from an archive is escaped."""
    span = f"{night.since:%Y-%m-%d %H:%M} – {night.until:%Y-%m-%d %H:%M} UTC" if night.since and night.until else "–"
    body = [
        f"<h1>figlake: the night</h1><p class=quiet>{escape(night.lake)} · {span}</p>",
        _verdict(night),
        _tiles(night),
        _section("Steps", _steps(night)),
        _section("Failures", _failures(night.failures)) if night.failures else "",
        _section("Rejects by reason", _rejects(night)),
        _section("Archives", _archives(night)),
        _section("Slowest documents", _slowest_documents(night)),
        _section("Slowest steps", _slowest(night.slowest)),
        _section("Expectations that do not hold", _quality(night)),
        _section("Drift of the codebooks", _drift(night)),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>figlake: the night</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(body)}</body></html>\n"
    )


def _verdict(night: Night) -> str:
    release = night.release["release"] if night.release else None
    told = [
        f"<p class=bad><b>{title}:</b> {escape(_names(runs))}.</p>"
        for title, runs in (("Not done", night.failures), ("Begun and not ended (at work, or killed)", night.unended))
        if runs
    ]
    good = "All that ran is done." if night.steps else "Nothing ran."
    text = "".join(told) or f"<p class=good><b>{good}</b></p>"
    return text + (f"<p>In service: release {escape(release)}.</p>" if release else "<p>Nothing is published yet.</p>")


def _names(runs: Sequence[Run]) -> str:
    return ", ".join(sorted({f"{run.step} of {run.archive}" for run in runs}))


def _tiles(night: Night) -> str:
    total = {name: sum(rows.get(name, 0) for rows in night.archives.values()) for name in ("documents", "links")}
    recall = [
        modality["recall_at_10"]
        for modality in (night.release or {}).get("modalities", {}).values()
        if modality.get("recall_at_10") is not None
    ]
    tiles = [
        ("archives", f"{len(night.archives):,}"), ("documents", f"{total['documents']:,}"),
        ("figures", f"{night.figures:,}"), ("links", f"{total['links']:,}"),
        ("rejects", f"{sum(each.count for each in night.rejects):,}"),
        ("recall@10, lowest", f"{min(recall):.3f}" if recall else "–"),
        ("cost", f"{night.cost:,.2f} {escape(night.currency)}"),
    ]  # fmt: skip
    return f"<div class=tiles>{''.join(f'<div class=tile><b>{value}</b>{name}</div>' for name, value in tiles)}</div>"


def _steps(night: Night) -> str:
    heads = ["step", "#runs", "#failed", "#items in", "#rows out", "#rejects", "#seconds", "#items/s", "#memory, MB",
             "#accelerators busy", f"#{night.currency} per 1,000 figures"]  # fmt: skip
    rows = [
        [
            each.name, f"{each.runs:,}", f"{each.failed:,}", f"{each.rows_in:,}", f"{each.rows_out:,}",
            f"{each.rejects:,}", f"{each.seconds:,.1f}", _number(each.items_per_second), f"{each.memory_mb:,.0f}",
            "–" if each.utilisation is None else f"{each.utilisation:.0%}",
            "–" if each.cost_per_1000_figures is None else f"{each.cost_per_1000_figures:,.4f}",
        ]
        for each in night.steps
    ]  # fmt: skip
    return _table(heads, rows, "Nothing ran.")


def _failures(failures: Sequence[Run]) -> str:
    return _table(["step", "archive", "error"], [[r.step, r.archive, r.detail.get("error", "")] for r in failures], "")


def _rejects(night: Night) -> str:
    rows = [
        [each.step, each.reason, f"{each.count:,}", "\n".join(f"{item}: {detail}" for item, detail in each.examples)]
        for each in night.rejects
    ]
    return _table(["step", "reason", "#items", "such as"], rows, "None.")


def _archives(night: Night) -> str:
    names = ("documents", "sheets", "figures", "links", "rejects")
    rows = [[archive, *(f"{found.get(name, 0):,}" for name in names)] for archive, found in night.archives.items()]
    return _table(["archive", *(f"#{name}" for name in names[:-1]), "#standing rejects"], rows, "None was worked on.")


def _slowest(runs: Sequence[Run]) -> str:
    rows = [[r.step, r.archive, f"{r.seconds or 0:,.1f}", f"{r.rows_in or 0:,}", r.state] for r in runs]
    return _table(["step", "archive", "#seconds", "#items", "state"], rows, "Nothing ran.")


def _slowest_documents(night: Night) -> str:
    rows = [[doc_id, archive, f"{seconds:,.1f}"] for doc_id, archive, seconds in night.slowest_documents]
    return _table(["document", "archive", "#seconds of reading its sheets"], rows, "No sheets were read.")


def _quality(night: Night) -> str:
    rows = [
        [row["severity"], row["archive"], row["expectation"], f"{row['failed']:,} of {row['checked']:,}",
         ", ".join((row["examples"] or [])[:3])]
        for row in night.quality
    ]  # fmt: skip
    return _table(
        ["", "archive", "expectation", "#failed", "such as"],
        rows,
        "All hold." if night.checked else "None was checked.",
    )


def _drift(night: Night) -> str:
    rows = [
        [name, each.codebook, f"{each.rows:,}", "–" if each.error is None else f"{each.error:+.1%}",
         "–" if each.imbalance is None else f"{each.imbalance:.2f} ×", "train anew" if each.retrain else "fits"]
        for name, each in sorted(night.drift.items())
    ]  # fmt: skip
    return _table(["modality", "codebook", "#vectors", "#codes worse by", "#lists more uneven", ""], rows, "None yet.")


def _section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>{content}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]], nothing: str) -> str:
    """Columns whose head begins with # are numbers, set to the right."""
    classes = [" class=n" if head.startswith("#") else "" for head in heads]
    titles = "".join(f"<th{c}>{escape(head.lstrip('#'))}</th>" for c, head in zip(classes, heads, strict=True))
    lines = [
        "<tr>" + "".join(f"<td{c}>{_cell(value)}</td>" for c, value in zip(classes, row, strict=True)) + "</tr>"
        for row in rows
    ]
    return (
        f"<div class=wide><table><tr>{titles}</tr>{''.join(lines)}</table></div>"
        if lines
        else f"<p class=quiet>{escape(nothing)}</p>"
    )


def _cell(value: Any) -> str:
    return escape(str(value)).replace("\n", "<br>")


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
