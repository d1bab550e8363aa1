"""EasyOCR's networks: the CRAFT detector (Baek et al., CVPR 2019) and its CTC recognisers.

EasyOCR's Reader looks at one sheet at a time, walks over the whole heat map once per piece of text, and
deletes a weights file whose checksum it does not know. Here its networks are loaded from their weights
and driven in batches, in half precision on a GPU, which also admits weights that were fine-tuned.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.config import OcrSettings
from pipeline.errors import ModelNotFoundError
from pipeline.ocr import ctc
from pipeline.ocr.crops import by_width, clip, reduced_size
from pipeline.ocr.ctc import Steps
from pipeline.ocr.engines import Patch
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


class View:
    """CRAFT's two maps: how surely a pixel is text, and a link between two characters."""

    def __init__(self, settings: OcrSettings) -> None:
        self.scale = settings.scale

    def shrink(self, sheet: Sheet, height_px: float) -> Sheet:
        """The sheet at which its letters are about as high as those of a usual sheet at ``ocr.scale``."""
        import cv2

        size = reduced_size(sheet.shape, self.scale, height_px, _STRIDE)
        small: Sheet = cv2.resize(sheet, size[::-1], interpolation=cv2.INTER_AREA)
        return small

    def patches(self, maps: NDArray[np.float32], shape: tuple[int, int]) -> list[Patch]:
        """The connected text of one sheet's maps (H x W x 2), in sheet pixels."""
        import cv2

        text, link = maps[..., 0], maps[..., 1]
        together = ((text > _LOW_TEXT) | (link > _LINK)).astype(np.uint8)
        count, names, stats, _ = cv2.connectedComponentsWithStats(together, connectivity=4)
        strongest = np.zeros(count, dtype=np.float32)
        np.maximum.at(strongest, names.ravel(), text.ravel())
        down, across = shape[0] / maps.shape[0], shape[1] / maps.shape[1]
        patches = []
        for x, y, width, height, area in stats[1:][(stats[1:, 4] >= _SMALLEST) & (strongest[1:] >= _TEXT)].tolist():
            grow = 1 + (area * min(width, height) / (width * height)) ** 0.5  # the maps are narrower than the text
            core = (x * across, y * down, (x + width) * across, (y + height) * down)
            box = ((x - grow) * across, (y - grow) * down, (x + width + grow) * across, (y + height + grow) * down)
            inside = clip(box, *shape), clip(core, *shape)
            if inside[0] and inside[1]:
                patches.append(Patch(inside[0], inside[1]))
        return patches


class Detector:
    """CRAFT on the GPU where the process sees one, else on one CPU thread."""

    def __init__(self, settings: OcrSettings, weights: Path | None = None) -> None:
        from easyocr.config import detection_models
        from easyocr.craft import CRAFT

        self._net = _Network(CRAFT(), _weights(weights or weights_folder(), detection_models["craft"]))

    def heat(self, smalls: Sequence[Sheet]) -> list[NDArray[np.float32]]:
        """Sheets of one size share a batch; the others go after one another."""
        shapes: dict[tuple[int, ...], list[int]] = {}
        for index, small in enumerate(smalls):
            shapes.setdefault(small.shape, []).append(index)
        found: dict[int, NDArray[np.float32]] = {}
        for indices in shapes.values():
            batch = (np.stack([smalls[i] for i in indices])[..., None].astype(np.float32) / 255.0 - _MEAN) / _SPREAD
            with self._net.running() as run:
                maps, _ = run(np.ascontiguousarray(batch.transpose(0, 3, 1, 2)))
                found.update(zip(indices, maps.float().cpu().numpy(), strict=True))
        return [found[index] for index in range(len(smalls))]


class Recogniser:
    """EasyOCR's second generation of CTC recognisers."""

    def __init__(self, settings: OcrSettings, weights: Path | None = None) -> None:
        from easyocr.config import recognition_models
        from easyocr.model.vgg_model import Model

        model = "english_g2" if set(settings.languages) <= {"en"} else "latin_g2"
        published = recognition_models["gen2"][model]
        self.name = f"easyocr {version('easyocr')} craft_mlt_25k {model}"
        self.alphabet = list(published["characters"])
        net = Model(input_channel=1, output_channel=256, hidden_size=256, num_class=len(self.alphabet) + 1)
        self._net = _Network(net, _weights(weights or weights_folder(), published))

    def steps(self, crops: Sequence[Sheet]) -> list[Steps]:
        """Crops of all sheets in batches of similar width."""
        lines = [_line(crop) for crop in crops]
        found: dict[int, Steps] = {}
        for group, width in by_width([line.shape[1] for line in lines], _WIDTH_STEP_PX, _BATCH_WIDTH_PX):
            # The right edge is repeated, as the networks were trained.
            padded = [np.pad(lines[i], ((0, 0), (0, width - lines[i].shape[1])), mode="edge") for i in group]
            batch = np.stack(padded)[:, None].astype(np.float32) / 127.5 - 1.0
            with self._net.running() as run:
                probabilities = run(batch, None).float().softmax(dim=2).cpu().numpy()
            filled = [lines[index].shape[1] / width for index in group]
            found.update(zip(group, ctc.steps(probabilities, filled), strict=True))
        return [found[index] for index in range(len(lines))]


class _Network:
    """A network on the device of this process, its convolutions channels last and in half precision where the
    hardware multiplies that: on a CPU with bfloat16 it runs 2.6 times as fast, on a GPU without it in float16."""

    def __init__(self, net: Any, state: dict[str, Any]) -> None:
        import torch

        from pipeline.hardware import device, number_format

        net.load_state_dict(state)
        self._device, self._format = device(), number_format("auto")
        if self._device.type == "cuda" and self._format == torch.float32:
            self._format = torch.float16
        self._net = net.eval().to(self._device, memory_format=torch.channels_last)

    @contextmanager
    def running(self) -> Iterator[Any]:
        """A call that takes the batch as float32 N x C x H x W. Raises MemoryError when the GPU has no room for it."""
        import torch

        def run(batch: NDArray[np.float32], *rest: Any) -> Any:
            values = torch.from_numpy(batch).to(self._device, memory_format=torch.channels_last)
            return self._net(values, *rest)

        half = self._format != torch.float32
        try:
            with torch.inference_mode(), torch.autocast(self._device.type, self._format, enabled=half):
                yield run
        except torch.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise MemoryError(str(error)) from error


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
