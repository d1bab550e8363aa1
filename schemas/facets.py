"""facets: what kind of drawing a figure is, and from where it is seen."""

import pyarrow as pa

from schemas.base import ARCHIVE, Table, field

FIGURE_TYPES = (
    "technical drawing",
    "block diagram",
    "flow chart",
    "graph",
    "circuit diagram",
    "table",
    "chemical structure",
    "photograph",
    "unknown",
)
PERSPECTIVES = ("perspective", "front", "rear", "side", "top", "bottom", "cross section", "exploded", "unknown")

TABLE = Table(
    name="facets",
    description="Figure type and perspective of each figure.",
    key=("archive", "figure_id"),
    schema=pa.schema(
        [
            ARCHIVE,
            field("figure_id", pa.string(), "The figure.", nullable=False),
            field("doc_id", pa.string(), "The document.", nullable=False),
            field("figure_type", pa.string(), "One of: " + ", ".join(FIGURE_TYPES) + ".", nullable=False),
            field("type_probability", pa.float32(), "0 to 1.", nullable=False),
            field("perspective", pa.string(), "One of: " + ", ".join(PERSPECTIVES) + ".", nullable=False),
            field("perspective_probability", pa.float32(), "0 to 1.", nullable=False),
            field("source", pa.string(), "caption, image or none.", nullable=False),
            field("model", pa.string(), "Classifier and version.", nullable=False),
        ]
    ),
)
