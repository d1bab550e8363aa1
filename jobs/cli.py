"""figlake: patent bulk archives in, a searchable lake of figures out."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs import admin, ask, codebooks, evaluate, fetch, ingest, make, pending, plan, rejects, report, trace, watch
from pipeline.ending import leave

app = typer.Typer(
    name="figlake",
    help=__doc__,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
for module in (fetch, plan, ingest, pending, ask, evaluate, watch, report, trace, codebooks, rejects, admin, make):
    module.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"figlake {version('figlake')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Patent bulk archives in, a searchable lake of figures out.

    Exit codes: 0 done · 1 failed · 2 wrong usage · 3 done, with more rejects than the limit allows.
    """


def main() -> None:
    """Entry point of the command ``figlake``."""
    try:
        app()
    except SystemExit as end:
        leave(end.code)


if __name__ == "__main__":
    main()
