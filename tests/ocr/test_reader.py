"""From patches to readings, with a detector and a recogniser that can be seen through."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.ocr import ctc
from pipeline.ocr.crops import Box, clip
from pipeline.ocr.ctc import Alternative, Char, Steps
from pipeline.ocr.engines import Patch, Reading
from pipeline.ocr.ink import find_ink
from pipeline.ocr.lines import find_lines
from pipeline.ocr.pages import prepare
from pipeline.ocr.readings import _with_degrees, _without_tildes, word_gaps
from pipeline.ocr.stages import detect, find, finish, recognise
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


class Ink:
    """A view and a detector that take all ink for text, or find the patches that they are given."""

    def __init__(self, found: list[Patch] | None = None) -> None:
        self.found = found

    def shrink(self, sheet: Sheet, height_px: float) -> Sheet:
        return sheet

    def heat(self, smalls: Sequence[Sheet]) -> list[Sheet]:
        return list(smalls)

    def patches(self, heat: Sheet, shape: tuple[int, int]) -> list[Patch]:
        return ink_boxes(heat) if self.found is None else self.found


class Counting:
    """Reads a crop as one character per component, sure when it is wider than high."""

    name, alphabet = "counting", ["x"]

    def steps(self, crops: Sequence[Sheet]) -> list[Steps]:
        return [self._one(crop) for crop in crops]

    def _one(self, crop: Sheet) -> Steps:
        boxes = find_ink(np.ascontiguousarray(crop)).boxes
        sure = 0.99 if crop.shape[1] > crop.shape[0] else 0.6
        at = {int((box[0] + box[2]) / 2) for box in boxes}
        classes = np.array([[1, 0] if step in at else [0, 1] for step in range(crop.shape[1])], np.int32)
        values = np.tile(np.array([[sure, 1 - sure]], np.float32), (len(classes), 1))
        return Steps(classes, values, 1.0)


def read(images: Sequence[Sheet], ink: Ink) -> list[list[Reading]]:
    """All stages of reading but the decoding of image files."""
    found = [find(sheet, ink) for sheet in detect([prepare(image, ink) for image in images], ink)]
    return [finish(sheet).readings for sheet in recognise(found, Counting())]


def test_a_crop_holds_the_characters_and_not_the_line_beside_them() -> None:
    page = sheet([("12", 100, 100, 0)], 300, 200)
    page[60:180, 95:97] = 0  # a line of the drawing through the patch
    patch = Patch((90, 95, 160, 140), (102, 104, 145, 130))
    (line,) = find_lines(page, find_ink(page), [patch])
    assert line.clean and line.axis == 0 and line.glyphs == 2
    x0, y0, x1, y1 = line.box
    assert np.count_nonzero(line.crop == 0) == np.count_nonzero(page[y0:y1, x0:x1] == 0)
    assert len(find_ink(line.crop).area) == 2


def test_a_character_that_touches_the_drawing_is_read_with_what_it_touches() -> None:
    page = sheet([("12", 100, 100, 0)], 300, 200)
    ys, xs = np.nonzero(page == 0)
    page[ys.max() : ys.max() + 3, xs.max() - 10 : 300] = 0  # joins the 2
    patch = Patch((90, 90, 160, 145), (int(xs.min()), int(ys.min()), int(xs.max()), int(ys.max())))
    (line,) = find_lines(page, find_ink(page), [patch])
    assert not line.clean and line.crop.shape == (55, 70)


@pytest.mark.parametrize("with_a_line", [False, True])
def test_a_thin_character_alone_is_clean_though_its_place_is_wider(with_a_line: bool) -> None:
    page = sheet([("1", 100, 100, 0)], 300, 200)
    ys, xs = np.nonzero(page == 0)
    if with_a_line:
        page[0:200, xs.max() + 12 : xs.max() + 15] = 0
    core = (int(xs.min()), int(ys.min()), int(xs.max()) + 20, int(ys.max()) + 1)
    (line,) = find_lines(page, find_ink(page), [_patch(core)])
    assert line.clean is not with_a_line


def test_white_space_between_words_is_found_in_reading_direction() -> None:
    for turn, expected in ((0, 0.34), (90, 0.34), (270, 0.66)):
        page = np.full((200, 200), 255, np.uint8)
        for start in (20, 80, 100, 120):  # one letter, a gap, three letters
            page[50:80, start : start + 15] = 0
        if turn:
            page = np.ascontiguousarray(page.T)
        patch = Patch((15, 45, 140, 85), (20, 50, 135, 80)) if not turn else Patch((45, 15, 85, 140), (50, 20, 80, 135))
        (line,) = find_lines(page, find_ink(page), [patch])
        (gap,) = word_gaps(line, turn)
        assert gap == pytest.approx(expected, abs=0.01)


def test_pieces_of_a_turned_word_are_joined() -> None:
    page = sheet([("VALVE", 100, 50, 270)], 300, 300)
    letters = find_ink(page).boxes
    pieces = [np.concatenate([b[:, :2].min(axis=0), b[:, 2:].max(axis=0)]) for b in (letters[:2], letters[2:])]
    patches = [
        Patch(tuple((piece + (-3, -3, 3, 3)).tolist()), tuple(piece.tolist()))  # noqa: RUF005 - arithmetic
        for piece in pieces
    ]
    (line,) = find_lines(page, find_ink(page), patches)
    assert line.axis == 1 and line.glyphs == 5


@pytest.mark.parametrize("turn", [0, 90, 270])
def test_a_reading_lies_on_its_ink_whichever_way_the_sheet_stands(turn: int) -> None:
    page = sheet([("1234", 100, 50, turn), ("5678", 260, 180, turn)], 500, 400)
    found = read([page], Ink())[0]
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
    assert read([page], Ink([Patch((90, 90, 140, 150), (100, 100, 130, 140))])) == [[]]


def _patch(box: Box) -> Patch:
    return Patch(box, box)


@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 50), st.integers(1, 50)), elements=st.sampled_from([0, 255])),
    st.lists(st.tuples(*[st.integers(0, 49)] * 4), max_size=6),
)
@settings(max_examples=80, deadline=None)
def test_no_image_and_no_patches_make_the_reader_fail(image: Sheet, corners: list[Box]) -> None:
    boxes = [clip((min(a, c), min(b, d), max(a, c) + 1, max(b, d) + 1), *image.shape) for a, b, c, d in corners]
    for reading in read([image], Ink([_patch(box) for box in boxes if box]))[0]:
        assert reading.angle in (0, 90, 180, 270) and reading.polygon.shape == (4, 2)
        assert (reading.polygon >= 0).all() and (reading.polygon <= image.shape[::-1]).all()


ALPHABET = ["a", "b"]


def steps(*most_probable: tuple[int, float]) -> Steps:
    """Steps of the alphabet ab with the class and its probability; the rest goes to the blank and the other."""
    probabilities = np.full((1, len(most_probable), 3), 0.0, np.float32)
    for step, (index, value) in enumerate(most_probable):
        probabilities[0, step] = (1 - value) / 2
        probabilities[0, step, index] = value
    return ctc.steps(probabilities, [0.5])[0]


def test_greedy_decoding_drops_blanks_and_repeats_and_says_where() -> None:
    found = steps(*((index, 0.9) for index in (0, 1, 1, 0, 1, 2, 0, 0)))
    chars = ctc.greedy(found, ALPHABET)
    assert [(c.text, round(c.confidence, 2), round(c.at, 3)) for c in chars] == [
        ("a", 0.9, 0.375), ("a", 0.9, 1.0), ("b", 0.9, 1.0)]  # fmt: skip


def test_alternatives_add_up_all_paths_that_spell_a_text() -> None:
    found = steps((1, 0.6), (1, 0.6))._replace(filled=1.0)
    known = dict(ctc.alternatives(found, ALPHABET, 0.0, 1.0, 9))
    # a: aa, a-, -a; b: bb, b-, -b; ab and ba: one path each
    assert known == pytest.approx({"a": 0.36 + 2 * 0.12, "b": 0.04 * 3, "ab": 0.12, "ba": 0.12}, abs=1e-5)
    assert ctc.alternatives(found, ALPHABET, 0.0, 0.5, 1) == [Alternative("a", pytest.approx(0.6))]


@given(st.integers(0, 12), st.integers(1, 7), st.integers(0, 2**32 - 1))
def test_alternatives_are_distinct_texts_with_probabilities(length: int, classes: int, seed: int) -> None:
    logits = np.random.default_rng(seed).normal(0, 3, (1, length, classes)).astype(np.float32)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    (found,) = ctc.steps(probabilities, [1.0])
    others = ctc.alternatives(found, [chr(97 + i) for i in range(classes)], 0.0, 1.0, 5)
    assert len({other.text for other in others}) == len(others) <= 5
    assert all(0 < other.probability <= 1 for other in others)


def chars(text: str) -> tuple[Char, ...]:
    return tuple(Char(char, 0.9, (n + 0.5) / len(text)) for n, char in enumerate(text))


@pytest.mark.parametrize(("last", "read_as"), [(40, "1010"), (20, "101°")])
def test_a_small_ring_after_digits_is_a_degree_sign(last: int, read_as: str) -> None:
    assert "".join(c.text for c in _with_degrees(chars("1010"), [40, 41, 40, last])) == read_as
    assert _with_degrees(chars("1010"), [40, last]) == chars("1010")


def test_a_low_digit_at_the_end_of_a_leader_line_is_a_tilde() -> None:
    assert _without_tildes(chars("266"), [15, 40, 40]) == chars("266")[1:]
    assert _without_tildes(chars("662"), [40, 41, 18]) == chars("662")[:-1]
    assert _without_tildes(chars("266"), [40, 40, 40]) == chars("266")
    assert _without_tildes(chars("26"), [15, 40]) == chars("26")
