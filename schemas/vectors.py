"""figure_vectors, text_vectors, passage_vectors, region_vectors: what the encoders made of figures and sentences."""

import pyarrow as pa

from schemas.base import ARCHIVE, VECTOR, Table, field


def _vectors(name: str, key: str, key_description: str, description: str, *details: pa.Field) -> Table:
    return Table(
        name=name,
        description=description,
        key=("archive", key),
        row_group_rows=20_000,
        byte_stream_split=("vector",),
        schema=pa.schema(
            [
                ARCHIVE,
                field(key, pa.string(), key_description, nullable=False),
                field("doc_id", pa.string(), "The document.", nullable=False),
                *details,
                field("model", pa.string(), "Encoder: Hugging Face id, folder name or built-in name.", nullable=False),
                field("revision", pa.string(), "Revision of the encoder's weights.", nullable=False),
                field(
                    "vector",
                    VECTOR,
                    "Unit length in the L2 norm; values exactly representable in float16.",
                    nullable=False,
                ),
            ]
        ),
    )


FIGURE_VECTORS = _vectors("figure_vectors", "figure_id", "The figure.", "One image vector per figure.")
TEXT_VECTORS = _vectors(
    "text_vectors", "figure_id", "The figure.", "One text vector per figure: the mean of its linked sentences'."
)
PASSAGE_VECTORS = _vectors("passage_vectors", "passage_id", "The sentence.", "One text vector per sentence.")
REGION_VECTORS = _vectors(
    "region_vectors",
    "region_id",
    "figure_id/ordinal.",
    "One image vector per region of a figure: the whole, its largest connected components, overlapping windows. "
    "Empty unless models.regions is true.",
    field("figure_id", pa.string(), "The figure.", nullable=False),
    field("ordinal", pa.int32(), "Position among the figure's regions, from 0, the whole figure.", nullable=False),
    field("x0", pa.int32(), "Left edge of the box, sheet pixels.", nullable=False),
    field("y0", pa.int32(), "Top edge.", nullable=False),
    field("x1", pa.int32(), "Right edge, exclusive.", nullable=False),
    field("y1", pa.int32(), "Bottom edge, exclusive.", nullable=False),
)
