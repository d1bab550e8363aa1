"""The encoders that a release names, found and asked by the search itself."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.config import ModelSettings
from pipeline.embedding.models import image_encoder, text_encoder
from pipeline.errors import ModelNotFoundError, UsageError
from pipeline.lake import Lake
from pipeline.pixels import decode
from pipeline.search import SearchEngine, open_release
from tests.indexing.lakes import add_archive, build_index, publish, sheet_file, small_settings, write, write_vectors
from tests.shared_data import SHARED, needs_shared

pytestmark = pytest.mark.slow
SETTINGS, MODELS = small_settings(), ModelSettings()
SENTENCES = {
    "EP1A1": "A gear transmission with three planet wheels.",
    "EP2A1": "The database server answers the client over an encrypted connection.",
    "EP3A1": "The leaves of the plant are watered by a drip hose.",
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Figures embedded with the laptop profile's encoders."""
    found = Lake.at(tmp_path_factory.mktemp("lake"))
    add_archive(found, "A", {doc_id: {"1": ([1.0, 0.0], None)} for doc_id in SENTENCES}, date(2019, 2, 13))
    images, texts = image_encoder(MODELS), text_encoder(MODELS)
    keys = [f"{doc_id}/s1.tif#1" for doc_id in SENTENCES]
    drawings = [decode(sheet_file(key.split("#")[0]), 100)[10:390, 10:290] for key in keys]
    write_vectors(found, "image", "A", dict(zip(keys, images.encode(drawings), strict=True)),
                  images.revision, images.name)  # fmt: skip
    write_vectors(found, "text", "A", dict(zip(keys, texts.encode(list(SENTENCES.values())), strict=True)),
                  texts.revision, texts.name)  # fmt: skip
    build_index(found, SETTINGS)
    publish(found, SETTINGS)
    return found


@pytest.fixture(scope="module")
def engine(lake: Lake) -> SearchEngine:
    return open_release(lake, SETTINGS)


def test_another_file_of_the_same_drawing_finds_it_first(engine: SearchEngine) -> None:
    stream = io.BytesIO()
    Image.open(io.BytesIO(sheet_file("EP2A1/s1.tif"))).save(stream, format="PNG")
    hit = engine.search(image=stream.getvalue(), k=3)[0]
    assert hit.figure_id == "EP2A1/s1.tif#1"
    assert hit.score > 0.99


def test_words_find_what_means_the_same(engine: SearchEngine) -> None:
    assert engine.search(text="toothed wheels", k=1)[0].doc_id == "EP1A1"
    assert engine.search(text="irrigation of flowers", k=1)[0].doc_id == "EP3A1"


def test_picture_and_words_together(engine: SearchEngine) -> None:
    hits = engine.search(image=sheet_file("EP2A1/s1.tif"), text="computer network", k=3)
    assert hits[0].doc_id == "EP2A1"
    assert set(hits[0].scores) == {"image", "text"}


def test_an_empty_picture_and_empty_words_are_refused(engine: SearchEngine) -> None:
    with pytest.raises(UsageError, match="cannot search with this image: a drawing without ink"):
        engine.search(image=np.full((50, 50), 255, np.uint8))
    with pytest.raises(UsageError, match="nothing to search with"):
        engine.search(text="  ")


def test_an_encoder_of_another_revision_is_refused_by_name(tmp_path: Path) -> None:
    lake = Lake.at(tmp_path)
    add_archive(lake, "A", {"EP1A1": {"1": ([1.0, 0.0], None)}}, date(2019, 2, 13))
    write_vectors(lake, "text", "A", {"EP1A1/s1.tif#1": [1.0] * 384}, revision="0.0.1", model=MODELS.text)
    build_index(lake, SETTINGS)
    publish(lake, SETTINGS)
    with pytest.raises(ModelNotFoundError, match=r"and 0\.0\.1 is wanted"):
        open_release(lake, SETTINGS).search(text="pump")


@needs_shared
def test_real_design_drawings_find_themselves_and_their_own_patent(tmp_path: Path) -> None:
    """Twelve design patents: every view finds itself first and, mostly, another view of its design second."""
    assert SHARED is not None
    folders = [folder for folder in sorted((SHARED / "design").iterdir()) if folder.is_dir()][:12]
    files = {
        f"{folder.name}/{file.name}#1": file for folder in folders for file in sorted(folder.glob("*.[tT][iI][fF]"))
    }
    lake, encoder = Lake.at(tmp_path), image_encoder(MODELS)
    add_archive(lake, "A", {folder.name: {} for folder in folders}, date(2019, 2, 13))
    figures = [
        {"figure_id": key, "sheet_id": key[:-2], "doc_id": key.split("/")[0], "label": "1", "label_source": "ocr",
         "ordinal": 0, "x0": 0, "y0": 0, "x1": 1, "y1": 1}
        for key in files
    ]  # fmt: skip
    write(lake, "figures", "A", figures)
    vectors = encoder.encode([decode(file.read_bytes(), 300) for file in files.values()])
    write_vectors(lake, "image", "A", dict(zip(files, vectors, strict=True)), encoder.revision, encoder.name)
    build_index(lake, SETTINGS)
    publish(lake, SETTINGS)
    engine = open_release(lake, SETTINGS)
    same_patent = 0
    for key in files:
        first, second = engine.search(figure=key, k=2)
        assert first.score == pytest.approx(1.0, abs=2e-3)
        same_patent += second.doc_id == key.split("/")[0]
    assert same_patent / len(files) >= 0.6
