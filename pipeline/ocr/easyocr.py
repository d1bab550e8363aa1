"""EasyOCR's networks: the CRAFT detector (Baek et al., CVPR 2019) and its CTC recognisers.

EasyOCR's Reader looks at one sheet at a time, walks over the whole heat map once per piece of text, and
deletes a weights file whose checksum it does not know. Here its networks are loaded from their weights
and driven in batches, which also admits weights that were fine-tuned.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.config import OcrSettings
from pipeline.errors import ModelNotFoundError
from pipeline.ocr import ctc, reader
from pipeline.ocr.crops import by_width, clip
from pipeline.ocr.ctc import Chars
from pipeline.ocr.engines import Reading
from pipeline.ocr.lines import Patch
from pipeline.pixels import Sheet

_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
_SPREAD = np.array([0.229, 0.224, 0.225], dtype=np.float32)
_STRIDE = 32
_LINE_HEIGHT_PX = 64
_WIDTH_STEP_PX = 64
_BATCH_WIDTH_PX = 16384
_SMALLEST = 10  # pixels of a map
_TEXT, _LOW_TEXT, _LINK = 0.7, 0.4, 0.4  # EasyOCR's thresholds on CRAFT's two maps
_REACH_SECONDS = 5


class EasyOcrEngine:
    """CRAFT and a recogniser on the GPU where the process sees one, else on one CPU thread."""

    def __init__(self, settings: OcrSettings, weights: Path | None = None) -> None:
        import torch

        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        folder = weights or weights_folder()
        self._recogniser = _Recogniser(folder, settings.languages, self._device)
        self._detector = _Detector(folder, settings.scale, self._device)

    @property
    def name_and_version(self) -> str:
        return f"easyocr {version('easyocr')} craft_mlt_25k {self._recogniser.name}"

    def read(self, images: Sequence[Sheet]) -> list[list[Reading]]:
        """The text of each sheet. Raises MemoryError when the GPU has no room for the batch."""
        import torch

        try:
            with torch.inference_mode():
                return reader.read(images, self._detector, self._recogniser)
        except torch.cuda.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise MemoryError(str(error)) from error


class _Detector:
    def __init__(self, folder: Path, scale: float, device: Any) -> None:
        from easyocr.config import detection_models
        from easyocr.craft import CRAFT

        self.scale, self.device = scale, device
        net = CRAFT()
        net.load_state_dict(_weights(folder, detection_models["craft"]))
        self.net = net.eval().to(device)

    def patches(self, images: Sequence[Sheet]) -> list[list[Patch]]:
        """Sheets of one size share a batch; the others go after one another."""
        shapes: dict[tuple[int, ...], list[int]] = {}
        for index, image in enumerate(images):
            shapes.setdefault(image.shape, []).append(index)
        found: list[list[Patch]] = [[] for _ in images]
        for indices in shapes.values():
            for index, maps in zip(indices, self._heat([images[i] for i in indices]), strict=True):
                found[index] = text_patches(maps, images[index].shape)
        return found

    def _heat(self, images: Sequence[Sheet]) -> NDArray[np.float32]:
        """N x H/2 x W/2 x 2: how surely a pixel is text, and a link between two characters."""
        import cv2
        import torch

        size = tuple(max(_STRIDE, round(side * self.scale / _STRIDE) * _STRIDE) for side in images[0].shape)
        small = [cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA) for image in images]
        colours = (np.stack(small)[..., None].astype(np.float32) / 255.0 - _MEAN) / _SPREAD
        maps, _ = self.net(torch.from_numpy(colours.transpose(0, 3, 1, 2)).to(self.device))
        heat: NDArray[np.float32] = maps.float().cpu().numpy()
        return heat


def text_patches(maps: NDArray[np.float32], shape: tuple[int, ...]) -> list[Patch]:
    """The connected text of one sheet's maps, in sheet pixels."""
    import cv2

    text, link = maps[..., 0], maps[..., 1]
    together = ((text > _LOW_TEXT) | (link > _LINK)).astype(np.uint8)
    count, names, stats, _ = cv2.connectedComponentsWithStats(together, connectivity=4)
    strongest = np.zeros(count, dtype=np.float32)
    np.maximum.at(strongest, names.ravel(), text.ravel())
    down, across = shape[0] / maps.shape[0], shape[1] / maps.shape[1]
    patches = []
    for x, y, width, height, area in stats[1:][(stats[1:, 4] >= _SMALLEST) & (strongest[1:] >= _TEXT)].tolist():
        grow = 1 + (area * min(width, height) / (width * height)) ** 0.5  # CRAFT's maps are narrower than the text
        core = (x * across, y * down, (x + width) * across, (y + height) * down)
        box = ((x - grow) * across, (y - grow) * down, (x + width + grow) * across, (y + height + grow) * down)
        inside = clip(box, shape[0], shape[1]), clip(core, shape[0], shape[1])
        if inside[0] and inside[1]:
            patches.append(Patch(inside[0], inside[1]))
    return patches


class _Recogniser:
    def __init__(self, folder: Path, languages: Sequence[str], device: Any) -> None:
        from easyocr.config import recognition_models
        from easyocr.model.vgg_model import Model

        self.name = "english_g2" if set(languages) <= {"en"} else "latin_g2"
        model = recognition_models["gen2"][self.name]
        self.alphabet, self.device = list(model["characters"]), device
        net = Model(input_channel=1, output_channel=256, hidden_size=256, num_class=len(self.alphabet) + 1)
        net.load_state_dict(_weights(folder, model))
        self.net = net.eval().to(device)

    def chars(self, crops: Sequence[Sheet]) -> list[Chars]:
        """Crops of all sheets in batches of similar width."""
        import torch

        lines = [_line(crop) for crop in crops]
        found: list[Chars] = [()] * len(lines)
        for group in by_width((line.shape[1] for line in lines), _WIDTH_STEP_PX, _BATCH_WIDTH_PX):
            width = -(-max(lines[i].shape[1] for i in group) // _WIDTH_STEP_PX) * _WIDTH_STEP_PX
            # The right edge is repeated, as the networks were trained.
            padded = [np.pad(lines[i], ((0, 0), (0, width - lines[i].shape[1])), mode="edge") for i in group]
            batch = torch.from_numpy(np.stack(padded)[:, None].astype(np.float32) / 127.5 - 1.0).to(self.device)
            probabilities = self.net(batch, None).float().softmax(dim=2).cpu().numpy()
            filled = [lines[index].shape[1] / width for index in group]
            for index, chars in zip(group, ctc.decode(probabilities, self.alphabet, filled), strict=True):
                found[index] = chars
        return found


def _line(crop: Sheet) -> Sheet:
    import cv2

    height, width = crop.shape
    line_width = max(16, min(4096, round(width * _LINE_HEIGHT_PX / height)))
    line: Sheet = cv2.resize(np.ascontiguousarray(crop), (line_width, _LINE_HEIGHT_PX), interpolation=cv2.INTER_CUBIC)
    return line


def weights_folder() -> Path:
    """``easyocr`` below FIGLAKE_MODELS, else where EasyOCR itself keeps its models."""
    models = os.environ.get("FIGLAKE_MODELS")
    own = os.environ.get("EASYOCR_MODULE_PATH") or str(Path.home() / ".EasyOCR")
    return Path(models) / "easyocr" if models else Path(own) / "model"


def _weights(folder: Path, model: dict[str, Any]) -> dict[str, Any]:
    """A published state dict without the prefix that parallel training left in its names."""
    import torch

    path = folder / model["filename"]
    if not path.is_file():
        _download(model, folder)
    state = torch.load(path, map_location="cpu", weights_only=True)
    return {name.removeprefix("module."): value for name, value in state.items()}


def _download(model: dict[str, Any], folder: Path) -> None:
    """Fetch published weights. Raises ModelNotFoundError when they cannot be had."""
    from urllib.request import Request, urlopen

    from easyocr.utils import calculate_md5, download_and_unzip

    path = folder / model["filename"]
    try:
        with urlopen(Request(model["url"], method="HEAD"), timeout=_REACH_SECONDS):  # noqa: S310 - https, from the package
            folder.mkdir(parents=True, exist_ok=True)
        download_and_unzip(model["url"], model["filename"], str(folder), verbose=False)
    except OSError as error:
        raise ModelNotFoundError(
            f"EasyOCR's weights {model['filename']} are not in {folder} and {model['url']} cannot be reached "
            f"({error}). Put the file there (FIGLAKE_MODELS names the folder above easyocr/), or read with the "
            "bundled engine: --set ocr.engine=rapidocr"
        ) from error
    if calculate_md5(str(path)) != model["md5sum"]:
        path.unlink()
        raise ModelNotFoundError(f"the download of {model['url']} is damaged: its MD5 is not {model['md5sum']}")
