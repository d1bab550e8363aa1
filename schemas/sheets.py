"""sheets: every image of a package, with its original bytes."""

import pyarrow as pa

from schemas.base import ARCHIVE, STRINGS, Table, field

#: What an image is for. Only the roles named in the setting ``figures.roles`` become figures.
ROLES = ("drawing", "in-text", "abstract figure", "front page", "search report", "page")

TABLE = Table(
    name="sheets",
    description="One row per image in a package, with the bytes as delivered.",
    key=("archive", "sheet_id"),
    row_group_rows=512,
    schema=pa.schema(
        [
            ARCHIVE,
            field("sheet_id", pa.string(), "doc_id/file name.", nullable=False),
            field("doc_id", pa.string(), "The document.", nullable=False),
            field("file", pa.string(), "File name in the package.", nullable=False),
            field("ordinal", pa.int32(), "Position among the document's images of this role, from 0.", nullable=False),
            field("role", pa.string(), "One of: " + ", ".join(ROLES) + ".", nullable=False),
            field("declared_labels", STRINGS, "Figure labels that the office declares for the sheet (figure@num)."),
            field("width_px", pa.int32(), "Width in pixels.", nullable=False),
            field("height_px", pa.int32(), "Height in pixels.", nullable=False),
            field("dpi", pa.float32(), "Resolution in dots per inch."),
            field("media_type", pa.string(), "image/tiff, …", nullable=False),
            field("source", pa.string(), "tiff, or pdf where the package's TIFFs were missing.", nullable=False),
            field("image", pa.binary(), "The original file.", nullable=False),
            field("sha256", pa.string(), "SHA-256 of the bytes, hex.", nullable=False),
        ]
    ),
)
