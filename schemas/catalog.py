"""codebooks, shards and compacted: the catalogue of index files, so that they are committed like any other rows."""

import pyarrow as pa

from schemas.base import ARCHIVE, Table, field

MODALITIES = ("image", "text", "passage", "region")

#: Of a held-out part of the training sample, or of the shard's rows: what the drift gauge compares.
_GAUGES = [
    field("quantisation_error", pa.float64(), "Mean squared distance of a vector from what its code stands for."),
    field("imbalance", pa.float64(), "How many times likelier than with equal lists two vectors share one."),
]

CODEBOOKS = Table(
    name="codebooks",
    description="The codebook in force for each modality. Lake-wide: its archive is _lake.",
    key=("archive", "modality"),
    schema=pa.schema(
        [
            ARCHIVE,
            field("modality", pa.string(), "image, text or passage.", nullable=False),
            field("codebook", pa.string(), "Content-addressed name: modality-hash.", nullable=False),
            field("recipe", pa.string(), "faiss factory string, or Flat.", nullable=False),
            field("dimension", pa.int32(), "Vector dimension.", nullable=False),
            field("model", pa.string(), "Encoder that made the vectors.", nullable=False),
            field("revision", pa.string(), "Revision of the encoder.", nullable=False),
            field("trained_on", pa.int64(), "Vectors in the training sample.", nullable=False),
            field("vectors_seen", pa.int64(), "Vectors in the lake at training time.", nullable=False),
            field("path", pa.string(), "Path below the lake.", nullable=False),
            field("sha256", pa.string(), "SHA-256 of the file, hex.", nullable=False),
            *_GAUGES,
            field("replaces", pa.string(), "The codebook that had to give way to it; null: none had."),
        ]
    ),
)

SHARDS = Table(
    name="shards",
    description="The FAISS shard files of each archive.",
    key=("archive", "modality", "codebook"),
    schema=pa.schema(
        [
            ARCHIVE,
            field("modality", pa.string(), "image, text or passage.", nullable=False),
            field("codebook", pa.string(), "Codebook that encoded the shard.", nullable=False),
            field("rows", pa.int64(), "Vectors in the shard.", nullable=False),
            field("lists_path", pa.string(), "Inverted lists, below the lake; null under a flat codebook."),
            field("lists_sha256", pa.string(), "SHA-256, hex."),
            field("vectors_path", pa.string(), "float16 vectors, row-major, below the lake.", nullable=False),
            field("vectors_sha256", pa.string(), "SHA-256, hex.", nullable=False),
            field(
                "keys_path",
                pa.string(),
                "Arrow IPC: vector id, key and document of each row, below the lake.",
                nullable=False,
            ),
            field("keys_sha256", pa.string(), "SHA-256, hex.", nullable=False),
            *_GAUGES,
        ]
    ),
)

_MEMBER = pa.struct(
    [
        field("archive", pa.string(), "Whose rows they are.", nullable=False),
        field("shard", pa.string(), "vectors_sha256 of the archive's own shard that they come from.", nullable=False),
        field("rows", pa.int64(), "How many; the members' rows lie one after another.", nullable=False),
        field("dropped", pa.list_(pa.string()), "Documents of that shard that were left out.", nullable=False),
    ]
)

COMPACTED = Table(
    name="compacted",
    description="Shards that stand for several archives' shards. Lake-wide: their archive is _lake.",
    key=("archive", "vectors_path"),
    schema=pa.schema(
        [
            *(f for f in SHARDS.schema if f.name not in {gauge.name for gauge in _GAUGES}),
            field("members", pa.list_(_MEMBER), "Whose rows they are, in this order.", nullable=False),
        ]
    ),
)
