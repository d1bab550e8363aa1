"""RapidOCR's bundled PP-OCRv6 models, driven batch by batch.

RapidOCR's own call takes one sheet, runs its detector at full resolution and pads every crop to 320 px;
its models are better served here: the detector at the resolution at which letters are as large as it was trained
on, crops of many sheets in narrow width steps, and only the characters that patents print. They run on one thread,
since parallelism is the actors': in OpenVINO where the processor multiplies bfloat16, 1.6 times as fast as in ONNX
Runtime, which runs them elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
_SHEETS_KEPT, _LINES_KEPT = 64, 2048  # shapes of each kind of layer: lines come in a hundred shapes, sheets in any
_BATCH_WIDTH_PX = 1024  # crops x padded width of one recogniser batch; larger gets slower on a CPU

#: A batch, N x 3 x H x W float32, in; the network's only answer out.
_Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]


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

        warm = heat > 255 * _WARM
        count, names, stats, _ = cv2.connectedComponentsWithStats(warm.astype(np.uint8), connectivity=8)
        mean = np.bincount(names[warm], heat[warm], count) / np.maximum(1, stats[:, cv2.CC_STAT_AREA])
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
    """Where text is."""

    def __init__(self, settings: OcrSettings) -> None:
        self._net = _network(_DETECTOR)

    def heat(self, smalls: Sequence[Sheet]) -> list[NDArray[np.uint8]]:
        """How surely text is there, 0 to 255; sheets one after another, since on a CPU a batch gains nothing."""
        return [self._heat(small) for small in smalls]

    def _heat(self, small: Sheet) -> NDArray[np.uint8]:
        values = np.repeat(small[None, None].astype(np.float32) / 127.5 - 1.0, 3, axis=1)
        heat = self._net(values)
        surely: NDArray[np.uint8] = np.rint(heat[0, 0] * 255).astype(np.uint8)
        return surely


class Recogniser:
    """SVTR-style line recogniser with a CTC head."""

    def __init__(self, settings: OcrSettings) -> None:
        characters = [*_model(_RECOGNISER).get_rt_info(["framework", "character"]).astype(str).splitlines(), " "]
        read = [i for i, char in enumerate(characters) if is_western(char)]
        self.alphabet = [characters[i] for i in read]
        self._net = _network(_RECOGNISER, [0, *(i + 1 for i in read)])
        self.name = f"rapidocr {version('rapidocr')} PP-OCRv6 small {'bfloat16' if has_bfloat16() else 'float32'}"

    def steps(self, crops: Sequence[Sheet]) -> list[Steps]:
        """Crops of all sheets in batches of similar width."""
        lines = [_line(crop) for crop in crops]
        found: dict[int, Steps] = {}
        for group, width in by_width([line.shape[1] for line in lines], _WIDTH_STEP_PX, _BATCH_WIDTH_PX):
            batch = np.zeros((len(group), 3, _LINE_HEIGHT_PX, width), dtype=np.float32)
            for row, index in enumerate(group):
                batch[row, :, :, : lines[index].shape[1]] = lines[index] / 127.5 - 1.0
            probabilities = self._net(batch)
            filled = [lines[index].shape[1] / width for index in group]
            found.update(zip(group, ctc.steps(probabilities, filled), strict=True))
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


def has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16, as OpenVINO sees it."""
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _network(name: str, classes: Sequence[int] | None = None) -> _Network:
    """A bundled model, of a classifier the probabilities of some classes among themselves.

    In float32 OpenVINO gains a tenth, and without AVX-512 its 2026.4 crashes on the recogniser.
    """
    return _in_bfloat16(name, classes) if has_bfloat16() else _in_float32(name, classes)


def _in_bfloat16(name: str, classes: Sequence[int] | None) -> _Network:
    """By OpenVINO. A crop's answer does not depend on what shares its batch.

    What is prepared for a shape of input is kept for the last ones only: sheets have hundreds of shapes, and a process
    that kept them all asked for 6.5 GB after 130 sheets.
    """
    import openvino

    settings = {
        "INFERENCE_PRECISION_HINT": "bf16",
        "INFERENCE_NUM_THREADS": 1,
        "NUM_STREAMS": 1,
        "CPU_RUNTIME_CACHE_CAPACITY": _SHEETS_KEPT if classes is None else _LINES_KEPT,
        "ENABLE_CPU_PINNING": False,  # all actors would sit on the same core
    }
    model = _model(name) if classes is None else _narrowed(_model(name), classes)
    request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()

    def run(values: NDArray[np.float32]) -> NDArray[np.float32]:
        answer: NDArray[np.float32] = request.infer({0: values}, share_inputs=True)[0]
        return answer

    return run


def _in_float32(name: str, classes: Sequence[int] | None) -> _Network:
    """By ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(_path(name)), options, providers=["CPUExecutionProvider"])

    def run(values: NDArray[np.float32]) -> NDArray[np.float32]:
        answer: NDArray[np.float32] = session.run(None, {"x": values})[0]
        if classes is None:
            return answer
        answer = answer[..., classes]
        answer /= answer.sum(axis=-1, keepdims=True)
        return answer

    return run


def _path(name: str) -> Path:
    import rapidocr

    return Path(rapidocr.__file__).parent / "models" / name


def _model(name: str) -> Any:
    import openvino

    return openvino.Core().read_model(_path(name))


def _narrowed(model: Any, classes: Sequence[int]) -> Any:
    """A classifier that knows some of its classes only: 18,000 that no office writes cost a sixth of its time."""
    import openvino
    from openvino import opset13 as op

    node = model.outputs[0].get_node()
    while node.get_type_name() != "Add":
        node = node.input_value(0).get_node()
    product, bias = (value.get_node() for value in node.input_values())
    weights = product.input_value(1).get_node().data[:, classes]
    scores = op.matmul(product.input_value(0), op.constant(weights), transpose_a=False, transpose_b=False)
    answer = op.softmax(op.add(scores, op.constant(bias.data[classes])), axis=2)
    return openvino.Model([answer], model.get_parameters(), model.get_friendly_name())
