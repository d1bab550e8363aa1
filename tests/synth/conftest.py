"""One small drawn delivery, shared by the tests of this folder."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from pipeline.synth import draw_archive

Row = dict[str, Any]


@dataclass(frozen=True)
class Delivery:
    """A drawn delivery and its truth."""

    path: Path

    def packages(self) -> dict[str, dict[str, bytes]]:
        """Stem of each package → its files."""
        found = {}
        with zipfile.ZipFile(self.path) as outer:
            for name in outer.namelist():
                if name.startswith("DOC/"):
                    with zipfile.ZipFile(io.BytesIO(outer.read(name))) as inner:
                        found[Path(name).stem] = {n: inner.read(n) for n in inner.namelist()}
        return found

    def documents(self) -> dict[str, etree._Element]:
        return {stem: etree.fromstring(files[f"{stem}.xml"]) for stem, files in self.packages().items()}

    def truth(self, file: str) -> list[Row]:
        path = self.path.with_suffix(".truth") / f"{file}.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="session")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    return Delivery(draw_archive(tmp_path_factory.mktemp("drawn"), 40, seed=3))
