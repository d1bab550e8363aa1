"""USPTO weekly applications and grants: ``us-patent-application`` and ``us-patent-grant``, designs included."""

from __future__ import annotations

import re
from dataclasses import replace

from lxml import etree

from pipeline.errors import Reason, RejectedItemError
from pipeline.extract import st36
from pipeline.extract.model import Parsed, Picture
from pipeline.extract.text import flatten

#: The sheet of this number repeats the figure of the front page.
_FRONT_PAGE = re.compile(r"-D0+\.\w+$", re.IGNORECASE)


def read(root: etree._Element) -> Parsed:
    """Read a document. Raises RejectedItemError DOCUMENT_INCOMPLETE without bibliographic data."""
    data = root.find("us-bibliographic-data-application")
    if data is None:
        data = root.find("us-bibliographic-data-grant")
    if data is None:
        raise RejectedItemError(Reason.DOCUMENT_INCOMPLETE, "the XML has no bibliographic data")
    pictures = [_as_delivered(picture) for picture in st36.pictures(root)]
    flatten(root)
    bibliography = st36.bibliography(root, data, office="US")
    return Parsed(bibliography, list(st36.paragraphs(root, bibliography)), pictures)


def _as_delivered(picture: Picture) -> Picture:
    """figure@num counts sheets here and declares no label; number 0 is the front page."""
    role = "front page" if picture.role == "drawing" and _FRONT_PAGE.search(picture.file) else picture.role
    return replace(picture, role=role, labels=())
