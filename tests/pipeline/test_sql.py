"""DuckDB over the lake: which files it reads, and where it spills to."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipeline.lake import Lake
from pipeline.sql import connect, opened
from tests.indexing.lakes import add_archive, clustered


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    found, vector = Lake.at(tmp_path / "lake"), clustered(1, 16, 1, seed=1)[0]
    for day, archive in enumerate("AB", 1):
        add_archive(found, archive, {f"EP{day}A1": {"1": (vector, None)}}, date(2019, 2, day))
    return found


def test_files_of_archives_that_nobody_asked_for_are_not_read(lake: Lake) -> None:
    for file in lake.files("figures"):
        if file.partition["archive"] == "A":
            Path(lake.storage.path(file.path) if not file.path.startswith("/") else file.path).unlink()
    wanted = opened(lake, ["figures"], archives={"B"}).sql("SELECT doc_id FROM figures")
    assert wanted.fetchall() == [("EP2A1",)]
    assert opened(lake, ["figures"], archives=set()).sql("SELECT doc_id FROM figures").fetchall() == []
    with pytest.raises(duckdb.Error, match="parquet"):
        opened(lake, ["figures"]).sql("SELECT doc_id FROM figures").fetchall()


def test_half_of_what_duckdb_would_take_is_left_to_the_rest(lake: Lake) -> None:
    limits = []
    for connection in (duckdb.connect(), opened(lake)):
        ((limit,),) = connection.sql("SELECT current_setting('memory_limit')").fetchall()
        limits.append(float(limit.split()[0]))
    assert limits[1] == pytest.approx(limits[0] / 2, rel=0.02)


def test_what_does_not_fit_into_memory_goes_to_a_private_folder(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    query = "SELECT * FROM (SELECT range, hash(range) AS h, repeat('x', 20) AS s FROM range(4000000)) ORDER BY h"
    for connection in (opened(lake, folder=tmp_path / "spills"), opened(lake)):
        connection.execute("SET memory_limit = '100MB'")
        ((place,),) = connection.sql("SELECT value FROM duckdb_settings() WHERE name = 'temp_directory'").fetchall()
        reader = connection.sql(query).to_arrow_reader(1 << 16)
        reader.read_next_batch()
        assert list(Path(place).iterdir())
        reader.close()
    assert Path(place).parent == Path(tempfile.gettempdir())
    assert not (tmp_path / ".tmp").exists()
    del reader
    connection.close()
    assert not Path(place).exists()
    with connect(lake) as readers, pytest.raises(duckdb.Error, match="disabled by configuration"):
        readers.sql(f"SELECT * FROM glob('{Path(place).parent}/*')").fetchall()
