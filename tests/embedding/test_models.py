"""Finding models, and what is said when they are not there."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from pipeline.config import ModelSettings
from pipeline.embedding.model_files import MIRROR_VARIABLE, content_digest, find_model
from pipeline.embedding.models import image_encoder, image_preparation, pinned, text_encoder
from pipeline.errors import ModelNotFoundError, UsageError
from tests.embedding.checkpoints import clip_checkpoint, sentence_checkpoint

COMMIT = "3d74acf9a28c67741b2f4f2ea7635f0aaf6f0268"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip_checkpoint(tmp_path_factory.mktemp("clip"))


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No mirror, an empty cache and a hub that no one listens for."""
    from huggingface_hub import constants

    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


def test_the_laptops_models_need_no_files_but_the_packages() -> None:
    settings = pinned(ModelSettings())
    assert (settings.image_revision, settings.text_revision) == ("1", "0.1.0")
    assert image_encoder(settings).dimension == 512
    assert image_preparation(settings).side == 128


def test_a_model_that_cannot_be_had_is_named_at_once_with_the_alternatives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path / "mirror"))
    started = time.monotonic()
    with pytest.raises(ModelNotFoundError) as caught:
        pinned(ModelSettings(image="openai/clip-vit-base-patch32", image_revision=COMMIT))
    assert time.monotonic() - started < 10
    for said in ("openai/clip-vit-base-patch32", COMMIT, str(tmp_path / "mirror"), "builtin:gradient-histogram"):
        assert said in str(caught.value)
    with pytest.raises(ModelNotFoundError, match="builtin:all-minilm-l6-v2"):
        pinned(ModelSettings(text="sentence-transformers/all-distilroberta-v1"))


def test_the_hub_is_not_asked_where_that_is_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelNotFoundError, match="HF_HUB_OFFLINE"):
        find_model("org/name", "", "builtin:x")


def test_an_unknown_built_in_name_lists_the_known_one() -> None:
    with pytest.raises(ModelNotFoundError, match="known: builtin:gradient-histogram"):
        image_encoder(ModelSettings(image="builtin:hog"))
    with pytest.raises(ModelNotFoundError, match="known: builtin:all-minilm-l6-v2"):
        text_encoder(ModelSettings(text="builtin:bert"))


def test_a_built_in_encoder_of_another_revision_is_refused() -> None:
    with pytest.raises(ModelNotFoundError, match="revision 1, and 0 is wanted"):
        image_encoder(ModelSettings(image_revision="0"))


def test_an_unknown_number_format_is_refused_before_anything_is_loaded() -> None:
    with pytest.raises(UsageError, match="float8"):
        pinned(ModelSettings(dtype="float8"))


def test_a_local_folder_is_known_by_a_digest_of_its_content(clip: Path) -> None:
    settings = pinned(ModelSettings(image=str(clip)))
    assert settings.image_revision == content_digest(clip)
    encoder = image_encoder(settings)
    assert (encoder.name, encoder.revision, encoder.dimension) == (str(clip), settings.image_revision, 48)
    with pytest.raises(ModelNotFoundError, match="sha256-0123456789abcdef is wanted"):
        image_encoder(ModelSettings(image=str(clip), image_revision="sha256-0123456789abcdef"))


def test_a_changed_model_has_another_digest(clip: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(clip, tmp_path / "copy")
    assert content_digest(copy) == content_digest(clip)
    (copy / "config.json").write_text("{}")
    assert content_digest(copy) != content_digest(clip)


def test_the_mirror_holds_plain_folders(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(clip, tmp_path / "mirror" / "org" / "name")
    monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path / "mirror"))
    assert find_model("org/name", "", "x").revision == content_digest(clip)
    assert find_model("org/name", COMMIT, "x").revision == COMMIT


@pytest.mark.parametrize("below", [".", "hub"])
@pytest.mark.parametrize("revision", ["", COMMIT])
def test_the_mirror_may_be_a_copy_of_the_hubs_cache(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str, revision: str
) -> None:
    model = tmp_path / "mirror" / below / "models--org--name"
    shutil.copytree(clip, model / "snapshots" / COMMIT)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(COMMIT)
    monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path / "mirror"))
    assert find_model("org/name", revision, "x").revision == COMMIT
    with pytest.raises(ModelNotFoundError, match="at revision 0000"):
        find_model("org/name", "0000", "x")


def test_pickled_weights_are_not_loaded(tmp_path: Path) -> None:
    folder = sentence_checkpoint(tmp_path / "m")
    for weights in folder.rglob("*.safetensors"):
        weights.rename(weights.with_name("pytorch_model.bin"))
    with pytest.raises(ModelNotFoundError, match="pickled weights are not loaded"):
        text_encoder(ModelSettings(text=str(folder)))


def test_a_pickled_part_beside_sound_ones_is_refused_too(tmp_path: Path) -> None:
    folder = sentence_checkpoint(tmp_path / "m")
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelNotFoundError, match=r"2_Dense.*is pickled"):
        text_encoder(ModelSettings(text=str(folder)))
