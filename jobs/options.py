"""Options that several commands share, and how errors leave the program."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.lake import Lake

#: Columns when the output is a file or a pipe, so that tables are not cut to 80.
_WIDTH = 160

#: Results go to standard output; everything said about the work goes to standard error.
out = Console(soft_wrap=True, width=None if sys.stdout.isatty() else _WIDTH)
err = Console(stderr=True, soft_wrap=True, highlight=False, width=None if sys.stderr.isatty() else _WIDTH)

LakeOption = Annotated[
    str, typer.Option("--lake", envvar="FIGLAKE_LAKE", help="Root of the lake: a path or an object-store URI.")
]
ProfileOption = Annotated[
    str, typer.Option("--profile", envvar="FIGLAKE_PROFILE", help="Settings to start from: laptop or cluster.")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", envvar="FIGLAKE_CONFIG", help="TOML file laid over the profile.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="One setting, e.g. --set ocr.engine=easyocr; may be repeated.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def settings_of(profile: str, config: Path | None, overrides: list[str] | None) -> Settings:
    """Settings from profile, file, environment and command line."""
    from pipeline.config import load_settings

    return load_settings(profile, config, overrides=overrides or ())


def lake_at(uri: str, settings: Settings, *, must_exist: bool = True) -> Lake:
    """The lake; a command that only reads refuses a place where there is none."""
    from pipeline.errors import UsageError
    from pipeline.lake import Lake

    lake = Lake.at(uri, settings.storage)
    if must_exist and lake.version("runs") is None:
        raise UsageError(
            f"there is no lake at {lake.storage.root}; make one with: figlake run --archives … --lake {uri}"
        )
    return lake


@contextmanager
def clean_errors() -> Iterator[None]:
    """Turn errors that a user can act on into one line and an exit code; Ctrl-C into 130."""
    from pipeline.errors import FiglakeError, storage_refusal

    try:
        yield
    except FiglakeError as error:
        err.print(f"[bold red]error:[/] {_escaped(str(error))}")
        raise typer.Exit(error.exit_code) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except Exception as error:
        if (refusal := storage_refusal(error)) is None:
            raise
        err.print(f"[bold red]error:[/] {_escaped(refusal)}")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        err.print("interrupted; nothing is lost: run the same command again to go on")
        raise typer.Exit(130) from None


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
