"""signs: the reference signs of a document and the parts they name."""

import pyarrow as pa

from schemas.base import ARCHIVE, STRINGS, Table, field

TABLE = Table(
    name="signs",
    description="One row per reference sign that a document's text names.",
    key=("archive", "doc_id", "sign"),
    schema=pa.schema(
        [
            ARCHIVE,
            field("doc_id", pa.string(), "The document.", nullable=False),
            field("sign", pa.string(), "Reference sign: 12a, 3', S620.", nullable=False),
            field("term", pa.string(), "The part's name as in a list of reference signs.", nullable=False),
            field("alternates", STRINGS, "Other names the text uses, most frequent first."),
            field("language", pa.string(), "Language of the term, ISO 639-1.", nullable=False),
            field("mentions", pa.int32(), "Times the text names the sign.", nullable=False),
            field("confidence", pa.float32(), "Share of the mentions that agree on the term, 0 to 1.", nullable=False),
            field("source", pa.string(), "list (official list of reference signs) or text.", nullable=False),
        ]
    ),
)
