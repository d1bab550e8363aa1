"""What is drawn reads back through the archive reader and the extractor as the truth says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pipeline.archives import discover, list_archive, open_packages
from pipeline.config import Settings
from pipeline.errors import Reject
from pipeline.extract.documents import ExtractedDocument, extract_package
from pipeline.synth import draw_archive
from tests.synth.conftest import Delivery


def extracted(path: Path) -> dict[str, ExtractedDocument]:
    settings = Settings()
    (source,) = discover([str(path)])
    listing = list_archive(source, settings.limits, settings.extract)
    assert not listing.rejects
    found = {}
    for shard in listing.shards:
        for package in open_packages(shard, settings.limits):
            assert not isinstance(package, Reject), package
            for item in extract_package(package, settings, listing.delivery_date):
                assert not isinstance(item, Reject), item
                found[item.document["doc_id"]] = item
    return found


@pytest.fixture(scope="module", params=["epo", "uspto"])
def drawn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    folder = tmp_path_factory.mktemp(request.param)
    return Delivery(draw_archive(folder, 25, seed=8, office=request.param, pace="fast"))


def test_every_document_and_sheet_is_found_with_its_title_and_labels(drawn: Delivery) -> None:
    documents = extracted(drawn.path)
    rows = {row["doc"]: row for row in drawn.truth("documents")}
    assert {row["doc_id"] for row in rows.values()} == set(documents)
    for row in rows.values():
        document = documents[row["doc_id"]].document
        titles = {language: title.lower() for language, title in dict(document["titles"]).items()}
        assert titles == {language: title.lower() for language, title in row["titles"].items()}
        assert (document["n_sheets"], document["language"]) == (row["n_sheets"], row["language"])
        assert document["publication_date"].isoformat() == row["publication_date"]
    for sheet in drawn.truth("sheets"):
        document = documents[rows[sheet["doc"]]["doc_id"]]
        (found,) = [s for s in document.sheets if s["file"] == sheet["file"]]
        assert (found["role"], found["width_px"], found["height_px"], found["dpi"]) == (
            sheet["role"], sheet["width_px"], sheet["height_px"], 300.0,
        )  # fmt: skip
        if sheet["role"] == "drawing" and row_is_epo(sheet["doc"]):
            assert list(found["declared_labels"]) == sheet["figure_labels"]


def row_is_epo(doc: str) -> bool:
    return doc.startswith("EP")


def test_the_sentences_of_the_truth_are_those_that_the_splitter_finds(drawn: Delivery) -> None:
    documents = extracted(drawn.path)
    ids = {row["doc"]: row["doc_id"] for row in drawn.truth("documents")}
    told = Counter((ids[row["doc"]], row["paragraph"], row["text"]) for row in drawn.truth("figure_sentences"))
    found = Counter(
        (doc_id, passage["paragraph"], passage["text"])
        for doc_id, document in documents.items()
        for passage in document.passages
        if passage["section"] == "description"
    )
    missed = told - found
    assert missed.total() <= 0.002 * told.total(), list(missed)[:5]
