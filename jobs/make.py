"""Commands that make something to try: synth, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jobs.options import clean_errors, out


def synth(
    folder: Annotated[Path, typer.Option("--out", help="Folder to write into.")],
    documents: Annotated[int, typer.Option("--documents", min=1, help="How many documents.")] = 20,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same bytes.")] = 1,
    office: Annotated[str, typer.Option("--office", help="epo (weekly zip) or uspto (weekly tar).")] = "epo",
) -> None:
    """Draw a patent-like weekly archive with its ground truth beside it.

    [bold]Examples[/]

    figlake synth --out ./archives --documents 20 --seed 7

    figlake synth --out ./bench --documents 1000 --seed 1
    """
    with clean_errors():
        from pipeline.synth import draw_archive

        path = draw_archive(folder, documents, seed, office=office)
        out.print(f"{path}  ({documents} documents, seed {seed})")


def demo(
    folder: Annotated[Path, typer.Option("--out", help="Folder to work in.")] = Path("demo"),
) -> None:
    """Draw two small archives, run the whole pipeline on them, search, and write a contact sheet.

    [bold]Example[/]

    figlake demo --out ./demo
    """
    with clean_errors():
        from jobs.demo import demo as run_demo

        run_demo(folder)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(synth)
    app.command()(demo)
