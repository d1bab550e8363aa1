"""A panel's figure as a picture: signs boxed, part names beside them."""

from __future__ import annotations

from pathlib import Path

from pipeline.panel.facts import Mark, Panel
from pipeline.panel.layout import Caption, font_px, place_names

KNOWN, UNKNOWN, STRAY = (20, 100, 170), (190, 90, 20), (150, 150, 150)


def colour_of(mark: Mark) -> tuple[int, int, int]:
    """Blue: the text names it. Orange: it does not. Grey: more likely no sign."""
    return STRAY if mark.stray else KNOWN if mark.term else UNKNOWN


def captions_of(panel: Panel) -> tuple[list[Caption], int]:
    """Placed part names and the letter height in pixels; both outputs use the same places."""
    from PIL import ImageFont

    size = font_px(panel.drawing)
    font = ImageFont.load_default(size)
    widths = [font.getlength(mark.term or "") + 8 for mark in panel.marks]
    return place_names(panel.drawing, panel.marks, widths, size * 1.3), size


def write_picture(panel: Panel, path: Path) -> None:
    """Write the figure with boxes and part names as PNG. Raises OSError when the file cannot be written."""
    from PIL import Image, ImageDraw, ImageFont

    captions, size = captions_of(panel)
    image = Image.fromarray(panel.drawing).convert("RGB")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size)
    for mark in panel.marks:
        x0, y0, x1, y1 = mark.box
        draw.rectangle((x0 - 3, y0 - 3, x1 + 3, y1 + 3), outline=colour_of(mark), width=3)
    for caption in captions:
        box = (caption.x, caption.y, caption.x + caption.width, caption.y + caption.height)
        draw.rounded_rectangle(box, 4, fill=(232, 242, 252))
        draw.text((caption.x + 4, caption.y + caption.height / 2), caption.text, KNOWN, font, anchor="lm")
    image.save(path, "PNG")
