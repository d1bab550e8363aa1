"""Commands about the index's codebooks: drift and retrain."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from jobs.options import (
    ConfigOption,
    JsonOption,
    LakeOption,
    ProfileOption,
    SetOption,
    clean_errors,
    err,
    lake_at,
    out,
    settings_of,
)


def drift(
    lake: LakeOption,
    as_json: JsonOption = False,
    profile: ProfileOption = "laptop",
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Say how far the vectors have drifted from those that each codebook was trained on.

    A codebook past indexing.drift_limit or indexing.imbalance_limit is trained anew by the next `figlake run`, or by
    `figlake retrain`.

    [bold]Examples[/]

    figlake drift --lake ./lake

    figlake drift --json --lake ./lake
    """
    with clean_errors():
        from rich.table import Table

        from pipeline.indexing.drift import drifts, plain

        settings = settings_of(profile, config, overrides)
        found = drifts(lake_at(lake, settings), settings.indexing)
        if as_json:
            typer.echo(json.dumps({"modalities": plain(found)}))
            return
        if not found:
            out.print("no codebook yet; `figlake run` trains them")
            return
        table = Table(
            "modality", "codebook", "vectors", "codes worse by", "lists more uneven", "", box=None, pad_edge=False
        )
        for name, one in sorted(found.items()):
            error = "–" if one.error is None else f"{one.error:+.1%}"
            uneven = "–" if one.imbalance is None else f"{one.imbalance:.2f} ×"
            mark = "[bold yellow]train anew[/]" if one.retrain else "[green]fits[/]"
            table.add_row(name, one.codebook, f"{one.rows:,}", error, uneven, mark)
        out.print(table)


def retrain(
    lake: LakeOption,
    modalities: Annotated[
        list[str] | None, typer.Option("--modality", help="image, text, passage or region; default: all.")
    ] = None,
    publish: Annotated[bool, typer.Option(help="Publish, or leave that to another process.")] = True,
    profile: ProfileOption = "laptop",
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Train codebooks anew on today's vectors, encode all archives with them and publish.

    The release that stands goes on answering until the new one is whole and has passed its gates. Killed, `figlake
    run` goes on with it.

    [bold]Examples[/]

    figlake retrain --lake ./lake

    figlake retrain --modality image --lake ./lake
    """
    with clean_errors():
        from jobs.ingest import chosen_steps
        from jobs.progress import Board
        from pipeline.indexing.codebook_step import to_retrain
        from pipeline.local import run_all
        from pipeline.registry import known

        settings = settings_of(profile, config, overrides)
        target = lake_at(lake, settings)
        settings = to_retrain(target, settings, modalities)
        with Board(err) as board:
            summary = run_all(
                target,
                settings,
                list(known(target)),
                chosen_steps("codebook", "publish" if publish else "encode"),
                board.take,
            )
        board.summarise(out, target, settings, summary)
    raise typer.Exit(summary.exit_code)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(drift)
    app.command()(retrain)
