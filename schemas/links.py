"""links: which sentence speaks of which figure, through which sign."""

import pyarrow as pa

from schemas.base import ARCHIVE, Table, field

MATCH_KINDS = ("exact", "corrected", "figure mention", "context")

TABLE = Table(
    name="links",
    description="The figure-to-text links: one row per figure, sign and sentence. Analysts start here.",
    key=("archive", "figure_id", "sign", "passage_id"),
    schema=pa.schema(
        [
            ARCHIVE,
            field("figure_id", pa.string(), "The figure.", nullable=False),
            field("doc_id", pa.string(), "The document.", nullable=False),
            field("sign", pa.string(), "Reference sign; empty for a figure mention or for context.", nullable=False),
            field("passage_id", pa.string(), "The sentence.", nullable=False),
            field("term", pa.string(), "Name of the part; null where there is no sign."),
            field(
                "region_ordinal",
                pa.int32(),
                "Region of the figure's sheet where the sign was read; null for a figure mention.",
            ),
            field("match", pa.string(), "One of: " + ", ".join(MATCH_KINDS) + ".", nullable=False),
            field("ocr_confidence", pa.float32(), "Confidence of the region, 0 to 1; null for a figure mention."),
            field("score", pa.float32(), "How strongly the sentence is about the figure, 0 to 1.", nullable=False),
            field("text", pa.string(), "The sentence.", nullable=False),
        ]
    ),
)
