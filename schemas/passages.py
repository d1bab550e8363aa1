"""passages: the sentences of a document."""

import pyarrow as pa

from schemas.base import ARCHIVE, STRINGS, Table, field

TABLE = Table(
    name="passages",
    description="One row per sentence of title, abstract, description and claims.",
    key=("archive", "passage_id"),
    schema=pa.schema(
        [
            ARCHIVE,
            field(
                "passage_id",
                pa.string(),
                "doc_id/section-language/paragraph/sentence; unique in the archive.",
                nullable=False,
            ),
            field("doc_id", pa.string(), "The document.", nullable=False),
            field("section", pa.string(), "title, abstract, description, claims.", nullable=False),
            field("paragraph", pa.string(), "Paragraph or claim number as the office prints it.", nullable=False),
            field(
                "paragraph_index",
                pa.int32(),
                "Position of the paragraph in its section and language, from 0.",
                nullable=False,
            ),
            field("sentence", pa.int32(), "Position of the sentence in its paragraph, from 0.", nullable=False),
            field("language", pa.string(), "ISO 639-1, lower case.", nullable=False),
            field("heading", pa.string(), "Nearest heading above, as printed."),
            field("text", pa.string(), "The sentence; white space folded, no mark-up.", nullable=False),
            field("figure_refs", STRINGS, "Figure labels that the sentence names, normalised: 2A, 5."),
        ]
    ),
)
