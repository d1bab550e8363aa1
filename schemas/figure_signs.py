"""figure_signs: which reference sign is printed where in which figure, and what part it names."""

import pyarrow as pa

from schemas.base import ARCHIVE, Table, field

CORRECTIONS = ("none", "confusion", "rotation", "missing", "extra")
STATUSES = ("named", "unnamed", "stray")

TABLE = Table(
    name="figure_signs",
    description="One row per reference sign read in a figure, after a second look with the text's knowledge.",
    key=("archive", "figure_id", "region_ordinal"),
    schema=pa.schema(
        [
            ARCHIVE,
            field("figure_id", pa.string(), "The figure.", nullable=False),
            field("region_ordinal", pa.int32(), "Region of the figure's sheet where it was read.", nullable=False),
            field("doc_id", pa.string(), "The document.", nullable=False),
            field("sign", pa.string(), "Reference sign, corrected where the reading was doubtful.", nullable=False),
            field("read_as", pa.string(), "The text as read.", nullable=False),
            field(
                "correction", pa.string(), "How they differ. One of: " + ", ".join(CORRECTIONS) + ".", nullable=False
            ),
            field("ocr_confidence", pa.float32(), "Confidence of the region, 0 to 1.", nullable=False),
            field(
                "status",
                pa.string(),
                "named: the text names it. unnamed: it does not, but has signs of this numbering, or there is no text. "
                "stray: unlike any sign of the text, so more likely none.",
                nullable=False,
            ),
            field("term", pa.string(), "The part's name; null where the text names none."),
        ]
    ),
)
