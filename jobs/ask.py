"""Commands that read a lake: status, search, show, sql."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    import pyarrow as pa

    from pipeline.lake import Lake

ReleaseOption = Annotated[str | None, typer.Option("--release", help="A release other than the current one.")]


def status(
    lake: LakeOption,
    as_json: JsonOption = False,
    profile: ProfileOption = "laptop",
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """How far each archive has come, what the tables hold, and which release is current.

    [bold]Examples[/]

    figlake status --lake ./lake

    figlake status --lake ./lake --json | jq '.archives[].rows.documents'
    """
    with clean_errors():
        from pipeline.status import lake_status

        settings = settings_of(profile, config, overrides)
        found = lake_status(lake_at(lake, settings), settings)
        if as_json:
            typer.echo(json.dumps(found, indent=1, ensure_ascii=False, default=str))
        else:
            _print_status(found)


def search(
    lake: LakeOption,
    image: Annotated[Path | None, typer.Option("--image", help="Picture to search with.")] = None,
    text: Annotated[str | None, typer.Option("--text", help="Words to search with.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="How many hits.")] = 10,
    fusion: Annotated[
        str | None, typer.Option("--fusion", help="mean, max, calibrated-mean, calibrated-max or reciprocal-rank.")
    ] = None,
    sheet: Annotated[Path | None, typer.Option("--sheet", help="Write the hits as a contact sheet (PNG).")] = None,
    release: ReleaseOption = None,
    as_json: JsonOption = False,
    profile: ProfileOption = "laptop",
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Search the current release by picture, by words, or by both.

    [bold]Examples[/]

    figlake search --text "pump housing with two blades" --lake ./lake

    figlake search --image drawing.tif -k 20 --lake ./lake --sheet hits.png

    figlake search --image drawing.tif --text "cooling fins" --json --lake ./lake
    """
    with clean_errors():
        from pipeline.errors import UsageError
        from pipeline.search import open_release

        if image is None and text is None:
            raise UsageError("nothing to search with: give --image FILE, --text WORDS, or both")
        settings = settings_of(profile, config, overrides)
        opened = open_release(lake_at(lake, settings), settings, release)
        hits = opened.search(image=image, text=text, k=k, fusion=fusion)
        if sheet is not None:
            from pipeline.search.contact_sheet import write_contact_sheet

            write_contact_sheet(opened, hits, sheet)
        if as_json:
            typer.echo(json.dumps(hits.to_json(), ensure_ascii=False))
            return
        _print_hits(opened.name, hits)
        if sheet is not None:
            out.print(f"contact sheet: {sheet}")


def show(
    item: Annotated[str, typer.Argument(metavar="DOC_OR_FIGURE_ID", help="EP3441903A1, or a figure_id.")],
    lake: LakeOption,
    figure: Annotated[str | None, typer.Option("--figure", metavar="LABEL", help="One figure of the document.")] = None,
    page: Annotated[
        Path | None, typer.Option("--out", help="Write the figure's panel: .html (page) or .png (picture).")
    ] = None,
    as_json: JsonOption = False,
    latest: Annotated[bool, typer.Option("--latest", help="Newest tables instead of the release's.")] = False,
) -> None:
    """A document's figures, its reference signs with their part names, and its linked sentences.

    [bold]Examples[/]

    figlake show EP3441903A1 --lake ./lake

    figlake show 'EP3441903A1/imgf0001.tif#1' --lake ./lake --json

    figlake show EP3441903A1 --figure 3 --out page.html --lake ./lake
    """
    with clean_errors():
        from pipeline.show import describe

        settings = settings_of("laptop", None, None)
        target = lake_at(lake, settings)
        if page is not None:
            _write_panel(target, item, figure, page, latest)
            return
        found = describe(target, item, latest=latest)
        if figure is not None:
            from pipeline.show import one_figure

            found = one_figure(found, figure)
        if as_json:
            typer.echo(json.dumps(found, indent=1, ensure_ascii=False, default=str))
        else:
            _print_document(found)


def sql(
    statement: Annotated[str, typer.Argument(metavar="SELECT", help="A DuckDB SELECT; every table is a view.")],
    lake: LakeOption,
    latest: Annotated[bool, typer.Option("--latest", help="Newest tables instead of the release's.")] = False,
    as_json: JsonOption = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows to print.")] = 50,
) -> None:
    """Ask the tables in SQL (DuckDB). Views: documents, figures, signs, links … see docs/tables.md.

    [bold]Examples[/]

    figlake sql "SELECT office, count(*) FROM documents GROUP BY 1" --lake ./lake

    figlake sql "SELECT figure_id, sign, term, text FROM links WHERE term ILIKE '%pump%'" --lake ./lake

    figlake sql "SELECT reason, count(*) FROM rejects GROUP BY 1" --lake ./lake --latest --json
    """
    with clean_errors():
        from pipeline.sql import query
        from pipeline.status import release_versions

        settings = settings_of("laptop", None, None)
        target = lake_at(lake, settings)
        release, versions = (None, None) if latest else release_versions(target)
        found = query(target, statement, versions)
        if as_json:
            typer.echo(json.dumps(found.to_pylist(), ensure_ascii=False, default=_plain))
        else:
            _print_rows(found, limit)
            out.print(f"[dim]{found.num_rows:,} row(s) · {'release ' + release if release else 'newest tables'}[/]")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (status, search, show, sql):
        app.command()(command)


def _write_panel(lake: Lake, item: str, figure: str | None, page: Path, latest: bool) -> None:
    from pipeline.errors import UsageError
    from pipeline.panel import gather_panel, write_page, write_picture

    writers = {".html": write_page, ".png": write_picture}
    if page.suffix.lower() not in writers:
        raise UsageError(f"--out {page}: the name must end in .html or .png")
    panel = gather_panel(lake, item, figure, latest=latest)
    page.parent.mkdir(parents=True, exist_ok=True)
    writers[page.suffix.lower()](panel, page)
    out.print(f"{page}: {panel.figure_id}, {len(panel.marks)} signs read, {len(panel.sentences)} sentences")


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)


def _print_rows(rows: pa.Table, limit: int) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in rows.column_names:
        table.add_column(name, overflow="fold")
    for row in rows.slice(0, limit).to_pylist():
        table.add_row(*(_cell(value) for value in row.values()))
    out.print(table)
    if rows.num_rows > limit:
        out.print(f"… {rows.num_rows - limit:,} more; raise --limit to see them")


def _cell(value: Any) -> str:
    from rich.markup import escape

    if isinstance(value, bytes):
        return f"<{len(value):,} bytes>"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list) and value and isinstance(value[0], float):
        return f"[{len(value)} floats]".replace("[", "\\[")
    return "" if value is None else escape(str(value))


def _print_status(found: dict[str, Any]) -> None:
    from rich.table import Table

    from jobs.progress import totals
    from pipeline.flow import STEPS

    colours = {"done": "green", "failed": "bold red", "stale": "yellow", "interrupted": "yellow", "pending": "dim"}
    order = [step.name for step in STEPS]
    table = Table("archive", "documents", "rejects", "steps", box=None, pad_edge=False)
    lake_wide = {"steps": found["lake_steps"], "rows": {"documents": "", "rejects": ""}}
    for name, archive in {**found["archives"], "the whole lake": lake_wide}.items():
        steps = {step: archive["steps"][step]["state"] for step in order if step in archive["steps"]}
        behind = [f"{step} [{colours[state]}]{state}[/]" for step, state in steps.items() if state != "done"]
        rows = archive["rows"]
        table.add_row(name, str(rows["documents"]), str(rows["rejects"]), " · ".join(behind) or "[green]all done[/]")
    out.print(table)
    for name, archive in found["archives"].items():
        for step, facts in archive["steps"].items():
            if facts["error"]:
                out.print(f"[red]{name} {step}:[/] {facts['error']}")
    out.print(" · ".join(f"{name} {count}" for name, count in totals(found).items()))


def _print_hits(release: str, hits: Sequence[Any]) -> None:
    from rich.table import Table

    table = Table("#", "score", "document", "figure", "title", "linked sentence", box=None, pad_edge=False)
    for rank, hit in enumerate(hits, 1):
        sentence = hit.sentences[0] if hit.sentences else ""
        table.add_row(
            str(rank), f"{hit.score:.3f}", hit.doc_id, hit.label or "–", _cell(hit.title), _cell(sentence[:160])
        )
    out.print(table)
    out.print(f"[dim]release {release}[/]")


def _print_document(found: dict[str, Any]) -> None:
    from rich.table import Table

    out.print(f"[bold]{found['doc_id']}[/]  {_cell(found['title'])}  [dim]{found['publication_date'] or ''}[/]")
    figures = Table(
        "figure", "label", "source", "box", "caption", box=None, pad_edge=False, title="Figures", title_justify="left"
    )
    for figure in found["figures"]:
        figures.add_row(
            figure["figure_id"],
            figure["label"] or "–",
            figure["label_source"],
            "{x0},{y0} – {x1},{y1}".format(**figure),
            _cell(figure["caption"]),
        )
    out.print(figures)
    signs = Table(
        "sign",
        "part",
        "mentions",
        "also called",
        box=None,
        pad_edge=False,
        title="Reference signs",
        title_justify="left",
    )
    for sign in found["signs"]:
        signs.add_row(
            sign["sign"], _cell(sign["term"]), str(sign["mentions"]), _cell(", ".join(sign["alternates"] or []))
        )
    out.print(signs)
    links = Table(
        "figure", "signs", "sentence", box=None, pad_edge=False, title="Linked sentences", title_justify="left"
    )
    for link in found["sentences"]:
        links.add_row(link["label"] or "–", ", ".join(link["signs"]) or "mention", _cell(link["text"]))
    out.print(links)
