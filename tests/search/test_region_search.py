"""A box drawn in a figure finds the figures that have such a part."""

from __future__ import annotations

import hashlib
import io
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipeline.config import ModelSettings
from pipeline.embedding.figures import prepared_regions
from pipeline.embedding.models import image_encoder
from pipeline.errors import UsageError
from pipeline.lake import Lake
from pipeline.search import Filter, SearchEngine, open_release
from tests.indexing.lakes import add_archive, build_index, publish, small_settings, write

SETTINGS, ENCODER = small_settings(), image_encoder(ModelSettings())
SHAPES = ("ring", "cross", "stairs", "comb")
#: Each document shows two shapes, the first at the left.
DOCUMENTS = {f"EP{n}A1": (one, other) for n, (one, other) in enumerate(
    [("ring", "cross"), ("ring", "stairs"), ("comb", "cross"), ("stairs", "comb")]
)}  # fmt: skip


def draw(pen: ImageDraw.ImageDraw, shape: str, x: int, y: int) -> None:
    """One shape of about 150 pixels; all of them are connected."""
    if shape == "ring":
        pen.ellipse((x, y, x + 150, y + 150), outline=0, width=4)
        pen.ellipse((x + 40, y + 40, x + 110, y + 110), outline=0, width=4)
        pen.line((x, y + 75, x + 150, y + 75), fill=0, width=4)
    elif shape == "cross":
        pen.line((x, y, x + 150, y + 150), fill=0, width=6)
        pen.line((x, y + 150, x + 150, y), fill=0, width=6)
    elif shape == "stairs":
        corners = [(x + 30 * step, y + 150 - 30 * (step + half)) for step in range(6) for half in (0, 1)]
        pen.line(corners, fill=0, width=4)
    else:
        pen.line((x, y + 20, x + 150, y + 20), fill=0, width=6)
        for tooth in range(0, 151, 25):
            pen.line((x + tooth, y + 20, x + tooth, y + 150), fill=0, width=4)


def sheet(left: str, right: str) -> bytes:
    image = Image.new("L", (500, 260), 255)
    pen = ImageDraw.Draw(image)
    draw(pen, left, 40, 50)
    draw(pen, right, 300, 60)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    found = Lake.at(tmp_path_factory.mktemp("lake"))
    add_archive(found, "A", {name: {} for name in DOCUMENTS}, date(2019, 2, 13))
    sheets, figures = [], []
    for number, (doc_id, shapes) in enumerate(DOCUMENTS.items()):
        image = sheet(*shapes)
        common = {"sheet_id": f"{doc_id}/s.png", "doc_id": doc_id}
        sheets.append(
            {**common, "file": "s.png", "ordinal": number, "role": "drawing", "width_px": 500, "height_px": 260,
             "media_type": "image/png", "source": "tiff", "image": image, "sha256": hashlib.sha256(image).hexdigest()}
        )  # fmt: skip
        corners = {"x0": 0, "y0": 0, "x1": 500, "y1": 260}
        figures.append({**common, "figure_id": f"{doc_id}/s.png#1", "label": "1", "label_source": "ocr", "ordinal": 0,
                        **corners})  # fmt: skip
    write(found, "sheets", "A", sheets)
    write(found, "figures", "A", figures)
    write(found, "region_vectors", "A", region_rows(sheets, figures))
    build_index(found, SETTINGS)
    publish(found, SETTINGS)
    return found


def region_rows(sheets: list[dict[str, Any]], figures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = prepared_regions(sheets, figures, ENCODER.preparation, 10)
    side = ENCODER.preparation.side
    vectors = ENCODER.encode_prepared([np.frombuffer(row.pop("canvas"), np.uint8).reshape(side, side) for row in rows])
    return [
        {**row, "model": ENCODER.name, "revision": ENCODER.revision, "vector": vector.tolist()}
        for row, vector in zip(rows, vectors, strict=True)
    ]


@pytest.fixture(scope="module")
def engine(lake: Lake) -> SearchEngine:
    return open_release(lake, SETTINGS, encoders={"region": ENCODER})


def test_a_part_of_a_new_drawing_finds_the_figures_that_have_it(engine: SearchEngine, tmp_path: Path) -> None:
    path = tmp_path / "query.png"
    path.write_bytes(sheet("comb", "ring"))
    hits = engine.search(image=path, box=(270, 30, 480, 250), k=4)
    assert {hit.doc_id for hit in hits[:2]} == {"EP0A1", "EP1A1"}
    for hit in hits[:2]:
        assert hit.scores.keys() == {"region"}
        assert hit.why.region is not None
        x0, y0, x1, y1 = hit.why.region
        assert (x0, y0) == pytest.approx((40, 50), abs=3) and (x1, y1) == pytest.approx((190, 200), abs=3)
    assert hits[1].score > hits[2].score
    hits = engine.search(image=path, box=(20, 30, 210, 230), k=4)
    assert {hit.doc_id for hit in hits[:2]} == {"EP2A1", "EP3A1"}


def test_a_part_of_a_figure_of_the_release_is_cut_from_its_sheet(engine: SearchEngine) -> None:
    hits = engine.search(figure="EP3A1/s.png#1", box=(20, 10, 220, 230), k=2)
    assert {hit.doc_id for hit in hits} == {"EP3A1", "EP1A1"}
    assert hits[0].score == pytest.approx(1.0, abs=0.01)
    assert hits[0].to_json()["why"]["region"] == list(hits[0].why.region or ())


def test_regions_are_filtered_with_their_figures(engine: SearchEngine) -> None:
    hits = engine.search(figure="EP3A1/s.png#1", box=(20, 10, 220, 230), filter=Filter(doc_ids=("EP0A1", "EP2A1")))
    assert sorted(hit.doc_id for hit in hits) == ["EP0A1", "EP2A1"]


def test_what_a_box_cannot_be_is_said(engine: SearchEngine) -> None:
    figure = "EP3A1/s.png#1"
    with pytest.raises(UsageError, match="lies outside the figure's sheet, which has 500 x 260 pixels"):
        engine.search(figure=figure, box=(500, 0, 600, 100))
    with pytest.raises(UsageError, match="cannot search with this image: a drawing without ink"):
        engine.search(figure=figure, box=(0, 0, 20, 20))
    with pytest.raises(UsageError, match="a box is of one image or of one figure"):
        engine.search(text="pump", box=(0, 0, 20, 20))
    with pytest.raises(UsageError, match="the box 5,5,5,9 is empty"):
        engine.search(figure=figure, box=(5, 5, 5, 9))
    with pytest.raises(UsageError, match="shows no figure 'EP9A1"):
        engine.search(figure="EP9A1/s.png#1", box=(0, 0, 20, 20))


def test_a_release_without_regions_says_so(tmp_path: Path) -> None:
    lake = Lake.at(tmp_path)
    add_archive(lake, "A", {"EP1A1": {"1": ([1.0, 0.0], None)}}, date(2019, 2, 13))
    build_index(lake, SETTINGS)
    publish(lake, SETTINGS)
    with pytest.raises(UsageError, match=r"has no region vectors to search in; set models\.regions"):
        open_release(lake, SETTINGS).search(figure="EP1A1/s1.tif#1", box=(20, 20, 200, 300))


def test_regions_of_a_figure_that_is_gone_are_masked(lake: Lake, tmp_path: Path) -> None:
    other = Lake.at(tmp_path)
    add_archive(other, "A", {name: {} for name in DOCUMENTS}, date(2019, 2, 13))
    figures, regions = lake.read("figures").to_pylist(), lake.read("region_vectors").to_pylist()
    write(other, "figures", "A", figures[:2])
    write(other, "region_vectors", "A", regions)
    build_index(other, SETTINGS)
    publish(other, SETTINGS)
    entry = open_release(other, SETTINGS).manifest.modalities["region"]
    gone = sum(row["figure_id"] in {figure["figure_id"] for figure in figures[2:]} for row in regions)
    assert (entry.rows, entry.masked) == (len(regions) - gone, gone)
    assert gone > 0
