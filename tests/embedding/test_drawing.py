"""Figures on their canvases."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pipeline.embedding.drawing import Preparation, cut, trim
from pipeline.errors import Reason, RejectedItemError


def drawing(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Lines on paper that touch all four edges."""
    import cv2

    sheet = np.full((height, width), 255, np.uint8)
    ends = np.random.default_rng(seed).integers(0, (width, height), (12, 2, 2))
    for start, stop in ends:
        cv2.line(sheet, start.tolist(), stop.tolist(), 0, 3)
    cv2.rectangle(sheet, (0, 0), (width - 1, height - 1), 0, 3)
    return sheet


def test_a_box_is_cut_without_what_lies_outside_the_sheet() -> None:
    sheet = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert cut(sheet, (1, 1, 3, 3)).tolist() == [[5, 6], [9, 10]]
    assert cut(sheet, (-5, 2, 99, 99)).tolist() == [[8, 9, 10, 11]]


def test_margins_are_trimmed_away() -> None:
    sheet = np.full((9, 9), 255, np.uint8)
    sheet[2, 3] = sheet[5, 7] = 0
    assert trim(sheet).shape == (4, 5)


@pytest.mark.parametrize("shape", [(5, 5), (0, 4), (4, 0)])
def test_a_drawing_without_ink_is_rejected(shape: tuple[int, int]) -> None:
    with pytest.raises(RejectedItemError) as caught:
        Preparation(16)(np.full(shape, 255, np.uint8))
    assert caught.value.reason is Reason.IMAGE_UNREADABLE


@pytest.mark.parametrize("shape", [(700, 700), (3000, 1000), (401, 2999), (1533, 2047), (60, 20), (1, 900)])
def test_the_canvas_shows_the_whole_square_as_a_full_resampling_would(shape: tuple[int, int]) -> None:
    picture = drawing(*shape)
    side = max(shape)
    square = np.full((side, side), 255, np.uint8)
    top, left = (side - shape[0]) // 2, (side - shape[1]) // 2
    square[top : top + shape[0], left : left + shape[1]] = picture
    expected = np.asarray(Image.fromarray(square).resize((64, 64), Image.Resampling.BICUBIC)).astype(float)
    found = Preparation(64)(picture).astype(float)
    assert np.abs(found - expected).mean() < 0.3
    assert np.abs(found - expected).max() < 8


def test_empty_margins_change_nothing() -> None:
    picture = drawing(500, 300)
    on_a_page = np.full((2000, 1500), 255, np.uint8)
    on_a_page[700:1200, 100:400] = picture
    assert np.array_equal(Preparation(64)(picture), Preparation(64)(on_a_page))
