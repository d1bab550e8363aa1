"""The parts that drawings are made of."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.synth.assemblies import FAMILIES
from pipeline.synth.clip import clipped
from pipeline.synth.geometry import Affine, along, arc, hatching, overlap, shifted, turned
from pipeline.synth.leaders import LeaderStyle, annotate
from pipeline.synth.lettering import FACES, Hand, write
from pipeline.synth.raster import rasterise
from pipeline.synth.round_things import turned_unit
from pipeline.synth.sketch import Sketch
from pipeline.synth.solids import block, camera, cylinder, faces, paint_order
from pipeline.synth.tiff import encode
from pipeline.synth.upright_things import cabinet
from pipeline.synth.views import outside, section

SQUARE = [(0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0)]


def test_dashes_alternate_with_gaps() -> None:
    assert along([(0.0, 0.0), (10.0, 0.0)], (4.0, 2.0)) == [[(0.0, 0.0), (4.0, 0.0)], [(6.0, 0.0), (10.0, 0.0)]]


def test_hatching_leaves_holes_out() -> None:
    hole = [(40.0, 40.0), (60.0, 40.0), (60.0, 60.0), (40.0, 60.0)]
    spans = [(a[0], b[0]) for a, b in hatching([SQUARE, hole], 0, 10.0, phase=5.0) if a[1] == 45.0]
    assert spans == [(0.0, 40.0), (60.0, 100.0)]


@given(st.floats(-180, 180), st.floats(-500, 500), st.floats(-500, 500))
def test_quarter_turns_are_recognised_under_any_small_skew(skew: float, x: float, y: float) -> None:
    place = shifted(x, y).then(turned(90)).then(turned(skew / 100))
    assert place.turn == 90
    assert place.scale == pytest.approx(1.0)


def test_clipping_keeps_what_lies_inside() -> None:
    sketch = Sketch()
    sketch.line([(-50.0, 50.0), (150.0, 50.0)], 2.0)
    sketch.area([(50.0, 50.0), (150.0, 50.0), (150.0, 150.0), (50.0, 150.0)])
    sketch.anchors = {"in": [(10.0, 10.0)], "out": [(110.0, 10.0)]}
    cut = clipped(sketch, SQUARE)
    line, area = cut.marks
    assert [tuple(p) for p in line.points] == [(0.0, 50.0), (100.0, 50.0)]
    assert sorted(set(area.points)) == [(50.0, 50.0), (50.0, 100.0), (100.0, 50.0), (100.0, 100.0)]
    assert list(cut.anchors) == ["in"]


def test_a_box_shows_three_faces_to_an_oblique_view_and_one_to_the_front() -> None:
    box = block((0, 0, 0), (1, 2, 3))
    assert len(faces(box, camera(30, 20)[1])) == 3
    (front,) = faces(box, camera(0, 0)[1])
    assert {corner[1] for corner in front.corners} == {0}


def test_near_boxes_are_painted_after_far_ones() -> None:
    far, near = block((0, 10, 0), (1, 11, 1)), block((0, 0, 0), (1, 1, 1))
    assert paint_order([near.extent(), far.extent()], camera(20, 20)[1]) == [1, 0]
    assert paint_order([near.extent(), far.extent()], camera(200, 20)[1]) == [0, 1]


def test_a_tube_cut_lengthwise_is_two_walls_and_cut_across_a_ring() -> None:
    tube = cylinder(0, 10, 0, 50, bore=6)
    walls = tube.cut(1, 0.0)
    assert [sorted({round(v, 6) for _, v in wall}) for wall in walls] == [[-10, -6], [6, 10]]
    outer, inner = tube.cut(0, 25.0)
    assert max(u for u, _ in outer) == pytest.approx(10) and max(u for u, _ in inner) == pytest.approx(6)
    assert tube.cut(0, 60.0) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_every_view_of_a_family_shows_its_parts_within_the_frame(family) -> None:  # type: ignore[no-untyped-def]
    rng = random.Random(4)
    thing = family(rng).thing
    keys = {piece.key for piece in thing.pieces}
    for view in (
        outside(thing, 35, 25, (500, 400)),
        outside(thing, 35, 25, (500, 400), True),
        section(thing, (500, 400), rng),
    ):
        assert set(view.anchors) <= keys and len(view.anchors) >= 3
        points = [point for places in view.anchors.values() for point in places]
        assert all(0 <= x <= 500 and 0 <= y <= 400 for x, y in points)


def test_an_exploded_view_shows_what_is_inside() -> None:
    for family in (turned_unit, cabinet):
        thing = family(random.Random(2)).thing
        inside = {piece.key for piece in thing.pieces if piece.inside}
        assert not inside & set(outside(thing, 35, 25, (800, 800)).anchors)
        assert inside & set(outside(thing, 35, 25, (800, 800), True).anchors)


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_lettering_fills_its_box(face: str, angle: int) -> None:
    sketch = Sketch()
    text = sketch.write("S620a", (150.0, 150.0), 40, Hand(face), "sign", angle)
    rows, columns = np.nonzero(rasterise(sketch, 300, 300, Affine()))
    inked = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert inked == pytest.approx(text.box(), abs=2.6)


def test_letters_that_a_face_lacks_are_drawn_by_the_drafting_hand() -> None:
    assert Hand("print").suits("Behälter").face == "drafting"
    assert Hand("print").suits("Container").face == "print"
    assert write("Behälter", Hand("print"), 30).mask is None


def test_numerals_and_leaders_keep_clear_of_each_other() -> None:
    sketch = Sketch()
    for i in range(6):
        sketch.box((i * 70.0, 0.0, i * 70.0 + 50, 300.0))
        sketch.anchors[f"p{i}"] = [(i * 70.0 + 25, 150.0), (i * 70.0 + 25, 40.0)]
    signs = {f"p{i}": str(100 + i) for i in range(6)}
    placed = annotate(sketch, signs, LeaderStyle(Hand(), 36, "tilde"), random.Random(1))
    assert placed and {text.text for text in sketch.texts} == {signs[key] for key in placed}
    boxes = [text.box() for text in sketch.texts]
    assert not any(overlap(a, b, 8.0) for i, a in enumerate(boxes) for b in boxes[:i])
    for line in sketch.marks[-len(placed) :]:
        for (ax, ay), (bx, by) in pairwise(line.points):
            for share in (0.0, 0.5, 1.0):
                x, y = ax + (bx - ax) * share, ay + (by - ay) * share
                assert not any(x0 < x < x1 and y0 < y < y1 for x0, y0, x1, y1 in boxes)


def test_a_sketch_keeps_its_shape_when_it_is_laid_over_another_turned() -> None:
    inner = Sketch()
    inner.line(arc((0, 0), 10, 5), 2.0)
    inner.write("7", (0.0, 0.0), 20, Hand(), "sign")
    outer = Sketch()
    outer.add(inner, turned(90).then(shifted(100, 50)))
    assert outer.texts[0].angle == 90 and outer.texts[0].at == (100, 50)
    x0, y0, x1, y1 = outer.bounds()
    assert (y1 - y0, x1 - x0) == pytest.approx((22, max(12, x1 - x0)), abs=0.5)


def test_tiff_variants_hold_the_same_picture() -> None:
    import io

    from PIL import Image

    canvas = np.zeros((37, 61), np.uint8)
    canvas[5:20, 7:50] = 1
    for big_endian in (False, True):
        for white_is_zero in (False, True):
            with Image.open(io.BytesIO(encode(canvas, big_endian, white_is_zero))) as image:
                assert np.array_equal(~np.asarray(image), canvas)
    assert math.isclose(len(encode(canvas)), len(encode(canvas, True)))
