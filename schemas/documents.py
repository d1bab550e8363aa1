"""documents: one row per published document (one kind code of one number)."""

import pyarrow as pa

from schemas.base import ARCHIVE, STRINGS, Table, field

CITATION = pa.struct(
    [
        field("kind", pa.string(), "patent or literature.", nullable=False),
        field("text", pa.string(), "Document number, or the reference as printed.", nullable=False),
    ]
)

TABLE = Table(
    name="documents",
    description="One row per published document. The same document in two archives stays in both; "
    "readers take the newest by (delivery date, archive).",
    key=("archive", "doc_id"),
    schema=pa.schema(
        [
            ARCHIVE,
            field("doc_id", pa.string(), "Country + number + kind, e.g. EP3441903A1.", nullable=False),
            field(
                "member",
                pa.string(),
                "Path of the XML inside the archive, nested archives joined by '!/'.",
                nullable=False,
            ),
            field("office", pa.string(), "Publishing office: EP, US, ES …", nullable=False),
            field("country", pa.string(), "Country code of the publication number.", nullable=False),
            field("number", pa.string(), "Publication number without country and kind.", nullable=False),
            field("kind", pa.string(), "Kind code: A1, B1, A8 …", nullable=False),
            field("publication_date", pa.date32(), "Date of publication."),
            field(
                "delivery_date",
                pa.date32(),
                "Date the delivery was made, where the archive states one; else the publication date.",
            ),
            field("application_number", pa.string(), "Application number as the office prints it."),
            field("filing_date", pa.date32(), "Date of filing."),
            field("language", pa.string(), "Language of the proceedings, ISO 639-1, lower case."),
            field("titles", pa.map_(pa.string(), pa.string()), "Title by language (ISO 639-1)."),
            field("applicants", STRINGS, "Applicants (A documents) or proprietors (B documents), as printed."),
            field("inventors", STRINGS, "Inventors, as printed."),
            field("ipc", STRINGS, "IPC symbols without spaces before the slash: G05B17/02."),
            field("cpc", STRINGS, "CPC symbols, same form."),
            field("citations", pa.list_(pa.field("element", CITATION)), "Cited documents and literature."),
            field("family_id", pa.string(), "Simple-family identifier where the delivery states one."),
            field("corrects", pa.string(), "doc_id of the document that this A8/A9/B8/B9 corrects."),
            field("n_sheets", pa.int32(), "Drawing sheets in the package.", nullable=False),
            field("scanned", pa.bool_(), "True when the document holds only page images, no text.", nullable=False),
            field("xml_sha256", pa.string(), "SHA-256 of the XML bytes, hex.", nullable=False),
        ]
    ),
)
