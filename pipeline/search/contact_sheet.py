"""Hits as one picture: each figure cut from its sheet, with rank, document, label and score."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.pixels import decode
from pipeline.search.engine import SearchEngine
from pipeline.search.hits import Hit

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

COLUMNS = 5
_CELL_PX = 320
_CAPTION_PX = 62
_MARGIN_PX = 14
_INK, _GREY, _LINE = (20, 20, 20), (105, 105, 105), (205, 205, 205)


def write_contact_sheet(engine: SearchEngine, hits: Sequence[Hit], path: Path) -> None:
    """Write the hits as a PNG, five to a row, best first. Raises UsageError when there are none."""
    sheet = contact_sheet(engine, hits)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, format="PNG")


def contact_sheet(engine: SearchEngine, hits: Sequence[Hit]) -> Image.Image:
    """The contact sheet as an RGB picture; its last line names the release."""
    from PIL import Image, ImageDraw

    from pipeline.errors import UsageError

    if not hits:
        raise UsageError("no hits to draw a contact sheet of")
    columns, rows = min(COLUMNS, len(hits)), -(-len(hits) // COLUMNS)
    height = rows * (_CELL_PX + _CAPTION_PX) + 2 * _MARGIN_PX + _CAPTION_PX // 2
    canvas = Image.new("RGB", (columns * _CELL_PX + 2 * _MARGIN_PX, height), "white")
    draw, fonts = ImageDraw.Draw(canvas), (_font(17), _font(14))
    limit = engine.settings.limits.image_mpixels
    for number, (hit, data) in enumerate(zip(hits, engine.pictures(hits), strict=True)):
        left = _MARGIN_PX + number % COLUMNS * _CELL_PX
        top = _MARGIN_PX + number // COLUMNS * (_CELL_PX + _CAPTION_PX)
        figure = Image.fromarray(decode(data, limit)).crop(hit.box)
        _paste(canvas, figure, left, top)
        draw.rectangle((left + 3, top + 3, left + _CELL_PX - 4, top + _CELL_PX + _CAPTION_PX - 6), outline=_LINE)
        _caption(draw, hit, left + 12, top + _CELL_PX - 4, fonts)
    draw.text((_MARGIN_PX + 4, height - _CAPTION_PX // 2 - 2), f"release {engine.name}", _GREY, fonts[1])
    return canvas


def _paste(canvas: Image.Image, figure: Image.Image, left: int, top: int) -> None:
    """Fit the figure into its cell; thin lines survive because grey levels are averaged."""
    from PIL import Image

    room = _CELL_PX - 2 * _MARGIN_PX
    scale = min(room / figure.width, room / figure.height)
    size = (max(1, round(figure.width * scale)), max(1, round(figure.height * scale)))
    small = figure.convert("L").resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.NEAREST)
    # A line one pixel wide fades when the figure shrinks; the curve gives it its weight back.
    small = small.point([round(255 * (value / 255) ** 1.8) for value in range(256)]) if scale < 1 else small
    canvas.paste(small, (left + (_CELL_PX - size[0]) // 2, top + (_CELL_PX - size[1]) // 2))


def _caption(
    draw: ImageDraw.ImageDraw, hit: Hit, left: int, top: int, fonts: tuple[ImageFont.FreeTypeFont, ...]
) -> None:
    label = f"FIG. {hit.label}" if hit.label else "no label"
    scores = "  ".join(f"{name} {value:.3f}" for name, value in hit.scores.items())
    width = _CELL_PX - 24
    draw.text((left, top), _fitted(f"{hit.rank}  {hit.doc_id}  {label}", fonts[0], width), _INK, fonts[0])
    draw.text((left, top + 21), _fitted(f"{hit.score:.3f}   ({scores})", fonts[1], width), _GREY, fonts[1])
    draw.text((left, top + 38), _fitted(hit.title, fonts[1], width), _GREY, fonts[1])


def _fitted(text: str, font: ImageFont.FreeTypeFont, width_px: int) -> str:
    """The text, cut with an ellipsis where it is wider than its cell."""
    if font.getlength(text) <= width_px:
        return text
    while text and font.getlength(text + "…") > width_px:
        text = text[:-1]
    return text.rstrip() + "…"


def _font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own font, which is always there."""
    from PIL import ImageFont

    return ImageFont.load_default(size)
