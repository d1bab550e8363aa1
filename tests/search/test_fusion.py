from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.publishing.manifest import Calibration
from pipeline.search.fusion import METHODS, fuse

NONE = np.nan
CALIBRATIONS = {"image": Calibration(100, 0.8, 0.1, {}), "text": Calibration(100, 0.2, 0.2, {})}
SCORES = {
    "image": np.array([0.9, 0.8, NONE], dtype=np.float32),
    "text": np.array([0.4, 0.8, 0.6], dtype=np.float32),
}


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("mean", [0.65, 0.8, 0.7]),  # the missing image counts 0.8, as a random pair would
        ("max", [0.9, 0.8, 0.6]),
        ("calibrated-mean", [1.0, 1.5, 1.0]),  # standard deviations: (1 + 1) / 2, (0 + 3) / 2, (0 + 2) / 2
        ("calibrated-max", [1.0, 3.0, 2.0]),
        ("reciprocal-rank", [1 / 61 + 1 / 63, 1 / 62 + 1 / 61, 1 / 62]),
    ],
)
def test_fusion_of_two_modalities(method: str, expected: list[float]) -> None:
    assert fuse(SCORES, method, CALIBRATIONS) == pytest.approx(expected, abs=1e-6)


def test_a_modality_that_the_query_lacks_is_left_out() -> None:
    alone = {"image": np.array([0.9, 0.5], dtype=np.float32)}
    for method in ("mean", "max"):
        assert fuse(alone, method, CALIBRATIONS) == pytest.approx([0.9, 0.5])


def test_equal_similarities_share_a_rank() -> None:
    found = fuse({"image": np.array([0.5, 0.5, 0.1], dtype=np.float32)}, "reciprocal-rank", {})
    assert found == pytest.approx([1 / 61, 1 / 61, 1 / 63])


def test_an_unknown_fusion_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="unknown fusion 'median'; choose one of: mean, max"):
        fuse(SCORES, "median", {})


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=20), st.sampled_from(METHODS))
def test_one_modality_alone_keeps_its_order(values: list[float], method: str) -> None:
    scores = np.array(values, dtype=np.float32)
    fused = fuse({"image": scores}, method, CALIBRATIONS)
    for left in range(len(values)):
        for right in range(len(values)):
            assert not (scores[left] > scores[right] and fused[left] < fused[right])
