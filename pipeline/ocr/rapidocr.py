"""RapidOCR's bundled PP-OCRv6 models, driven batch by batch.

RapidOCR's own call takes one sheet, runs its detector at full resolution and pads every crop to 320 px;
its models are better served here: the detector at the resolution at which letters are as large as it was trained
on, crops of many sheets in narrow width steps, and only the characters that patents print.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.config import OcrSettings
from pipeline.ocr import ctc
from pipeline.ocr.crops import by_width, clip, reduced_size
from pipeline.ocr.ctc import Steps
from pipeline.ocr.engines import Patch
from pipeline.pixels import Sheet

_DETECTOR = "PP-OCRv6_det_small.onnx"
_RECOGNISER = "PP-OCRv6_rec_small.onnx"
_STRIDE = 32  # the detector's input is a multiple of this on both sides
_LINE_HEIGHT_PX = 48
_WIDTH_STEP_PX = 32
_WARM, _HOT = 0.3, 0.45  # heat of a text's pixels, and their mean
_UNCLIP = 1.6
_LONG_PX, _SQUEEZE = 160, 0.65  # what a line of words is longer than this is set narrower: reading costs by width
_BATCH_WIDTH_PX = 1024  # crops x padded width of one recogniser batch; larger gets slower on a CPU


class View:
    """Differentiable binarisation (Liao et al., AAAI 2020) on a reduced sheet."""

    def __init__(self, settings: OcrSettings) -> None:
        self.scale = settings.scale

    def shrink(self, sheet: Sheet, height_px: float) -> Sheet:
        """The sheet at which its letters are about as high as those of a usual sheet at ``ocr.scale``."""
        import cv2

        size = reduced_size(sheet.shape, self.scale, height_px, _STRIDE)
        small: Sheet = cv2.resize(sheet, size[::-1], interpolation=cv2.INTER_AREA)
        return small

    def patches(self, heat: NDArray[np.uint8], shape: tuple[int, int]) -> list[Patch]:
        """Connected heat, grown by what the network was trained to shrink text by, in the sheet's pixels."""
        import cv2

        count, names, stats, _ = cv2.connectedComponentsWithStats((heat > 255 * _WARM).astype(np.uint8), connectivity=8)
        mean = np.bincount(names.ravel(), heat.ravel(), count) / np.maximum(1, stats[:, cv2.CC_STAT_AREA])
        down, across = shape[0] / heat.shape[0], shape[1] / heat.shape[1]
        hot = (mean[1:] >= 255 * _HOT) & (stats[1:, 2:4].min(axis=1) >= 2)
        patches = []
        for x, y, width, height, area in stats[1:][hot].tolist():
            grow = _UNCLIP * area / (2 * (width + height))
            core = (x * across, y * down, (x + width) * across, (y + height) * down)
            box = ((x - grow) * across, (y - grow) * down, (x + width + grow) * across, (y + height + grow) * down)
            inside = clip(box, *shape), clip(core, *shape)
            if inside[0] and inside[1]:
                patches.append(Patch(inside[0], inside[1]))
        return patches


class Detector:
    """Where text is, by ONNX Runtime on one thread."""

    def __init__(self, settings: OcrSettings) -> None:
        self.session = _session(_DETECTOR)

    def heat(self, smalls: Sequence[Sheet]) -> list[NDArray[np.uint8]]:
        """How surely text is there, 0 to 255; sheets one after another, since on a CPU a batch gains nothing."""
        return [self._heat(small) for small in smalls]

    def _heat(self, small: Sheet) -> NDArray[np.uint8]:
        values = np.repeat(small[None, None].astype(np.float32) / 127.5 - 1.0, 3, axis=1)
        (heat,) = self.session.run(None, {"x": values})
        surely: NDArray[np.uint8] = np.rint(heat[0, 0] * 255).astype(np.uint8)
        return surely


class Recogniser:
    """SVTR-style line recogniser with a CTC head, by ONNX Runtime on one thread."""

    def __init__(self, settings: OcrSettings) -> None:
        self.name = f"rapidocr {version('rapidocr')} PP-OCRv6 small"
        self.session = _session(_RECOGNISER)
        characters = [*self.session.get_modelmeta().custom_metadata_map["character"].splitlines(), " "]
        #: Of 18,709 characters, most of them Chinese, those that are written in the offices' languages.
        self._classes = [0, *(i + 1 for i, char in enumerate(characters) if is_western(char))]
        self.alphabet = [characters[i - 1] for i in self._classes[1:]]

    def steps(self, crops: Sequence[Sheet]) -> list[Steps]:
        """Crops of all sheets in batches of similar width."""
        lines = [_line(crop) for crop in crops]
        found: dict[int, Steps] = {}
        for group, width in by_width([line.shape[1] for line in lines], _WIDTH_STEP_PX, _BATCH_WIDTH_PX):
            batch = np.zeros((len(group), 3, _LINE_HEIGHT_PX, width), dtype=np.float32)
            for row, index in enumerate(group):
                batch[row, :, :, : lines[index].shape[1]] = lines[index] / 127.5 - 1.0
            (probabilities,) = self.session.run(None, {"x": batch})
            filled = [lines[index].shape[1] / width for index in group]
            found.update(zip(group, ctc.steps(probabilities[..., self._classes], filled), strict=True))
        return [found[index] for index in range(len(lines))]


def is_western(char: str) -> bool:
    """True for Latin and Greek letters, digits and the signs that go with them."""
    code = ord(char) if len(char) == 1 else 0
    return 0x20 <= code < 0x180 or 0x370 <= code < 0x400 or char in "–—‘’“”…‰′″€←↑→↓√∞∠≠≤≥"


def _line(crop: Sheet) -> Sheet:
    import cv2

    height, width = crop.shape
    line_width = round(width * _LINE_HEIGHT_PX / height)
    line_width = max(8, min(3200, line_width, round(_LONG_PX + _SQUEEZE * (line_width - _LONG_PX))))
    resized: Sheet = cv2.resize(
        np.ascontiguousarray(crop), (line_width, _LINE_HEIGHT_PX), interpolation=cv2.INTER_LINEAR
    )
    return resized


def _session(name: str) -> Any:
    """An ONNX Runtime session on a bundled model, with one thread: parallelism is the actors'."""
    import onnxruntime
    import rapidocr

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    path = Path(rapidocr.__file__).parent / "models" / name
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
