"""The bytes of a sheet as pixels: the one decoder of every step that looks at images."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import Reason, RejectedItemError

#: A sheet in memory: H x W, uint8, 0 ink and 255 paper.
Sheet = NDArray[np.uint8]
#: Pillow's formats that are asked whether bytes are theirs. Some of the others start programs (EPS: Ghostscript).
FORMATS = ("TIFF", "PNG", "JPEG", "GIF", "BMP", "JPEG2000", "WEBP")


def decode(data: bytes, limit_mpixels: int) -> Sheet:
    """Decode an image file (TIFF with any compression and photometric interpretation, PNG, JPEG …).

    Returns H x W uint8, 0 ink and 255 paper; colours become luminance, transparency becomes paper, of
    several pages the first is taken. Raises RejectedItemError: IMAGE_TOO_LARGE before pixels are
    allocated, IMAGE_UNREADABLE for anything that is not an image or ends early.
    """
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # the configured limit below is checked before pixels are allocated
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                width, height = image.size
                if width * height > limit_mpixels * 1_000_000:
                    raise RejectedItemError(
                        Reason.IMAGE_TOO_LARGE,
                        f"{width} x {height} pixels; limits.image_mpixels allows {limit_mpixels} million",
                    )
                if width == 0 or height == 0:
                    raise RejectedItemError(Reason.IMAGE_UNREADABLE, f"an image of {width} x {height} pixels")
                return np.array(_grey(image), dtype=np.uint8)
    except (RejectedItemError, MemoryError):
        raise
    except UnidentifiedImageError as error:  # its message names an object, not a file
        raise RejectedItemError(Reason.IMAGE_UNREADABLE, "not a readable image: no image format known here") from error
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error …
        raise RejectedItemError(Reason.IMAGE_UNREADABLE, f"not a readable image: {error}"[:300]) from error


def _grey(image: Any) -> Any:
    """The image in Pillow's mode L, on white paper."""
    from PIL import Image

    if image.mode in ("1", "L"):
        return image.convert("L")
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        values = np.asarray(image, dtype=np.float64)
        top = 65535.0 if values.max() > 255 else 255.0
        return Image.fromarray(np.clip(values * (255.0 / top), 0, 255).astype(np.uint8))
    if "transparency" in image.info or image.mode in ("LA", "RGBA", "PA", "La", "RGBa"):
        colours = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours)
    return image.convert("L")
