"""Which options the programs take that figlake's deployment calls: asked of the programs themselves."""

from __future__ import annotations

import os
import re
import subprocess
from functools import cache
from pathlib import Path

import pyspark
import typer
from typer.main import get_command

ROOT = Path(__file__).resolve().parent.parent.parent


def typer_commands(app: typer.Typer) -> set[str]:
    """Names of a program's commands."""
    return set(getattr(get_command(app), "commands", {}))


def typer_problem(app: typer.Typer, words: list[str]) -> str:
    """Why ``figlake WORDS`` is no command line; empty where it parses. Nothing is run."""
    name, *rest = words
    command = getattr(get_command(app), "commands", {}).get(name)
    if command is None:
        return f"there is no command {name}"
    try:
        command.make_context(name, list(rest)).close()
    except Exception as error:  # the usage errors of whichever click typer brings
        return str(getattr(error, "message", "") or error or type(error).__name__)
    return ""


def ray_options(command: str) -> set[str]:
    """The options of ``ray COMMAND``."""
    from ray.scripts import scripts

    return {option for parameter in scripts.cli.commands[command].params for option in parameter.opts}


@cache
def spark_options(role: str, java: Path) -> set[str]:
    """The options of Spark's master or worker, from its own help."""
    environment = {"PATH": os.environ["PATH"], "JAVA_HOME": str(java), "SPARK_HOME": str(Path(pyspark.__file__).parent)}
    words = [ROOT / "infra" / "images" / "spark.sh", role, "--help"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return set(re.findall(r"--[a-z-]+", done.stdout + done.stderr))
