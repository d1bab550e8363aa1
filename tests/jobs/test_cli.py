"""The command line as someone new meets it."""

from __future__ import annotations

import errno
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from jobs.cli import app
from jobs.options import clean_errors
from pipeline.lake import Lake
from pipeline.ledger import Run, record
from tests.pipeline.test_lake import write

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = [command.name or command.callback.__name__ for command in app.registered_commands]  # type: ignore[union-attr]


def figlake(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "jobs.cli", *arguments], cwd=ROOT, text=True, capture_output=True)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake.at(tmp_path / "lake")
    record(lake, Run("A", "extract", 1, "f", "done"))
    lake.commit("facets", "classify", "A", 10, write(lake, "A", ["a1", "a2"]))
    return lake


def test_help_answers_at_once_because_it_imports_no_engine() -> None:
    code = "import sys; sys.argv = ['figlake', '--help']\n"
    code += "try:\n    from jobs.cli import app; app()\nexcept SystemExit: pass\n"
    code += "print(sorted({'torch', 'ray', 'pyspark', 'faiss', 'pyarrow', 'duckdb', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_takes_a_small_multiple_of_starting_python() -> None:
    def seconds(*command: str) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, check=True)
        return time.perf_counter() - started

    bare = statistics.median(seconds("-c", "import typer, rich.console") for _ in range(3))
    helped = statistics.median(seconds("-m", "jobs.cli", "--help") for _ in range(3))
    assert helped < 5 * bare


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example_in_its_help(command: str) -> None:
    text = CliRunner().invoke(app, [command, "--help"]).output
    assert "Example" in text
    assert f"figlake {command}" in text


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["status", "--lake", "/nowhere/lake"], 2, "there is no lake at /nowhere/lake"),
        (["run", "--lake", "/nowhere/lake", "--from", "reed"], 2, "no step is called 'reed'"),
        (["run", "--lake", "/nowhere/lake", "--from", "link", "--to", "ocr"], 2, "--from link comes after --to ocr"),
        (["run", "--lake", "/nowhere/lake", "--profile", "desk"], 2, "unknown profile 'desk'"),
        (["run", "--lake", "/nowhere/lake", "--set", "ocr.motor=1"], 2, "unknown key ocr.motor"),
        (["run", "--archives", "/nowhere/a.zip", "--lake", "/nowhere/lake"], 2, "/nowhere/a.zip"),
        (["step", "ocr", "--archive", "A", "--lake", "/nowhere/lake"], 2, "there is no lake"),
        (["step", "ocr", "--lake", "/nowhere/lake"], 2, "the step ocr works on one archive: give --archive"),
        (["step", "publish", "--archive", "A", "--lake", "/nowhere/lake"], 2, "leave out --archive"),
        (["search", "--lake", "/nowhere/lake"], 2, "nothing to search with"),
        (
            ["search", "--lake", "x", "--text", "y", "--from", "2019"],
            2,
            "--from wants a date as yyyy-mm-dd, got '2019'",
        ),
        (["search", "--lake", "x", "--text", "y", "--group", "patent"], 2, "unknown group 'patent'"),
        (["search", "--lake", "x", "--text", "y", "--fusion", "sum"], 2, "unknown fusion 'sum'"),
        (["search", "--lake", "x", "--text", "y", "--weight", "text"], 2, "a weight is given as part=number"),
        (["search", "--lake", "x", "--text", "y", "--weight", "word=2"], 2, "no part of a query is called 'word'"),
        (["search", "--lake", "x", "--text", "y", "--vectors"], 2, "give --json too"),
        (["search", "--lake", "x", "--image", "y", "--box", "1,2,3"], 2, "a box is given as x0,y0,x1,y1"),
        (["search", "--lake", "x", "--image", "y", "--box", "9,2,3,8"], 2, "the box 9,2,3,8 is empty"),
        (["search", "--lake", "x", "--text", "y", "--box", "1,2,3,8"], 2, "a box is of one image or of one figure"),
        (["search", "--lake", "x", "--words", "y"], 2, "--words"),
        (["frobnicate"], 2, "frobnicate"),
        (["run"], 2, "--lake"),
        (["search", "--lake", "x", "-k", "0", "--text", "y"], 2, "-k"),
    ],
)
def test_wrong_usage_is_one_clear_line_and_exit_code_two(arguments: list[str], code: int, words: str) -> None:
    done = figlake(*arguments)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_sql_reads_the_newest_tables_on_request_and_says_when_nothing_is_published(lake: Lake) -> None:
    done = figlake("sql", "SELECT count(*) AS n FROM facets", "--latest", "--json", "--lake", lake.storage.root)
    assert json.loads(done.stdout) == [{"n": 2}]
    done = figlake("sql", "SELECT 1", "--lake", lake.storage.root)
    assert (done.returncode, "nothing is published here yet" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM figurs", "figurs"),
        ("COPY facets TO '/tmp/facets.csv'", "takes one SELECT"),
        ("SELECT * FROM read_text('/etc/hostname')", "disabled by configuration"),
        (f"SELECT * FROM glob('{tempfile.gettempdir()}/*')", "disabled by configuration"),
        ("DROP VIEW facets", "SELECT"),
    ],
)
def test_sql_that_cannot_run_is_explained_and_can_reach_no_file(lake: Lake, statement: str, words: str) -> None:
    done = figlake("sql", statement, "--latest", "--lake", lake.storage.root)
    assert done.returncode == 2, done.stdout
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_show_of_an_unknown_document_says_how_one_is_spelled(lake: Lake) -> None:
    done = figlake("show", "EP1", "--latest", "--lake", lake.storage.root)
    assert (done.returncode, "EP3441903A1" in done.stderr) == (2, True)


def test_the_version_is_the_packages() -> None:
    from importlib.metadata import version

    assert figlake("--version").stdout.strip() == f"figlake {version('figlake')}"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_storage_that_refuses_to_be_written_is_said_in_one_line(
    number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended, clean_errors():
        raise RuntimeError(f"Generic LocalFileSystem error: {os.strerror(number)} (os error {number})\n at place 7")
    said = capsys.readouterr().err.strip()
    assert ended.value.exit_code == 1
    assert os.strerror(number) in said and "\n" not in said
    with pytest.raises(RuntimeError, match="something else"), clean_errors():
        raise RuntimeError("something else")


def unprivileged(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as a user whom permissions bind; root gives up the right to pass over them."""
    bound = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    if bound and subprocess.run([*bound, "true"], capture_output=True).returncode:
        pytest.skip("root may not give up rights here (setpriv): permissions are NOT tried")
    command = [*bound, sys.executable, "-m", "jobs.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True)


def test_an_archive_that_may_not_be_read_is_not_called_a_storage_that_refuses_to_write(tmp_path: Path) -> None:
    archive = tmp_path / "week.zip"
    archive.write_bytes(b"PK")
    archive.chmod(0)
    done = unprivileged("run", "--archives", str(archive), "--lake", str(tmp_path / "lake"))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert done.stderr.startswith("error: this user lacks a permission: ")
    assert str(archive) in done.stderr


@pytest.mark.parametrize("closed", ["tables/runs/_delta_log", "archives"])
def test_a_lake_that_may_not_be_touched_is_named_with_the_place(lake: Lake, tmp_path: Path, closed: str) -> None:
    archive, folder = tmp_path / "week.zip", Path(lake.storage.root, closed)
    archive.write_bytes(b"PK")
    folder.mkdir(exist_ok=True)
    folder.chmod(0)
    done = unprivileged("run", "--archives", str(archive), "--lake", lake.storage.root)
    folder.chmod(0o700)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert done.stderr.startswith("error: this user lacks a permission: ")
    assert str(folder) in done.stderr
