"""RapidOCR's bundled PP-OCRv6 models, driven batch by batch.

RapidOCR's own call takes one sheet, runs its detector at full resolution and pads every crop to 320 px;
its models are better served here: the detector at ``ocr.scale`` of the resolution, crops of many sheets
in narrow width steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.config import OcrSettings
from pipeline.ocr import ctc, reader
from pipeline.ocr.crops import by_width, clip
from pipeline.ocr.ctc import Chars
from pipeline.ocr.engines import Reading
from pipeline.ocr.lines import Patch
from pipeline.pixels import Sheet

_DETECTOR = "PP-OCRv6_det_small.onnx"
_RECOGNISER = "PP-OCRv6_rec_small.onnx"
_STRIDE = 32  # the detector's input is a multiple of this on both sides
_LINE_HEIGHT_PX = 48
_WIDTH_STEP_PX = 32
_WARM, _HOT = 0.3, 0.45  # heat of a text's pixels, and their mean
_UNCLIP = 1.6
_BATCH_WIDTH_PX = 1024  # crops x padded width of one recogniser batch; larger gets slower on a CPU


class RapidOcrEngine:
    """Detector and recogniser of RapidOCR on ONNX Runtime, one thread per actor."""

    def __init__(self, settings: OcrSettings) -> None:
        self._detector = HeatDetector(settings.scale)
        self._recogniser = LineRecogniser()

    @property
    def name_and_version(self) -> str:
        return f"rapidocr {version('rapidocr')} PP-OCRv6 small"

    def read(self, images: Sequence[Sheet]) -> list[list[Reading]]:
        """The text of each sheet."""
        return reader.read(images, self._detector, self._recogniser)


class HeatDetector:
    """Differentiable binarisation (Liao et al., AAAI 2020) on a reduced sheet."""

    def __init__(self, scale: float) -> None:
        self.scale = scale
        self.session = session(_DETECTOR)

    def patches(self, images: Sequence[Sheet]) -> list[list[Patch]]:
        """Sheets one after another: on a CPU a batch gains nothing."""
        return [text_patches(self.heat(image), image.shape) for image in images]

    def heat(self, image: Sheet) -> NDArray[np.float32]:
        """How surely text is there, 0 to 1, on the reduced sheet."""
        import cv2

        height, width = (max(_STRIDE, round(side * self.scale / _STRIDE) * _STRIDE) for side in image.shape)
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        values = np.repeat(small[None, None].astype(np.float32) / 127.5 - 1.0, 3, axis=1)
        (heat,) = self.session.run(None, {"x": values})
        surely: NDArray[np.float32] = heat[0, 0]
        return surely


def text_patches(heat: NDArray[np.float32], shape: tuple[int, ...]) -> list[Patch]:
    """Connected heat, grown by what the network was trained to shrink text by, in the sheet's pixels."""
    import cv2

    count, names, stats, _ = cv2.connectedComponentsWithStats((heat > _WARM).astype(np.uint8), connectivity=8)
    mean = np.bincount(names.ravel(), heat.ravel(), count) / np.maximum(1, stats[:, cv2.CC_STAT_AREA])
    down, across = shape[0] / heat.shape[0], shape[1] / heat.shape[1]
    patches = []
    for x, y, width, height, area in stats[1:][(mean[1:] >= _HOT) & (stats[1:, 2:4].min(axis=1) >= 2)].tolist():
        grow = _UNCLIP * area / (2 * (width + height))
        core = (x * across, y * down, (x + width) * across, (y + height) * down)
        box = ((x - grow) * across, (y - grow) * down, (x + width + grow) * across, (y + height + grow) * down)
        inside = clip(box, shape[0], shape[1]), clip(core, shape[0], shape[1])
        if inside[0] and inside[1]:
            patches.append(Patch(inside[0], inside[1]))
    return patches


class LineRecogniser:
    """SVTR-style line recogniser with a CTC head."""

    def __init__(self) -> None:
        self.session = session(_RECOGNISER)
        characters = self.session.get_modelmeta().custom_metadata_map["character"].splitlines()
        self.alphabet = [*characters, " "]

    def chars(self, crops: Sequence[Sheet]) -> list[Chars]:
        """Crops of all sheets in batches of similar width."""
        lines = [_line(crop) for crop in crops]
        found: list[Chars] = [()] * len(lines)
        for group in by_width((line.shape[1] for line in lines), _WIDTH_STEP_PX, _BATCH_WIDTH_PX):
            width = -(-max(lines[i].shape[1] for i in group) // _WIDTH_STEP_PX) * _WIDTH_STEP_PX
            batch = np.zeros((len(group), 3, _LINE_HEIGHT_PX, width), dtype=np.float32)
            for row, index in enumerate(group):
                batch[row, :, :, : lines[index].shape[1]] = lines[index] / 127.5 - 1.0
            (probabilities,) = self.session.run(None, {"x": batch})
            filled = [lines[index].shape[1] / width for index in group]
            for index, chars in zip(group, ctc.decode(probabilities, self.alphabet, filled), strict=True):
                found[index] = chars
        return found


def _line(crop: Sheet) -> Sheet:
    import cv2

    height, width = crop.shape
    line_width = max(8, min(3200, round(width * _LINE_HEIGHT_PX / height)))
    resized: Sheet = cv2.resize(
        np.ascontiguousarray(crop), (line_width, _LINE_HEIGHT_PX), interpolation=cv2.INTER_LINEAR
    )
    return resized


def session(name: str) -> Any:
    """An ONNX Runtime session on a bundled model, with one thread: parallelism is the actors'."""
    import onnxruntime
    import rapidocr

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    path = Path(rapidocr.__file__).parent / "models" / name
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
