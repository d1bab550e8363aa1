"""rejects: everything that could not be taken in, and why."""

import pyarrow as pa

from schemas.base import ARCHIVE, TIMESTAMP, Table, field

TABLE = Table(
    name="rejects",
    description="One row per item that a step could not take in. `figlake replay` runs them again.",
    key=("archive", "step", "item", "reason"),
    partition_by=("archive", "step"),
    schema=pa.schema(
        [
            ARCHIVE,
            field("step", pa.string(), "The step that rejected the item.", nullable=False),
            field("item", pa.string(), "Member path, document, sheet or figure id.", nullable=False),
            field("reason", pa.string(), "One of the closed list in pipeline/errors.py.", nullable=False),
            field("detail", pa.string(), "What was wrong, in words.", nullable=False),
            field("sha256", pa.string(), "SHA-256 of the rejected bytes, hex, where they were read."),
            field("attempt", pa.int32(), "How many runs have rejected the item.", nullable=False),
            field("first_seen", TIMESTAMP, "First rejection, UTC.", nullable=False),
            field("last_seen", TIMESTAMP, "Latest rejection, UTC.", nullable=False),
        ]
    ),
)
