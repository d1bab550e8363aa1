"""Where a model's files lie: a folder, a mirror, the hub's cache or the hub, asked in this order and at once."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ModelNotFoundError

#: The folder that mirrors models for machines without internet.
MIRROR_VARIABLE = "FIGLAKE_MODELS"
#: Everything a model needs here; pickled weights are not among it.
_FILES = ("*.json", "*.txt", "*.model", "*.safetensors")
_NOT_FILES = ("onnx/*", "openvino/*", "*/onnx/*", "*/openvino/*")
_HUB_TIMEOUT_S = 5.0
_DIGEST = re.compile(r"sha256-[0-9a-f]{16}")


@dataclass(frozen=True)
class ModelFiles:
    """A folder that can be loaded without a network.

    ``revision`` is the hub's commit, or for a plain folder a digest of its content (sha256-…).
    """

    folder: Path
    revision: str


def find_model(name: str, revision: str, builtin: str) -> ModelFiles:
    """The files of a model named by a folder or a hub id, at a revision (empty: any).

    A revision that is a content digest is checked; a commit is believed of a plain folder. Raises
    ModelNotFoundError, without long waits, with where it looked and what to do; ``builtin`` is the
    alternative it offers.
    """
    looked: list[str] = []
    found = _local(name, revision, looked) or _from_hub(name, revision, looked)
    if found is None:
        raise ModelNotFoundError(_advice(name, revision, looked, builtin))
    _require_safetensors(found.folder, name)
    return found


def content_digest(folder: Path) -> str:
    """sha256- and 16 hex digits over the names and contents of the files that make the model."""
    total = hashlib.sha256()
    for path in sorted({path for pattern in _FILES for path in folder.rglob(pattern)}):
        relative = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in relative.parts):
            with path.open("rb") as stream:
                total.update(f"{relative.as_posix()} {hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return f"sha256-{total.hexdigest()[:16]}"


def _local(name: str, revision: str, looked: list[str]) -> ModelFiles | None:
    """From a plain folder, or from a folder in the layout of the hub's cache."""
    mirror = os.environ.get(MIRROR_VARIABLE)
    plain = [Path(name).expanduser()] + ([Path(mirror).expanduser() / name] if mirror else [])
    for folder in plain:
        if folder.is_dir():
            return _plain(folder, name, revision)
        looked.append(f"the folder {folder}")
    if not _is_hub_id(name):
        return None
    for cache in [Path(mirror).expanduser(), Path(mirror).expanduser() / "hub"] if mirror else []:
        if (found := _snapshot(name, revision, cache)) is not None:
            return found
    if not mirror:
        looked.append(f"{MIRROR_VARIABLE} (not set)")
    if (found := _snapshot(name, revision, None)) is None:
        looked.append("the hub's cache on this machine")
    return found


def _plain(folder: Path, name: str, revision: str) -> ModelFiles:
    if revision and not _DIGEST.fullmatch(revision):
        return ModelFiles(folder, revision)
    digest = content_digest(folder)
    if revision and revision != digest:
        raise ModelNotFoundError(
            f"{name}: the folder {folder} holds {digest}, and {revision} is wanted; put that model back, "
            "or embed the archives again with this one"
        )
    return ModelFiles(folder, digest)


def _snapshot(name: str, revision: str, cache: Path | None) -> ModelFiles | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, revision=revision or None, cache_dir=cache, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return ModelFiles(folder, folder.name)


def _from_hub(name: str, revision: str, looked: list[str]) -> ModelFiles | None:
    """Ask the hub once, with a short time limit, before anything is downloaded."""
    if not _is_hub_id(name) or _DIGEST.fullmatch(revision):
        return None
    from huggingface_hub import HfApi, constants, snapshot_download

    if constants.HF_HUB_OFFLINE:
        looked.append(f"not {constants.ENDPOINT}, because HF_HUB_OFFLINE is set")
        return None
    try:
        commit = HfApi().model_info(name, revision=revision or None, timeout=_HUB_TIMEOUT_S).sha
        folder = snapshot_download(
            name, revision=commit, allow_patterns=list(_FILES), ignore_patterns=list(_NOT_FILES),
            etag_timeout=_HUB_TIMEOUT_S,
        )  # fmt: skip
    except Exception as error:  # no route, no such model, no permission: all end in the same advice
        looked.append(f"{constants.ENDPOINT} ({str(error).strip().splitlines()[0]})")
        return None
    return ModelFiles(Path(folder), Path(folder).name)


def _is_hub_id(name: str) -> bool:
    return re.fullmatch(r"[\w.-]+(?:/[\w.-]+)?", name) is not None and not name.startswith(".")


def _require_safetensors(folder: Path, name: str) -> None:
    """Pickled weights can run code when they are loaded: a folder that would need them is refused."""
    if not any(folder.rglob("*.safetensors")):
        raise ModelNotFoundError(
            f"{name}: {folder} holds no weights in safetensors (*.safetensors); pickled weights are not loaded"
        )
    for pickled in folder.rglob("pytorch_model*.bin"):
        if not any(pickled.parent.glob("*.safetensors")):
            raise ModelNotFoundError(f"{name}: {pickled} is pickled; convert it to safetensors")


def _advice(name: str, revision: str, looked: list[str], builtin: str) -> str:
    mirror = os.environ.get(MIRROR_VARIABLE)
    where = f"{mirror}/{name}" if mirror else f"a folder that {MIRROR_VARIABLE} names, as {name} below it"
    at = f" at revision {revision}" if revision else ""
    return (
        f"the model {name}{at} is not to be had; looked in {'; '.join(looked) or 'no place'}. "
        f"Put its files into {where}, name a local folder, or choose {builtin}, which needs no download"
    )
