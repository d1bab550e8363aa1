"""regions: every piece of text that OCR reads on a sheet."""

import pyarrow as pa

from schemas.base import ARCHIVE, Table, field

REGION_ROLES = ("figure label", "sign", "word", "other number")

TABLE = Table(
    name="regions",
    description="One row per piece of text read on a sheet.",
    key=("archive", "sheet_id", "ordinal"),
    schema=pa.schema(
        [
            ARCHIVE,
            field("sheet_id", pa.string(), "The sheet.", nullable=False),
            field("ordinal", pa.int32(), "Position on the sheet in reading order, from 0.", nullable=False),
            field("doc_id", pa.string(), "The document.", nullable=False),
            field(
                "polygon",
                pa.list_(pa.field("element", pa.float32(), nullable=False)),
                "x0, y0 … x3, y3 in sheet pixels: clockwise from the corner where the text begins.",
                nullable=False,
            ),
            field("text", pa.string(), "As read.", nullable=False),
            field("confidence", pa.float32(), "0 to 1, the recogniser's own.", nullable=False),
            field(
                "angle",
                pa.int16(),
                "Degrees clockwise by which the text stands turned: 0, 90, 180, 270.",
                nullable=False,
            ),
            field("role", pa.string(), "One of: " + ", ".join(REGION_ROLES) + ".", nullable=False),
            field("sign", pa.string(), "Reference sign as read, normalised; null where the role is not sign."),
            field(
                "alternatives",
                pa.list_(
                    pa.struct(
                        [
                            pa.field("text", pa.string(), nullable=False),
                            pa.field("probability", pa.float32(), nullable=False),
                        ]
                    )
                ),
                "Other ways to read a short text, with their probabilities, most probable first.",
            ),
            field("engine", pa.string(), "OCR engine and version.", nullable=False),
        ]
    ),
)
