"""docs/release-format.md is true: its schema fits what is published, its example runs without figlake."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pipeline.config import IndexSettings
from pipeline.errors import FiglakeError
from pipeline.lake import Lake
from pipeline.publishing.manifest import Manifest, parse_manifest, read_manifest
from pipeline.search import open_release
from tests.indexing.lakes import add_archive, build_index, clustered, publish, small_settings

DOCS = Path(__file__).resolve().parents[2] / "docs"
VECTORS = clustered(400, 32, 40, seed=6)


def published(tmp_path: Path, factory: str) -> Lake:
    """Two archives that share a document."""
    lake, settings = Lake.at(tmp_path), small_settings(indexing=IndexSettings(factory=factory))
    for archive, start, stop in (("A", 0, 250), ("B", 200, 400)):
        found = {f"EP{n:03d}A1": {"1": (VECTORS[n], VECTORS[n][:16])} for n in range(start, stop)}
        add_archive(lake, archive, found, date(2019, 2, 13), drawn=False)
    build_index(lake, settings)
    publish(lake, settings)
    return lake


def manifest_of(lake: Lake) -> dict[str, Any]:
    name = lake.storage.read_bytes("releases", "CURRENT").decode().strip()
    found: dict[str, Any] = json.loads(lake.storage.read_bytes("releases", name, "manifest.json"))
    return found


@pytest.mark.parametrize("factory", ["", "IVF4,PQ16x4fs"])
def test_every_manifest_fits_the_schema_and_reads_back(tmp_path: Path, factory: str) -> None:
    lake = published(tmp_path, factory)
    tree = manifest_of(lake)
    jsonschema.validate(tree, json.loads((DOCS / "release-manifest.schema.json").read_text()))
    manifest = parse_manifest(tree)
    assert json.loads(manifest.to_json()) == tree
    assert read_manifest(lake.storage, manifest.release) == manifest


def test_the_schema_names_every_field_of_the_manifest() -> None:
    schema = json.loads((DOCS / "release-manifest.schema.json").read_text())
    assert set(schema["properties"]) == set(Manifest.__dataclass_fields__)


def test_a_format_of_the_future_is_refused(tmp_path: Path) -> None:
    lake = published(tmp_path, "")
    tree = manifest_of(lake)
    lake.storage.write_bytes(json.dumps({**tree, "format": 2}).encode(), "releases", tree["release"], "manifest.json")
    with pytest.raises(FiglakeError, match="its format is 2, this version reads 1"):
        read_manifest(lake.storage, tree["release"])


def example() -> str:
    found = re.findall(r"```python\n(.*?)```", (DOCS / "release-format.md").read_text(), re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def test_the_example_is_short_and_needs_only_faiss_pyarrow_and_numpy() -> None:
    assert len([line for line in example().splitlines() if line.strip()]) <= 40
    imported = re.findall(r"^(?:import|from) (\w+)", example(), re.MULTILINE)
    assert set(imported) == {"json", "sys", "pathlib", "faiss", "numpy", "pyarrow"}


@pytest.mark.parametrize("factory", ["", "IVF4,PQ16x4fs", "IVF4,SQ8", "PCA16,IVF4,SQ8", "RR32,IVF4,RaBitQ"])
def test_the_example_finds_what_figlake_finds(tmp_path: Path, factory: str) -> None:
    lake = published(tmp_path / "lake", factory)
    query = VECTORS[210]
    done = subprocess.run(
        [sys.executable, "-I", "-c", example(), lake.storage.root, json.dumps(query.tolist())],
        cwd=tmp_path, text=True, capture_output=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    hits = open_release(lake, small_settings()).search(image=query, k=10)
    printed = [line.split() for line in done.stdout.splitlines()]
    assert [figure for _, figure in printed] == [hit.figure_id for hit in hits]
    assert [float(score) for score, _ in printed] == pytest.approx([hit.score for hit in hits], abs=1e-3)
