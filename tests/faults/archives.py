"""Small EPO-shaped packages, good ones and broken ones, made on the spot."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from PIL import Image

_XML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE ep-patent-document PUBLIC "-//EPO//EP PATENT DOCUMENT 1.5//EN" "ep-patent-document-v1-5.dtd">
<ep-patent-document id="EP{number}A1" file="EP{number}NWA1.xml" lang="en" country="EP" doc-number="{number}" kind="A1"
 date-publ="20190213" status="n" dtd-version="ep-patent-document-v1-5"><SDOBI lang="en"><B100><B110>{number}</B110>
<B130>A1</B130><B140><date>20190213</date></B140><B190>EP</B190></B100><B500><B540><B541>en</B541><B542>Pump</B542></B540>
</B500></SDOBI><description id="desc" lang="en"><p id="p0001" num="0001">Figure 1 shows a pump 10 with a housing 12.</p>
</description><drawings id="draw" lang="en"><figure id="f0001" num="1"><img id="if0001" file="imgf0001.tif"
 wi="17" he="17" img-content="drawing" img-format="tif"/></figure></drawings></ep-patent-document>"""


def xml(number: str) -> bytes:
    return _XML.format(number=number).encode()


def tiff(seed: int = 0) -> bytes:
    """A small 1-bit G4 sheet with a few strokes."""
    image = Image.new("1", (200, 200), 1)
    for i in range(40):
        image.putpixel((20 + i, 20 + (i * (seed + 3)) % 150), 0)
    stream = io.BytesIO()
    image.save(stream, "TIFF", compression="group4", dpi=(300, 300))
    return stream.getvalue()


def package(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def good_package(number: str) -> bytes:
    return package({f"EP{number}NWA1.xml": xml(number), "imgf0001.tif": tiff(int(number) % 40)})


def weekly(path: Path, packages: dict[str, bytes]) -> Path:
    """An outer zip in the EPO's weekly tree."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("index.xml", b"<package-index/>")
        for stem, data in packages.items():
            archive.writestr(f"DOC/EPNWA1/{stem}.zip", data)
    return path


ENTITY_BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE ep-patent-document [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    + b"".join(f'<!ENTITY {chr(99 + i)} "{f"&{chr(98 + i)};" * 10}">'.encode() for i in range(10))
    + b']><ep-patent-document doc-number="666" country="EP" kind="A1"><p>&l;</p></ep-patent-document>'
)
EXTERNAL_ENTITY = (
    b'<?xml version="1.0"?><!DOCTYPE ep-patent-document [<!ENTITY leak SYSTEM "file:///etc/passwd">]>'
    b'<ep-patent-document doc-number="667" country="EP" kind="A1"><description><p>&leak;</p></description>'
    b"</ep-patent-document>"
)
