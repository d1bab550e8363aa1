"""From patches to readings, with a detector and a recogniser that can be seen through."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.ocr.crops import Box, clip
from pipeline.ocr.ctc import Char, Chars, decode
from pipeline.ocr.ink import find_ink
from pipeline.ocr.lines import Patch, cut, find_lines, word_gaps
from pipeline.ocr.reader import _with_degrees, read
from pipeline.pixels import Sheet
from tests.ocr.drawn import sheet

BLANK = np.full((40, 60), 255, np.uint8)


def ink_boxes(page: Sheet, grow: int = 6) -> list[Patch]:
    """Patches around the ink, pieces closer than a letter together."""
    import cv2

    thick = cv2.dilate((page < 128).astype(np.uint8), np.ones((31, 31), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(thick)
    patches = []
    for x, y, w, h, _ in stats[1:].tolist():
        core = clip((x + 15, y + 15, x + w - 15, y + h - 15), *page.shape)
        box = clip((x + 15, y + 15, x + w - 15, y + h - 15), *page.shape, grow)
        if core and box:
            patches.append(Patch(box, core))
    return patches


class InkDetector:
    """Takes all ink for text."""

    def patches(self, images: Sequence[Sheet]) -> list[list[Patch]]:
        return [ink_boxes(image) for image in images]


class Counting:
    """Reads a crop as one character per component, sure when it is wider than high."""

    def chars(self, crops: Sequence[Sheet]) -> list[Chars]:
        return [self._one(crop) for crop in crops]

    def _one(self, crop: Sheet) -> Chars:
        boxes = find_ink(np.ascontiguousarray(crop)).boxes
        sure = 0.99 if crop.shape[1] > crop.shape[0] else 0.6
        middles = sorted((box[0] + box[2]) / 2 / crop.shape[1] for box in boxes)
        return tuple(Char("x", sure, float(at)) for at in middles)


def test_a_crop_holds_the_characters_and_not_the_line_beside_them() -> None:
    page = sheet([("12", 100, 100, 0)], 300, 200)
    page[60:180, 95:97] = 0  # a line of the drawing through the patch
    patch = Patch((90, 95, 160, 140), (102, 104, 145, 130))
    (line,) = find_lines(find_ink(page), [patch])
    crop = cut(page, find_ink(page), line)
    assert line.clean and line.axis == 0 and len(line.glyphs) == 2
    assert np.array_equal(crop == 0, (page[line.crop[1] : line.crop[3], line.crop[0] : line.crop[2]] == 0))
    assert len(find_ink(crop).area) == 2


def test_a_character_that_touches_the_drawing_is_read_with_what_it_touches() -> None:
    page = sheet([("12", 100, 100, 0)], 300, 200)
    ys, xs = np.nonzero(page == 0)
    page[ys.max() : ys.max() + 3, xs.max() - 10 : 300] = 0  # joins the 2
    patch = Patch((90, 90, 160, 145), (int(xs.min()), int(ys.min()), int(xs.max()), int(ys.max())))
    (line,) = find_lines(find_ink(page), [patch])
    assert not line.clean and line.crop == patch.box


def test_white_space_between_words_is_found_in_reading_direction() -> None:
    for turn, expected in ((0, 0.34), (90, 0.34), (270, 0.66)):
        page = np.full((200, 200), 255, np.uint8)
        for start in (20, 80, 100, 120):  # one letter, a gap, three letters
            page[50:80, start : start + 15] = 0
        if turn:
            page = np.ascontiguousarray(page.T)
        patch = Patch((15, 45, 140, 85), (20, 50, 135, 80)) if not turn else Patch((45, 15, 85, 140), (50, 20, 80, 135))
        (line,) = find_lines(find_ink(page), [patch])
        (gap,) = word_gaps(find_ink(page), line, turn)
        assert gap == pytest.approx(expected, abs=0.01)


def test_pieces_of_a_turned_word_are_joined() -> None:
    page = sheet([("VALVE", 100, 50, 270)], 300, 300)
    letters = find_ink(page).boxes
    pieces = [np.concatenate([b[:, :2].min(axis=0), b[:, 2:].max(axis=0)]) for b in (letters[:2], letters[2:])]
    patches = [
        Patch(tuple((piece + (-3, -3, 3, 3)).tolist()), tuple(piece.tolist()))  # noqa: RUF005 - arithmetic
        for piece in pieces
    ]
    (line,) = find_lines(find_ink(page), patches)
    assert line.axis == 1 and len(line.glyphs) == 5


@pytest.mark.parametrize("turn", [0, 90, 270])
def test_a_reading_lies_on_its_ink_whichever_way_the_sheet_stands(turn: int) -> None:
    page = sheet([("1234", 100, 50, turn), ("5678", 260, 180, turn)], 500, 400)
    found = read([page], InkDetector(), Counting())[0]
    assert sorted(len(r.text.replace(" ", "")) for r in found) == [4, 4]
    for reading in found:
        assert reading.angle in ((0,) if turn == 0 else (90, 270))
        x0, y0 = (int(v) for v in reading.polygon.min(axis=0))
        x1, y1 = (int(v) for v in reading.polygon.max(axis=0))
        inked = page[y0:y1, x0:x1] == 0
        assert inked[[0, -1]].any(axis=1).all() and inked[:, [0, -1]].any(axis=0).all()  # tight


def test_a_lone_character_that_touches_the_drawing_is_not_text() -> None:
    page = sheet([("7", 100, 100, 0)], 300, 200)
    page[100:103, 0:300] = 0
    detector = Fixed([Patch((90, 90, 140, 150), (100, 100, 130, 140))])
    assert read([page], detector, Counting()) == [[]]


class Fixed:
    """Finds the same patches on every sheet."""

    def __init__(self, patches: list[Patch]) -> None:
        self.found = patches

    def patches(self, images: Sequence[Sheet]) -> list[list[Patch]]:
        return [self.found for _ in images]


def _patch(box: Box) -> Patch:
    return Patch(box, box)


@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 50), st.integers(1, 50)), elements=st.sampled_from([0, 255])),
    st.lists(st.tuples(*[st.integers(0, 49)] * 4), max_size=6),
)
@settings(max_examples=80, deadline=None)
def test_no_image_and_no_patches_make_the_reader_fail(image: Sheet, corners: list[Box]) -> None:
    boxes = [clip((min(a, c), min(b, d), max(a, c) + 1, max(b, d) + 1), *image.shape) for a, b, c, d in corners]
    for reading in read([image], Fixed([_patch(box) for box in boxes if box]), Counting())[0]:
        assert reading.angle in (0, 90, 180, 270) and reading.polygon.shape == (4, 2)
        assert (reading.polygon >= 0).all() and (reading.polygon <= image.shape[::-1]).all()


def test_greedy_decoding_drops_blanks_and_repeats_and_says_where() -> None:
    steps = [0, 1, 1, 0, 1, 2, 0, 0]
    probabilities = np.full((1, 8, 3), 0.05, np.float32)
    probabilities[0, range(8), steps] = 0.9
    (chars,) = decode(probabilities, ["a", "b"], [0.5])
    assert [(c.text, round(c.confidence, 2), round(c.at, 3)) for c in chars] == [
        ("a", 0.9, 0.375), ("a", 0.9, 1.0), ("b", 0.9, 1.0)]  # fmt: skip


@pytest.mark.parametrize(("last", "read_as"), [(40, "1010"), (20, "101°")])
def test_a_small_ring_after_digits_is_a_degree_sign(last: int, read_as: str) -> None:
    chars = tuple(Char(text, 0.9, at) for text, at in zip("1010", (0.1, 0.4, 0.6, 0.9), strict=True))
    assert "".join(c.text for c in _with_degrees(chars, [40, 41, 40, last])) == read_as
    assert _with_degrees(chars, [40, last]) == chars
