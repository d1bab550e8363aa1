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

from pipeline.config import OcrSettings
from pipeline.ocr import ctc, turned
from pipeline.ocr.crops import Box, bounding_box, by_width
from pipeline.ocr.engines import Reading, Sheet

_DETECTOR = "PP-OCRv6_det_small.onnx"
_RECOGNISER = "PP-OCRv6_rec_small.onnx"
_STRIDE = 32  # the detector's input is a multiple of this on both sides
_LINE_HEIGHT_PX = 48
_WIDTH_STEP_PX = 32
_BATCH_WIDTH_PX = 1024  # crops x padded width of one recogniser batch; larger gets slower on a CPU


class RapidOcrEngine:
    """Detector and recogniser of RapidOCR on ONNX Runtime, one thread per actor."""

    def __init__(self, settings: OcrSettings) -> None:
        self._detector = _Detector(settings.scale)
        self._recogniser = _Recogniser()

    @property
    def name_and_version(self) -> str:
        return f"rapidocr {version('rapidocr')} PP-OCRv6 small"

    def read(self, images: Sequence[Sheet]) -> list[list[Reading]]:
        """The text of each sheet."""
        return turned.read(images, self._detector, self._recogniser)


class _Detector:
    """Differentiable binarisation (Liao et al., AAAI 2020) on a reduced sheet."""

    def __init__(self, scale: float) -> None:
        from rapidocr.ch_ppocr_det.utils import DBPostProcess

        self.scale = scale
        self.session = session(_DETECTOR)
        self.boxes_of = DBPostProcess(thresh=0.3, box_thresh=0.5, unclip_ratio=1.6, use_dilation=True)

    def boxes(self, images: Sequence[Sheet]) -> list[list[Box]]:
        return [self._boxes(image) for image in images]

    def _boxes(self, image: Sheet) -> list[Box]:
        import cv2

        height, width = (max(_STRIDE, round(side * self.scale / _STRIDE) * _STRIDE) for side in image.shape)
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        values = np.repeat(small[None, None].astype(np.float32) / 127.5 - 1.0, 3, axis=1)
        (heat,) = self.session.run(None, {"x": values})
        quads, _ = self.boxes_of(heat, image.shape)
        return [bounding_box(np.asarray(quad, dtype=np.float32)) for quad in quads]


class _Recogniser:
    """SVTR-style line recogniser with a CTC head."""

    def __init__(self) -> None:
        self.session = session(_RECOGNISER)
        characters = self.session.get_modelmeta().custom_metadata_map["character"].splitlines()
        self.alphabet = [*characters, " "]

    def texts(self, crops: Sequence[Sheet]) -> list[tuple[str, float]]:
        lines = [_line(crop) for crop in crops]
        texts: list[tuple[str, float]] = [("", 0.0)] * len(lines)
        for group in by_width((line.shape[1] for line in lines), _WIDTH_STEP_PX, _BATCH_WIDTH_PX):
            width = -(-max(lines[i].shape[1] for i in group) // _WIDTH_STEP_PX) * _WIDTH_STEP_PX
            batch = np.zeros((len(group), 3, _LINE_HEIGHT_PX, width), dtype=np.float32)
            for row, index in enumerate(group):
                batch[row, :, :, : lines[index].shape[1]] = lines[index] / 127.5 - 1.0
            (probabilities,) = self.session.run(None, {"x": batch})
            for index, text in zip(group, ctc.decode(probabilities, self.alphabet), strict=True):
                texts[index] = text
        return texts


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
