"""The lexical index of a release: Tantivy's inverted index over linked sentences and what is printed in the drawings.

One entry for each figure and linked sentence, which also carries the figure's own words, so that any condition may be
combined with any other; a figure without links has one entry without a sentence. BM25 as Tantivy computes it
(Robertson and Zaragoza 2009); a figure's score is that of its best entry.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import FiglakeError

if TYPE_CHECKING:
    import tantivy

#: Fields of words, folded and stemmed, and fields of names, folded only.
WORD_FIELDS = ("text", "figure", "part", "caption", "title")
NAME_FIELDS = ("section", "language", "sign", "type", "perspective", "office", "kind", "doc", "archive")
#: The vector id of the figure, and the key by which a document's entries are removed.
KEY_FIELD, SOURCE_FIELD = "key", "source"
_LONGEST_WORD = 60

Ids = NDArray[np.int64]


class LexicalIndexError(FiglakeError):
    """A lexical index cannot be opened or written."""


@cache
def schema() -> tantivy.Schema:
    """The fields of an index."""
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_integer_field(KEY_FIELD, indexed=True, fast=True)
    builder.add_text_field(SOURCE_FIELD, tokenizer_name="raw", index_option="basic")
    for name in WORD_FIELDS:
        builder.add_text_field(name, tokenizer_name="words")
    for name in NAME_FIELDS:
        builder.add_text_field(name, tokenizer_name="names", index_option="basic")
    return builder.build()


@cache
def analysers() -> Mapping[str, tantivy.TextAnalyzer]:
    """How texts become terms: ``words`` are stemmed as English, ``folded`` are not, ``names`` are one term each."""
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    def folded() -> TextAnalyzerBuilder:
        words = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.remove_long(_LONGEST_WORD))
        return words.filter(Filter.lowercase()).filter(Filter.ascii_fold())

    names = TextAnalyzerBuilder(Tokenizer.raw()).filter(Filter.lowercase()).build()
    return {"words": folded().filter(Filter.stemmer("english")).build(), "folded": folded().build(), "names": names}


def open_index(folder: Path) -> tantivy.Index:
    """The index in a folder, made there if it is empty. Raises LexicalIndexError when it cannot be opened."""
    import tantivy

    try:
        index = tantivy.Index(schema(), path=str(folder))
    except ValueError as error:
        raise LexicalIndexError(f"the lexical index in {folder} cannot be opened: {error}") from None
    for name in ("words", "names"):
        index.register_tokenizer(name, analysers()[name])
    return index


class LexicalIndex:
    """An index opened for reading; its files stay where they are, mapped into memory."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        """``files``: where each file of the index lies, by name. They may lie in a place that cannot be written to:
        the index is opened through links, because Tantivy keeps its lock beside its files."""
        self._folder = tempfile.TemporaryDirectory(prefix="figlake-lexical-", ignore_cleanup_errors=True)
        for name, path in files.items():
            (Path(self._folder.name) / name).symlink_to(path)
        self.index = open_index(Path(self._folder.name))
        self.searcher = self.index.searcher()

    def best(self, query: tantivy.Query, entries: int) -> tuple[Ids, NDArray[np.float32], bool]:
        """Figures of the ``entries`` best entries, best first, each once with its score; and whether that was all."""
        found: Any = self.searcher.search(query, max(1, min(entries, self.searcher.num_docs)), count=True)
        if not found.hits:
            return np.empty(0, np.int64), np.empty(0, np.float32), True
        keys = np.array(self.searcher.fast_field_values(KEY_FIELD, [address for _, address in found.hits]), np.int64)
        scores = np.array([score for score, _ in found.hits], np.float32)
        _, first = np.unique(keys, return_index=True)
        first = np.sort(first)
        return keys[first], scores[first], len(found.hits) >= found.count

    def scores(self, query: tantivy.Query, figures: Ids) -> NDArray[np.float32]:
        """BM25 of each figure, NaN where it does not match."""
        from tantivy import Occur, Query

        result = np.full(len(figures), np.nan, np.float32)
        if not len(figures):
            return result
        these = Query.const_score_query(Query.term_set_query(schema(), KEY_FIELD, figures.tolist()), 0.0)
        keys, scores, _ = self.best(
            Query.boolean_query([(Occur.Must, query), (Occur.Must, these)]), self.searcher.num_docs
        )  # fmt: skip
        order = np.argsort(keys)
        place = np.minimum(np.searchsorted(keys[order], figures), max(0, len(keys) - 1))
        if len(keys):
            there = keys[order][place] == figures
            result[there] = scores[order][place][there]
        return result
