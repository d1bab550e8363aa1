"""quality: what the checks before a release found. Append-only."""

import pyarrow as pa

from schemas.base import STRINGS, TIMESTAMP, Table, field

TABLE = Table(
    name="quality",
    description="Results of the expectations on the tables: one row per check, expectation and archive.",
    key=("at", "expectation", "archive"),
    partition_by=("month",),
    schema=pa.schema(
        [
            field("month", pa.string(), "yyyy-mm of `at`, UTC.", nullable=False),
            field("at", TIMESTAMP, "When the check was made, UTC; the same for all rows of a check.", nullable=False),
            field("expectation", pa.string(), "What was expected, e.g. regions.sheet_id is a sheet.", nullable=False),
            field("kind", pa.string(), "keys, references, ranges, norms or shares.", nullable=False),
            field("table", pa.string(), "The table that was checked.", nullable=False),
            field("archive", pa.string(), "The archive whose rows were checked.", nullable=False),
            field("checked", pa.int64(), "Rows looked at.", nullable=False),
            field("failed", pa.int64(), "Rows that are not as expected.", nullable=False),
            field("allowed", pa.float64(), "Share of failed rows up to which the expectation holds.", nullable=False),
            field("severity", pa.string(), "fail: stops a release. warn: is only told.", nullable=False),
            field("passed", pa.bool_(), "Whether the expectation held.", nullable=False),
            field("examples", STRINGS, "Keys of some failed rows."),
        ]
    ),
)
