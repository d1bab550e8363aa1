"""tombstones: documents withdrawn or to be taken down."""

import pyarrow as pa

from schemas.base import ARCHIVE, TIMESTAMP, Table, field

TABLE = Table(
    name="tombstones",
    description="Documents withdrawn or to be taken down; masked at once in search.",
    key=("archive", "doc_id"),
    schema=pa.schema(
        [
            ARCHIVE,
            field("doc_id", pa.string(), "The document.", nullable=False),
            field("reason", pa.string(), "Why, in words.", nullable=False),
            field("at", TIMESTAMP, "When, UTC.", nullable=False),
        ]
    ),
)
