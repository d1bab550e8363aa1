"""docs/operations.md says only what can be typed, and names only what exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from jobs.cli import app
from pipeline.config import Settings
from schemas import TABLES
from tests.infra.commands import typer_commands, typer_problem
from tests.infra.test_kubernetes import SECRETS

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
LINES = [line for block in BLOCKS for line in block.splitlines() if line.strip()]
INLINE = [code.replace("\\|", "|") for code in re.findall(r"`([^`\n]+)`", re.sub(r"(?s)```.*?```", "", PAGE))]
COMPOSE = yaml.safe_load((ROOT / "infra" / "compose.yaml").read_text(encoding="utf-8"))["services"]


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("figlake ")])
def test_each_command_of_figlake_parses(line: str) -> None:
    assert typer_problem(app, shlex.split(line, comments=True)[1:]) == ""


def test_the_page_shows_a_command_for_each_kind_of_work() -> None:
    shown = {line.split()[1] for line in LINES if line.startswith("figlake ")}
    assert {"run", "fetch", "pending", "plan", "migrate", "replay", "step", "rollback", "compact", "clean"} <= shown
    assert {"quality", "withdraw", "trace", "retrain", "releases", "status", "sql"} <= shown


def test_commands_named_in_sentences_exist() -> None:
    named = {code.split()[1] for code in INLINE if re.match(r"figlake [a-z]", code)}
    assert named <= typer_commands(app)
    made = {code.split()[1] for code in [*INLINE, *LINES] if code.startswith("make ")}
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert made <= targets


def test_compose_commands_name_services_and_run_figlake_rightly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIGLAKE_LAKE", "s3://figlake/lake")
    for line in [line for line in LINES if line.startswith("docker compose")]:
        words = shlex.split(line)
        if "--scale" in words:
            assert words[words.index("--scale") + 1].split("=")[0] in COMPOSE
        if "run" in words:
            service, *command = words[words.index("--rm") + 1 :]
            assert COMPOSE[service]["profiles"] == ["command"]
            assert typer_problem(app, command) == ""
        if "exec" in words:
            service, program, *command = words[words.index("exec") + 1 :]
            assert service in COMPOSE
            if program == "airflow":  # of the environment beside this one
                assert (service, command[:2]) == ("airflow", ["dags", "unpause"])
                continue
            assert (program, typer_problem(app, command)) == ("figlake", "")


def test_files_that_are_named_exist() -> None:
    links = {link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", PAGE) if "://" not in link}
    assert all((ROOT / "docs" / link).exists() for link in links if link)
    named = {w for code in [*INLINE, *LINES] for w in re.findall(r"(?:infra|tests|docs)/[\w./-]+", code)}
    missing = [name for name in named if not (ROOT / name).exists()]
    assert missing in ([], ["infra/.env"])


def test_settings_that_are_named_exist() -> None:
    settings = Settings()
    for section, key in re.findall(r"(?:`|--set )(\w+)\.(\w+)[`=]", PAGE):
        if section not in TABLES:
            assert hasattr(getattr(settings, section), key), f"{section}.{key}"
    for section in re.findall(r"`\[(\w+)\]`", PAGE):
        assert hasattr(settings, section)


def test_messages_that_are_quoted_are_messages_of_figlake() -> None:
    table = PAGE.split("| how it shows |")[1].split("\n\n")[0].splitlines()[2:]
    quoted = {code for row in table for code in re.findall(r"`([^`]+)`", row.split("|")[1]) if " " in code}
    sources = " ".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "pipeline").rglob("*.py")))
    sources = re.sub(r'"\s+f?"', "", sources)  # a message over several lines
    assert not {code for code in quoted if code not in sources}
    assert len(quoted) > 8


def test_every_secret_of_the_manifests_is_made_in_it() -> None:
    made = {line.split()[6] for line in LINES if " create secret generic " in line}
    assert made == SECRETS


def test_queries_name_columns_that_exist() -> None:
    from pipeline.lake import Lake
    from pipeline.sql import query

    statements = [shlex.split(line)[2] for line in LINES if line.startswith("figlake sql")]
    assert len(statements) >= 5
    for statement in statements:
        assert query(Lake.at("/nowhere"), statement).num_rows == 0
