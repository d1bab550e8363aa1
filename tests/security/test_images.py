"""An image in an archive is decoded by a decoder, never by a program that its bytes call for."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import RejectedItemError
from pipeline.extract.images import image_facts
from pipeline.pixels import FORMATS, decode

#: PostScript with the box that Pillow's reader wants; Pillow hands it to the program gs.
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 30\n%%EndComments\nshowpage\n%%EOF\n"


def test_postscript_under_the_name_of_a_drawing_is_rejected_and_starts_no_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker, program = tmp_path / "started", tmp_path / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {marker}\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    for read in (lambda: decode(POSTSCRIPT, 300), lambda: image_facts(POSTSCRIPT, 300)):
        with pytest.raises(RejectedItemError):
            read()
    assert not marker.exists()


def test_no_format_is_read_that_starts_a_program() -> None:
    assert not set(FORMATS) & {"EPS", "PDF", "WMF", "GRIB", "BUFR", "HDF5", "FITS", "MPEG", "SPIDER"}
