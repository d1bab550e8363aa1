"""runs: the ledger. Append-only; says which fingerprint each generation had."""

import pyarrow as pa

from schemas.base import TIMESTAMP, Table, field

TABLE = Table(
    name="runs",
    description="The run ledger: one row when a step starts on an archive and one when it ends.",
    key=("archive", "step", "generation", "state"),
    partition_by=("month",),
    schema=pa.schema(
        [
            field("month", pa.string(), "yyyy-mm of `at`, UTC.", nullable=False),
            field("archive", pa.string(), "The archive; _lake for a lake-wide step.", nullable=False),
            field("step", pa.string(), "Name in STEPS.", nullable=False),
            field(
                "generation",
                pa.int64(),
                "Generation that the step writes; only grows per step and archive.",
                nullable=False,
            ),
            field(
                "fingerprint",
                pa.string(),
                "Digest of inputs, settings, model revisions and step version.",
                nullable=False,
            ),
            field("state", pa.string(), "started, done or failed.", nullable=False),
            field("at", TIMESTAMP, "When the row was written, UTC.", nullable=False),
            field("archive_sha256", pa.string(), "Content hash of the archive, where the step reads it."),
            field("rows_in", pa.int64(), "Items read."),
            field("rows_out", pa.map_(pa.string(), pa.int64()), "Rows written by table."),
            field("rejects", pa.int64(), "Items rejected."),
            field("seconds", pa.float64(), "Wall-clock time of the step."),
            field("peak_memory_mb", pa.float64(), "Largest resident set of any worker, MiB."),
            field("items_per_second", pa.float64(), "rows_in over seconds."),
            field("host", pa.string(), "Where it ran."),
            field("detail", pa.string(), "Error of a failed run; metrics of a done one, as JSON."),
        ]
    ),
)
