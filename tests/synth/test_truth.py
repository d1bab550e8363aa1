"""The truth says what the archive holds."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from itertools import combinations

import numpy as np
from lxml import etree
from numpy.typing import NDArray
from PIL import Image

from pipeline.synth.lexicon import LANGUAGES, TERMS
from tests.synth.conftest import Delivery, Row

#: (language, singular) → singular and plural
NOUNS = {(x, t.noun(x).one): (t.noun(x).one, t.noun(x).many) for t in TERMS.values() for x in LANGUAGES}


def text_of(root: etree._Element, path: str) -> str:
    return " ".join("".join(node.itertext()) for node in root.iterfind(path))


def ink(delivery: Delivery) -> dict[tuple[str, str], NDArray[np.bool_]]:
    images = {}
    for stem, files in delivery.packages().items():
        for name, data in files.items():
            if name.endswith(".tif"):
                with Image.open(io.BytesIO(data)) as image:
                    images[stem, name] = ~np.asarray(image)
    return images


def test_images_are_g4_tiffs_at_300_dpi_of_the_size_that_the_xml_states(delivery: Delivery) -> None:
    documents = delivery.documents()
    for stem, files in delivery.packages().items():
        stated = {i.get("file"): (int(i.get("wi")), int(i.get("he"))) for i in documents[stem].iter("img")}
        assert set(stated) == {n for n in files if n.endswith(".tif")}
        for name, (wide, high) in stated.items():
            with Image.open(io.BytesIO(files[name])) as image:
                assert (image.format, image.mode, image.info["compression"]) == ("TIFF", "1", "group4")
                assert image.info["dpi"] == (300.0, 300.0)
                assert (round(image.width / 11.811), round(image.height / 11.811)) == (wide, high)


def test_both_byte_orders_and_both_polarities_occur(delivery: Delivery) -> None:
    seen = set()
    for files in delivery.packages().values():
        for name, data in files.items():
            if name.endswith(".tif"):
                with Image.open(io.BytesIO(data)) as image:
                    seen.add((data[:2], image.tag_v2[262]))
    assert {order for order, _ in seen} == {b"II", b"MM"}
    assert {polarity for _, polarity in seen} == {0, 1}


def test_sheets_are_mostly_paper(delivery: Delivery) -> None:
    for key, image in ink(delivery).items():
        if "imgb" not in key[1]:
            assert 0.001 < image.mean() < 0.3, key


def test_every_sheet_of_a_package_is_in_the_truth_with_its_size(delivery: Delivery) -> None:
    sizes = {(row["doc"], row["file"]): (row["height_px"], row["width_px"]) for row in delivery.truth("sheets")}
    drawn = {key: image.shape for key, image in ink(delivery).items() if not key[1].startswith("imgb")}
    assert sizes == drawn


def test_text_and_figure_boxes_lie_on_the_sheet_and_hold_ink(delivery: Delivery) -> None:
    images = ink(delivery)
    for row in delivery.truth("sheets"):
        image = images[row["doc"], row["file"]]
        boxes = [figure["box"] for figure in row["figures"]]
        for text in row["texts"]:
            xs, ys = text["polygon"][::2], text["polygon"][1::2]
            boxes.append([int(min(xs)), int(min(ys)), int(np.ceil(max(xs))), int(np.ceil(max(ys)))])
        for x0, y0, x1, y1 in boxes:
            assert 0 <= x0 < x1 <= row["width_px"] and 0 <= y0 < y1 <= row["height_px"], row["doc"]
            assert image[y0:y1, x0:x1].any(), (row["doc"], row["file"])


def test_texts_fill_their_polygons(delivery: Delivery) -> None:
    images = ink(delivery)
    for row in delivery.truth("sheets"):
        image = images[row["doc"], row["file"]]
        for text in row["texts"]:
            xs, ys = text["polygon"][::2], text["polygon"][1::2]
            x0, y0, x1, y1 = round(min(xs)), round(min(ys)), round(max(xs)), round(max(ys))
            rows = image[y0:y1, x0:x1].any(axis=1)
            columns = image[y0:y1, x0:x1].any(axis=0)
            # A skewed page and a scanner's wear leave a few empty pixels along the edges.
            slack = 3 + 0.03 * (y1 - y0 + x1 - x0)
            where = row["doc"], row["file"], text["text"]
            assert np.flatnonzero(rows)[0] <= slack and np.flatnonzero(rows)[-1] >= len(rows) - 1 - slack, where
            assert np.flatnonzero(columns)[0] <= slack and np.flatnonzero(columns)[-1] >= len(columns) - 1 - slack, (
                where
            )


def test_no_two_texts_overlap(delivery: Delivery) -> None:
    for row in delivery.truth("sheets"):
        boxes = [
            (
                min(t["polygon"][::2]),
                min(t["polygon"][1::2]),
                max(t["polygon"][::2]),
                max(t["polygon"][1::2]),
                t["text"],
            )
            for t in row["texts"]
        ]
        for a, b in combinations(boxes, 2):
            apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
            assert apart, (row["doc"], row["file"], a, b)


def test_the_angle_says_which_corner_the_text_begins_at(delivery: Delivery) -> None:
    for row in delivery.truth("sheets"):
        for text in row["texts"]:
            x0, y0, x1, y1 = text["polygon"][:4]
            along = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[text["angle"]]
            length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
            assert ((x1 - x0) * along[0] + (y1 - y0) * along[1]) / length > 0.99


def test_numerals_stand_upright_and_turned(delivery: Delivery) -> None:
    angles = {t["angle"] for row in delivery.truth("sheets") for t in row["texts"] if t["role"] == "sign"}
    assert {0, 90, 270} <= angles


def test_figures_of_a_sheet_do_not_overlap(delivery: Delivery) -> None:
    for row in delivery.truth("sheets"):
        for a, b in combinations([figure["box"] for figure in row["figures"]], 2):
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (row["doc"], row["file"])


def test_each_text_of_a_figure_lies_in_its_box_and_its_label_outside(delivery: Delivery) -> None:
    for row in delivery.truth("sheets"):
        for text in row["texts"]:
            if text["figure"] is None:
                continue
            x0, y0, x1, y1 = row["figures"][text["figure"]]["box"]
            x, y = np.mean(text["polygon"][::2]), np.mean(text["polygon"][1::2])
            inside = x0 <= x <= x1 and y0 <= y <= y1
            assert inside == (text["role"] != "figure label"), (row["doc"], row["file"], text["text"])


def test_the_xml_declares_the_labels_that_are_printed(delivery: Delivery) -> None:
    documents = delivery.documents()
    for row in delivery.truth("sheets"):
        if row["role"] != "drawing":
            continue
        figure = documents[row["doc"]].find(f".//drawings/figure/img[@file='{row['file']}']").getparent()
        assert figure.get("num").split(",") == row["figure_labels"]
        printed = [re.sub(r"^\D*?\.?\s*(?=\d)", "", t["text"]) for t in row["texts"] if t["role"] == "figure label"]
        assert printed == row["figure_labels"] == [f["label"] for f in row["figures"]]


def test_every_figure_is_described_and_referred_to_by_its_sheet(delivery: Delivery) -> None:
    documents = delivery.documents()
    sheets: dict[str, list[Row]] = defaultdict(list)
    for row in delivery.truth("sheets"):
        if row["role"] == "drawing":
            sheets[row["doc"]].append(row)
    captions = {(row["doc"], row["label"]): row["full_sentence"] for row in delivery.truth("captions")}
    for doc, rows in sheets.items():
        description = text_of(documents[doc], "description")
        for row in rows:
            ident = f"f{int(row['file'][4:8]):04d}"
            for label in row["figure_labels"]:
                assert captions[doc, label] in description
                names = {
                    "".join(r.itertext()).split()[-1] for r in documents[doc].iter("figref") if r.get("idref") == ident
                }
                assert label in names


def test_every_sign_on_a_sheet_is_named_in_the_text(delivery: Delivery) -> None:
    named = {(row["doc"], row["sign"]) for row in delivery.truth("signs")}
    for row in delivery.truth("sheets"):
        assert {(row["doc"], sign) for sign in row["reference_signs"]} <= named, (row["doc"], row["file"])


def test_the_text_names_each_sign_by_its_term_as_often_as_stated(delivery: Delivery) -> None:
    documents = delivery.documents()
    for row in delivery.truth("signs"):
        body = " ".join(
            "".join(p.itertext()) for p in documents[row["doc"]].iterfind("description/p") if p.find("ul") is None
        )
        count = len(re.findall(rf"(?<![\w.,]){re.escape(row['sign'])}(?![\w'’]|[.,]\d)", body))
        assert count >= row["n_mentions"] > 0, row
        if (nouns := NOUNS.get((row["language"], row["term"]))) is not None:  # a method step has only a summary
            assert any(noun in body or noun.capitalize() in body for noun in nouns), row


def test_official_lists_hold_every_sign_of_the_text(delivery: Delivery) -> None:
    by_source = {row["source"] for row in delivery.truth("signs")}
    assert by_source == {"list", "text"}
    documents = delivery.documents()
    for row in delivery.truth("signs"):
        if row["source"] == "list":
            items = ["".join(li.itertext()) for li in documents[row["doc"]].iterfind("description/p/ul/li")]
            assert any(re.match(rf"{re.escape(row['sign'])}\W+{re.escape(row['term'])}$", item) for item in items), row


def test_sentences_follow_the_paragraphs_and_name_real_figures(delivery: Delivery) -> None:
    documents = delivery.documents()
    labels = defaultdict(set)
    for row in delivery.truth("sheets"):
        labels[row["doc"]].update(row["figure_labels"])
    together = defaultdict(list)
    for row in delivery.truth("figure_sentences"):
        assert set(row["figures"]) | set(row["optional"]) <= labels[row["doc"]]
        assert bool(row["figures"]) == (row["basis"] != "none")
        together[row["doc"], row["paragraph"]].append(row["text"])
    for (doc, number), sentences in together.items():
        paragraph = documents[doc].find(f"description/p[@num='{number}']")
        assert " ".join(sentences) == "".join(paragraph.itertext()).split(" EPO <DP")[0]


def test_traps_stand_in_the_text_and_are_no_signs(delivery: Delivery) -> None:
    documents = delivery.documents()
    for row in delivery.truth("not_signs"):
        assert row["number"] in row["context"]
        assert row["context"] in text_of(documents[row["doc"]], "description")


def test_languages_kinds_and_stubs_occur(delivery: Delivery) -> None:
    rows = delivery.truth("documents")
    assert len(rows) == 40
    assert {row["language"] for row in rows} >= {"en", "de"}
    assert {row["kind"] for row in rows} >= {"A1", "B1"}
    assert {row["stub"] for row in rows} == {True, False}
    documents = delivery.documents()
    for row in rows:
        root = documents[row["doc"]]
        assert (root.find("description") is None) == row["stub"]
        assert len(root.findall("claims")) == (0 if row["stub"] else 3 if row["kind"] == "B1" else 1)
        titles = [node.text.lower() for node in root.iter("B542")]
        assert titles == [row["titles"][language].lower() for language in ("de", "en", "fr")]
