"""Commands that read a lake: status, search, show, sql."""

from __future__ import annotations

import json
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

    from pipeline.config import Settings
    from pipeline.lake import Lake
    from pipeline.search.hits import Page
    from pipeline.search.query import Query

#: Headings of the options of `search`.
_ASK, _FILTER = "What to search with", "What may be found"
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
    image: Annotated[Path | None, typer.Option("--image", help="Picture to search with.", rich_help_panel=_ASK)] = None,
    figure: Annotated[
        str | None, typer.Option("--figure", metavar="ID", help="A figure_id to search with.", rich_help_panel=_ASK)
    ] = None,
    box: Annotated[
        str | None,
        typer.Option(metavar="X0,Y0,X1,Y1", help="Search with this part of the image or figure.", rich_help_panel=_ASK),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option("--text", metavar="WORDS", help="Words like all that is said of a figure.", rich_help_panel=_ASK),
    ] = None,
    passage: Annotated[
        str | None,
        typer.Option("--passage", metavar="WORDS", help="Words like one sentence of it.", rich_help_panel=_ASK),
    ] = None,
    depicts: Annotated[
        str | None,
        typer.Option(
            "--depicts", metavar="WORDS", help="What the drawing itself shows (image model CLIP).", rich_help_panel=_ASK
        ),
    ] = None,
    lexical: Annotated[
        str | None,
        typer.Option(
            "--lexical", metavar="QUERY", help="Words as they stand: fields, AND, OR, NOT.", rich_help_panel=_ASK
        ),
    ] = None,
    fusion: Annotated[
        str | None,
        typer.Option(help="mean, max, calibrated-mean, calibrated-max or reciprocal-rank.", rich_help_panel=_ASK),
    ] = None,
    weight: Annotated[
        list[str] | None,
        typer.Option(metavar="PART=NUMBER", help="E.g. text=2; may be repeated.", rich_help_panel=_ASK),
    ] = None,
    figure_type: Annotated[
        list[str] | None, typer.Option("--type", help="Figure type, e.g. 'flow chart'.", rich_help_panel=_FILTER)
    ] = None,
    perspective: Annotated[
        list[str] | None, typer.Option(help="Perspective, e.g. 'cross section'.", rich_help_panel=_FILTER)
    ] = None,
    office: Annotated[list[str] | None, typer.Option(help="Office: EP, US …", rich_help_panel=_FILTER)] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Kind code: A1, B1 …", rich_help_panel=_FILTER)] = None,
    published_from: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Published on or after.", rich_help_panel=_FILTER)
    ] = None,
    published_to: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Published on or before.", rich_help_panel=_FILTER)
    ] = None,
    ipc: Annotated[
        list[str] | None, typer.Option(metavar="PREFIX", help="IPC symbol or its start.", rich_help_panel=_FILTER)
    ] = None,
    cpc: Annotated[
        list[str] | None, typer.Option(metavar="PREFIX", help="CPC symbol or its start.", rich_help_panel=_FILTER)
    ] = None,
    applicant: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Part of an applicant's name.", rich_help_panel=_FILTER)
    ] = None,
    archive: Annotated[list[str] | None, typer.Option(help="Archive.", rich_help_panel=_FILTER)] = None,
    document: Annotated[
        list[str] | None, typer.Option(metavar="DOC_ID", help="Document.", rich_help_panel=_FILTER)
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="How many hits.")] = 10,
    group: Annotated[str, typer.Option(help="One hit per figure, document or family.")] = "figure",
    cursor: Annotated[str | None, typer.Option(help="`next` of an earlier page: the page after it.")] = None,
    sheet: Annotated[Path | None, typer.Option("--sheet", help="Write the hits as a contact sheet (PNG).")] = None,
    vectors: Annotated[bool, typer.Option("--vectors", help="Put the hits' vectors into the JSON.")] = False,
    release: ReleaseOption = None,
    as_json: JsonOption = False,
    profile: ProfileOption = "laptop",
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Search the current release by picture, by a figure, by words, or by several of them at once.

    Of several filters all must agree; a filter that is repeated asks for any of its values.

    [bold]Examples[/]

    figlake search --text "pump housing with two blades" --lake ./lake

    figlake search --image drawing.tif -k 20 --lake ./lake --sheet hits.png

    figlake search --image drawing.tif --text "cooling fins" --weight text=2 --json --lake ./lake

    figlake search --passage "the rotor drives a pinion" --ipc F16H --from 2019-01-01 --group document --lake ./lake

    figlake search --lexical 'text:windmill AND section:description NOT part:"load arm"' --lake ./lake

    figlake search --depicts "a bicycle seen from the side" --lake ./lake

    figlake search --image drawing.tif --box 120,80,420,360 --lake ./lake

    figlake search --figure 'EP3441903A1/imgf0001.tif#1' --type 'flow chart' --applicant siemens --lake ./lake
    """
    with clean_errors():
        from pipeline.errors import UsageError
        from pipeline.search.filters import Filter, parse_date
        from pipeline.search.query import Query, parse_box, parse_weights

        query = Query(
            image=image, figure=figure, box=parse_box(box) if box else None, text=text, passage=passage,
            depicts=depicts, lexical=lexical, fusion=fusion, weights=parse_weights(weight or ()),
            k=k, group=group, cursor=cursor, vectors=vectors,
            filter=Filter(
                figure_types=tuple(figure_type or ()), perspectives=tuple(perspective or ()),
                offices=tuple(office or ()), kinds=tuple(kind or ()), ipc=tuple(ipc or ()), cpc=tuple(cpc or ()),
                applicants=tuple(applicant or ()), archives=tuple(archive or ()), doc_ids=tuple(document or ()),
                published_from=parse_date(published_from, "--from") if published_from else None,
                published_to=parse_date(published_to, "--to") if published_to else None,
            ),
        )  # fmt: skip
        if query.is_empty:
            raise UsageError(
                "nothing to search with: give --image FILE, --figure ID, --text WORDS, --passage WORDS, "
                "--depicts WORDS, --lexical QUERY, or several"
            )
        if vectors and not as_json:
            raise UsageError("--vectors adds to the JSON; give --json too")
        settings = settings_of(profile, config, overrides)
        _answer(lake_at(lake, settings), settings, query, release, sheet, as_json)


def show(
    item: Annotated[str, typer.Argument(metavar="DOC_OR_FIGURE_ID", help="EP3441903A1, or a figure_id.")],
    lake: LakeOption,
    figure: Annotated[str | None, typer.Option("--figure", metavar="LABEL", help="One figure of the document.")] = None,
    page: Annotated[
        Path | None, typer.Option("--out", help="Write the figure's panel: .html (page) or .png (picture).")
    ] = None,
    as_json: JsonOption = False,
    latest: Annotated[bool, typer.Option("--latest", help="Newest tables instead of the release's.")] = False,
    config: ConfigOption = None,
) -> None:
    """A document's figures, its reference signs with their part names, and its linked sentences.

    [bold]Examples[/]

    figlake show EP3441903A1 --lake ./lake

    figlake show 'EP3441903A1/imgf0001.tif#1' --lake ./lake --json

    figlake show EP3441903A1 --figure 3 --out page.html --lake ./lake
    """
    with clean_errors():
        from pipeline.show import describe

        settings = settings_of("laptop", config, None)
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
    config: ConfigOption = None,
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

        settings = settings_of("laptop", config, None)
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


def _answer(
    lake: Lake, settings: Settings, query: Query, release: str | None, sheet: Path | None, as_json: bool
) -> None:
    from pipeline.search import open_release

    opened = open_release(lake, settings, release)
    page = opened.search(query)
    if sheet is not None:
        from pipeline.search.contact_sheet import write_contact_sheet

        write_contact_sheet(opened, page.hits, sheet)
    if as_json:
        typer.echo(json.dumps(page.to_json(), ensure_ascii=False))
        return
    _print_hits(page)
    if sheet is not None:
        out.print(f"contact sheet: {sheet}")


def _print_hits(page: Page) -> None:
    from rich.table import Table

    table = Table("#", "score", "document", "figure", "title", "why", box=None, pad_edge=False)
    for hit in page:
        sentences = [sentence.text for sentence in hit.why.sentences]
        signs = ", ".join(f"{sign} {term}" for sign, term in hit.why.signs[:5])
        why = " · ".join(part for part in (sentences[0][:160] if sentences else "", signs) if part)
        table.add_row(
            str(hit.rank), f"{hit.score:.3f}", hit.doc_id, hit.label or "–", _cell(hit.title), _cell(why)
        )  # fmt: skip
    out.print(table)
    more = f" · next page: --cursor {page.next}" if page.next else ""
    out.print(f"[dim]{len(page)} hit(s) · release {page.release}{more}[/]")


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
