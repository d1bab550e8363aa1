"""figures: the separate drawings of a sheet."""

import pyarrow as pa

from schemas.base import ARCHIVE, Table, field

LABEL_SOURCES = ("office", "ocr", "both", "conflict", "none")

TABLE = Table(
    name="figures",
    description="One row per separate drawing on a sheet.",
    key=("archive", "figure_id"),
    schema=pa.schema(
        [
            ARCHIVE,
            field(
                "figure_id",
                pa.string(),
                "sheet_id#label, or sheet_id#@ordinal where there is no label.",
                nullable=False,
            ),
            field("sheet_id", pa.string(), "The sheet.", nullable=False),
            field("doc_id", pa.string(), "The document.", nullable=False),
            field("label", pa.string(), "Figure label without the word: 2A. Null where none is known."),
            field("label_source", pa.string(), "One of: " + ", ".join(LABEL_SOURCES) + ".", nullable=False),
            field("ordinal", pa.int32(), "Position on the sheet, from 0.", nullable=False),
            field("x0", pa.int32(), "Left edge of the box, sheet pixels.", nullable=False),
            field("y0", pa.int32(), "Top edge.", nullable=False),
            field("x1", pa.int32(), "Right edge, exclusive.", nullable=False),
            field("y1", pa.int32(), "Bottom edge, exclusive.", nullable=False),
            field("caption", pa.string(), "The figure's brief description, where the text gives one."),
        ]
    ),
)
