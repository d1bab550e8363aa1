"""EasyOCR's networks, with weights of the published architectures and shapes made on the spot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.config import OcrSettings, Settings
from pipeline.errors import ModelNotFoundError
from pipeline.ocr import easyocr
from pipeline.ocr.engines import Patch, load
from pipeline.ocr.stages import Engine, ReadSheet
from tests.ocr.drawn import sheet, tiff


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with random weights under the published names, saved as parallel training saves them."""
    import torch
    from easyocr.config import detection_models, recognition_models
    from easyocr.craft import CRAFT
    from easyocr.model.vgg_model import Model

    torch.manual_seed(7)
    folder = tmp_path_factory.mktemp("models") / "easyocr"
    folder.mkdir()
    english = recognition_models["gen2"]["english_g2"]
    networks = {
        detection_models["craft"]["filename"]: CRAFT(),
        english["filename"]: Model(1, 256, 256, len(english["characters"]) + 1),
    }
    for name, network in networks.items():
        torch.save({f"module.{key}": value for key, value in network.state_dict().items()}, folder / name)
    return folder.parent


def test_sheets_of_different_sizes_go_through_both_networks(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIGLAKE_MODELS", str(models))
    monkeypatch.setattr(easyocr, "_TEXT", -1e9)  # random weights find no text of their own accord
    monkeypatch.setattr(easyocr, "_LOW_TEXT", -0.004)
    engine = Engine(Settings(ocr=OcrSettings(engine="easyocr", scale=0.5)))
    pages = [sheet([("12", 40, 40, 0)], 300, 200), sheet([("14", 60, 90, 90)], 200, 300), sheet([], 300, 200)]
    found = engine.read([tiff(page) for page in pages])
    assert len(found) == 3
    for page, read in zip(pages, found, strict=True):
        assert isinstance(read, ReadSheet)
        assert read.engine.startswith("easyocr 1.") and "english_g2" in read.engine
        for reading in read.readings:
            assert 0 <= reading.confidence <= 1 and reading.angle in (0, 90, 180, 270)
            assert (reading.polygon >= 0).all() and (reading.polygon <= page.shape[::-1]).all()


def test_a_box_is_drawn_around_the_text_that_the_maps_show() -> None:
    maps = np.zeros((50, 100, 2), np.float32)
    maps[20:30, 10:16, 0] = maps[20:30, 20:26, 0] = 0.9  # two characters
    maps[22:28, 16:20, 1] = 0.8  # and the link between them
    maps[40:45, 60:70, 0] = 0.5  # weak text that never gets strong
    assert easyocr.View(OcrSettings()).patches(maps, (100, 200)) == [Patch((12, 32, 60, 68), (20, 40, 52, 60))]


def test_missing_weights_end_with_a_message_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setenv("FIGLAKE_MODELS", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", unreachable)
    with pytest.raises(ModelNotFoundError) as raised:
        load("Recogniser", OcrSettings(engine="easyocr"))
    message = str(raised.value)
    assert "english_g2.pth" in message and str(tmp_path / "easyocr") in message
    assert "no route to host" in message and "--set ocr.engine=rapidocr" in message


def test_other_languages_take_the_latin_recogniser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: (_ for _ in ()).throw(OSError("offline")))
    with pytest.raises(ModelNotFoundError, match=r"latin_g2\.pth"):
        easyocr.Recogniser(OcrSettings(engine="easyocr", languages=("de", "en")), tmp_path)
