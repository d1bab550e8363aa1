"""Retrieval quality of the built-in encoders: the other views of a patent, and the figure that a caption describes.

    python -m benchmarks.retrieval [--lake LAKE]

Same-document retrieval on ../shared/data/design by DeepPatent's protocol (Kucer et al. 2022): every sheet is a query,
the other sheets of its patent are relevant, the query itself is excluded, the gallery is all sheets. Peers: Dalal and
Triggs' descriptor as scikit-image gives it, and the drawing's own pixels.

Text-to-figure retrieval on the figures of a lake of EP and US documents, linked: ``figlake run --archives
../shared/data/epo ../shared/data/uspto --to link --lake LAKE``. The query is a figure's caption ("a perspective bottom
view of the cranial plate"), the figures of that document with that caption are relevant, the gallery is all figures.
Sentences that contain a caption are withheld from every figure, since they would give the answer away. ``text`` is
the mean of a figure's linked sentences, ``passage`` the nearest one. Peer: the same two words-to-words
similarities with tf-idf (Salton and Buckley 1988) for the sentence encoder.

Beside both a random order. P@1 is the rank-1 accuracy of the literature; intervals are 95%, patents drawn whole.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.config import ModelSettings
from pipeline.embedding.drawing import Preparation
from pipeline.embedding.models import image_encoder, text_encoder
from pipeline.embedding.vectors import figure_means, unit
from pipeline.evaluation.full_gallery import Measured, measure_all, same_document
from pipeline.lake import Lake
from pipeline.pixels import Sheet, decode
from tests.shared_data import SHARED

SEED = 20190213
COLUMNS = ("mAP", "P@1", "P@5", "R@1", "R@5", "R@10", "NDCG@10", "MRR")
_SIDE_PX, _MPIXELS = 128, 300
Vectors = NDArray[np.float32]


def design_sheets() -> tuple[list[Sheet], list[str]]:
    """The sheets of the design patents and the patent of each; none where the data is absent."""
    files = sorted((SHARED / "design").glob("*/*.[tT][iI][fF]")) if SHARED else []
    return [decode(file.read_bytes(), _MPIXELS) for file in files], [file.parent.name for file in files]


def plain_descriptor(sheets: Sequence[Sheet]) -> Vectors:
    """Histograms of oriented gradients with scikit-image's defaults for block and norm."""
    from skimage.feature import hog

    canvases = map(Preparation(_SIDE_PX), sheets)
    return unit(np.stack([hog(canvas, 9, (16, 16), (2, 2), block_norm="L2-Hys") for canvas in canvases]))


def plain_pixels(sheets: Sequence[Sheet]) -> Vectors:
    """16 x 16 densities of ink around their mean."""
    inks = np.stack([255.0 - Preparation(16)(sheet).ravel() for sheet in sheets])
    return unit(inks - inks.mean(axis=1, keepdims=True))


def random_order(queries: int, gallery: int) -> Vectors:
    """Scores that say nothing."""
    return np.random.default_rng(SEED).random((queries, gallery), dtype=np.float32)


def views(sheets: Sequence[Sheet], patents: Sequence[str]) -> None:
    """Print same-document retrieval."""
    encoder = image_encoder(ModelSettings())
    ways = {encoder.name: encoder.encode, "plain HOG": plain_descriptor, "pixels": plain_pixels}
    names, same = np.asarray(patents), np.eye(len(patents), dtype=np.bool_)
    scores = random_order(len(patents), len(patents))
    found = {name: same_document(encode(sheets), patents) for name, encode in ways.items()}
    found["random order"] = measure_all(scores, names[:, None] == names[None, :], same)
    print(f"same-document retrieval: {len(sheets)} sheets of {len(set(patents))} design patents")
    report(found, "plain HOG", patents)


def captions(lake: Lake) -> None:
    """Print text-to-figure retrieval."""
    figures = lake.read("figures").select(["figure_id", "doc_id", "caption"]).sort_by("figure_id").to_pylist()
    asked = [figure for figure in figures if figure["caption"]]
    links = without_captions(lake.read("links"), [figure["caption"] for figure in asked])
    relevant = np.array(
        [[(one["doc_id"], one["caption"]) == (q["doc_id"], q["caption"]) for one in figures] for q in asked]
    )
    queries, ids = [figure["caption"] for figure in asked], [figure["figure_id"] for figure in figures]
    encoder = text_encoder(ModelSettings())
    found: dict[str, Measured] = {}
    for name, encode in {encoder.name: encoder.encode, "tf-idf": tf_idf(queries + links["text"].to_pylist())}.items():
        for way, scores in word_scores(queries, ids, links, encode).items():
            found[f"{way}, {name}"] = measure_all(scores, relevant)
    found["random order"] = measure_all(random_order(*relevant.shape), relevant)
    documents = [figure["doc_id"] for figure in asked]
    print(f"text-to-figure retrieval: {len(asked)} captions, {len(figures)} figures, {len(set(documents))} documents")
    report(found, "text, tf-idf", documents)


def without_captions(links: pa.Table, captions: Sequence[str]) -> pa.Table:
    """The links whose sentences contain none of the captions."""
    folded = {_folded(caption) for caption in captions}
    keep = {text: not any(caption in _folded(text) for caption in folded) for text in set(links["text"].to_pylist())}
    return links.filter(pa.array([keep[text] for text in links["text"].to_pylist()], pa.bool_()))


def _folded(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def word_scores(
    queries: Sequence[str], figures: Sequence[str], links: pa.Table, encode: Callable[[list[str]], Vectors]
) -> dict[str, Vectors]:
    """Similarities (queries, figures) to the mean of each figure's sentences and to the nearest; NaN without one."""
    sentences = links.group_by(["passage_id", "text"]).aggregate([])
    vectors, asked = encode(sentences["text"].to_pylist()), encode(list(queries))
    passages = sentences["passage_id"].combine_chunks()
    means, of_figure = figure_means(links, passages, vectors, weighted=True)
    text = np.full((len(queries), len(figures)), np.nan, np.float32)
    place = {figure: column for column, figure in enumerate(figures)}
    text[:, [place[figure] for figure in means["figure_id"].to_pylist()]] = asked @ of_figure.T
    nearness, row = asked @ vectors.T, {passage: row for row, passage in enumerate(passages.to_pylist())}
    passage = np.full_like(text, -np.inf)
    for pair in links.group_by(["figure_id", "passage_id"]).aggregate([]).to_pylist():
        column = place[pair["figure_id"]]
        passage[:, column] = np.maximum(passage[:, column], nearness[:, row[pair["passage_id"]]])
    return {"text": text, "passage": passage}


def tf_idf(corpus: Sequence[str]) -> Callable[[list[str]], Vectors]:
    """An encoder of sentences by their words, weighted on the ``corpus``."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    model = TfidfVectorizer(sublinear_tf=True, token_pattern=r"\w+").fit(set(corpus))
    return lambda texts: np.asarray(model.transform(texts).toarray(), dtype=np.float32)


def report(found: dict[str, Measured], peer: str, groups: Sequence[str]) -> None:
    """Print a line for each way, and how the first compares with the ``peer``."""
    width = max(map(len, found)) + 2
    print(f"{'':{width}}" + "".join(f"{name:<22}" for name in COLUMNS))
    tables = {way: measured.intervals(groups) for way, measured in found.items()}
    for way, table in tables.items():
        print(f"{way:{width}}" + "".join(f"{table[name]!s:<22}" for name in COLUMNS))
    first = next(iter(tables))
    print(f"mAP of {first}: {tables[first]['mAP'].mean / tables[peer]['mAP'].mean:.2f} x that of {peer}")


def main() -> None:
    """Measure what there is data for, and say what there is none for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", type=Path, help="a linked lake for text-to-figure retrieval; only read")
    arguments = parser.parse_args()
    sheets, patents = design_sheets()
    if sheets:
        views(sheets, patents)
    else:
        print("same-document retrieval: not measured, ../shared/data/design is absent")
    if arguments.lake:
        captions(Lake.at(arguments.lake))
    else:
        print("text-to-figure retrieval: not measured, no --lake is given; see --help for how to make one")


if __name__ == "__main__":
    main()
