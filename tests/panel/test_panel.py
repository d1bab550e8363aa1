"""The panel: names beside signs, marked sentences, one self-contained page."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.panel import Panel, write_page, write_picture
from pipeline.panel.facts import Mark, _upright
from pipeline.panel.layout import place_names
from pipeline.panel.page import _marked


def panel() -> Panel:
    drawing = np.full((400, 600), 255, np.uint8)
    drawing[100:300, 200:204] = 0
    marks = (
        Mark("10", "pump <main>", (100, 100, 130, 120), 0.9),
        Mark("12", None, (300, 200, 330, 220), 0.8),
        Mark("10", "pump <main>", (400, 300, 430, 320), 0.9, "1O"),
        Mark("77", None, (500, 40, 530, 60), 0.6, stray=True),
        Mark("S1", "step", (20, 350, 50, 370), 0.9),
    )
    signs = ({"sign": "10", "term": "pump <main>", "alternates": ["machine"], "mentions": 3},)
    sentences = (
        {"figure_id": "f", "signs": ["10"], "text": "The pump 10 & its 100 valves.", "score": 0.9},
        {"figure_id": "f", "signs": [], "text": "Figure 1 shows it.", "score": 0.2},
    )
    return Panel("EP1A1", "Pump", "EP1A1/a.tif#1", "1", "a side view", drawing, marks, signs, sentences, None)


def test_a_part_is_named_once_and_a_sign_without_a_name_is_only_boxed() -> None:
    captions = place_names(panel().drawing, panel().marks, [80.0, 0.0, 80.0, 0.0, 40.0], 20)
    assert [(c.mark.sign, c.text) for c in captions] == [("10", "pump <main>")]


@given(st.lists(st.tuples(st.integers(0, 580), st.integers(0, 380), st.integers(1, 200)), max_size=12))
def test_names_stay_on_the_figure_and_off_each_other_and_off_the_signs(places: list[tuple[int, int, int]]) -> None:
    drawing = np.full((400, 600), 255, np.uint8)
    marks = [Mark(str(i), f"part {i}", (x, y, x + 15, y + 12), 1.0) for i, (x, y, _) in enumerate(places)]
    captions = place_names(drawing, marks, [float(w) for *_, w in places], 20.0)
    boxes = [(c.x, c.y, c.x + c.width, c.y + c.height) for c in captions]
    for i, a in enumerate(boxes):
        assert a[0] >= 0 and a[1] >= 0 and a[2] <= 600 and a[3] <= 400
        for b in boxes[:i] + [mark.box for mark in marks]:
            assert not (a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])


def test_signs_are_marked_where_they_stand_as_words() -> None:
    assert _marked("The pump 10 & its 100 valves (10).", ["10"]) == (
        "The pump <mark data-sign='10'>10</mark> &amp; its 100 valves (<mark data-sign='10'>10</mark>)."
    )
    assert _marked("12a and 12", ["12", "12a"]) == (
        "<mark data-sign='12a'>12a</mark> and <mark data-sign='12'>12</mark>"
    )


def test_the_page_is_one_file_with_nothing_from_outside(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_page(panel(), path)
    text = path.read_text(encoding="utf-8")
    references: list[str] = []

    class Collector(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            references.extend(value or "" for name, value in attrs if name in ("href", "src"))

    Collector().feed(text)
    assert references and all(value.startswith("data:") for value in references)
    assert "pump &lt;main&gt;" in text and "pump <main>" not in text
    assert "12: not named in the text" in text and "77: more likely no sign" in text
    assert "10: pump &lt;main&gt; (read as 1O)" in text and "stroke-dasharray" in text
    assert "1 more, less likely about this figure" in text
    assert text.index("The pump") < text.index("<details>") < text.index("Figure 1 shows it.")


def test_the_picture_keeps_the_drawing_and_boxes_the_signs(tmp_path: Path) -> None:
    path = tmp_path / "figure.png"
    write_picture(panel(), path)
    with Image.open(path) as image:
        assert image.size == (600, 400)
        assert image.getpixel((202, 250)) == (0, 0, 0)
        assert image.getpixel((97, 110)) == (20, 100, 170)
        assert image.getpixel((297, 210)) == (190, 90, 20)
        assert image.getpixel((497, 50)) == (150, 150, 150)


def test_names_do_not_cover_the_drawing() -> None:
    black = np.zeros((400, 600), np.uint8)
    assert place_names(black, panel().marks, [80.0, 0.0, 80.0, 0.0, 40.0], 20) == []


@pytest.mark.parametrize(
    ("turn", "box"), [(90, (40, 570, 60, 590)), (180, (570, 340, 590, 360)), (270, (340, 10, 360, 30))]
)
def test_a_figure_lettered_sideways_is_shown_upright(turn: int, box: tuple[int, ...]) -> None:
    drawing = panel().drawing
    drawing[40:60, 10:30] = 0
    marks = [Mark("1", "part", (10, 40, 30, 60), 0.9, angle=turn), Mark("2", "part", (50, 40, 70, 60), 0.9, angle=turn)]
    upright, (first, _) = _upright(drawing, marks)
    assert first.box == box and first.angle == 0
    x0, y0, x1, y1 = (int(v) for v in first.box)
    assert not upright[y0:y1, x0:x1].any()
    same, kept = _upright(drawing, [*marks, Mark("3", None, (0, 0, 9, 9), 0.9), Mark("4", None, (0, 0, 9, 9), 0.9)])
    assert same is drawing and kept[0].box == (10, 40, 30, 60)
