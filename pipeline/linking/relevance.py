"""How probably a sentence is about a figure: would a careful reader look at it to follow the sentence?

What speaks for it: the sentence names the figure; the text is in the middle of describing it; the figure prints
the signs that the sentence names, best all of them or one that no other figure prints; its brief description or
its paragraphs name them. The evidence is weighed by a logistic model whose weights were set by hand and then
fitted, with a strong pull towards the hand-set ones, on hand-read sentences (``benchmarks/linking.py --fit``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.linking.context import Context, is_table, list_paragraphs, names_unknown, running_context
from pipeline.linking.references import named_figures, read_references

Vector = NDArray[np.float64]
Row = Mapping[str, Any]

#: The evidence and its weight in the log-odds.
WEIGHTS: dict[str, float] = {
    "always": -5.15,
    "about": 4.03,  # named, and the sentence is about it
    "aside": 3.53,  # named in passing
    "others": -1.55,  # the sentence is about other figures
    "context": 2.16,  # strength of the running context
    "context share": 2.16,  # … as a share of all figures'
    "before": 1.6,  # probability for the sentence before
    "announced": 3.05,  # the paragraph ends with "See FIG. 3"
    "covers": 0.61,  # share of the named signs that it prints, relative to the best figure
    "sheet covers": 0.24,  # the same for all figures of its sheet: the boxes may be wrong
    "text covers": 0.54,  # the same for the signs named while it is in context
    "list covers": 0.95,  # the same for the signs named in its brief description
    "paragraph covers": 0.81,  # the same for the signs of the whole paragraph
    "covers all": 0.22,
    "covers alone": 1.44,  # prints a sign that no other figure prints
    "no signs": 0.57,
    "context covers": 1.0,
    "context covers all": 0.45,
    "context elsewhere": -1.5,  # a figure in context prints all the signs; what this one lacks
    "only clue": 1.97,  # share of the coverage, when no figure is in context
    "announced covers": 0.5,
    "caption": 2.07,  # words shared with its brief description, rare ones most
    "generic": -0.86,  # speaks of the invention at large
    "table": -1.0,
}
_NEW_PARAGRAPH = 0.8
_GENERIC = re.compile(
    r"(?i)\binvention|embodiments\b|disclosure|scope|modif|variation|skilled|erfindung|ausführungsformen|invención"
)
_WORD = re.compile(r"[^\W\d_]{3,}")
_STEM = 6
#: Words of captions that say nothing of what a figure shows, cut to their stems.
_COMMON = frozenset(
    re.findall(
        r"\w+",
        """the and are for with from that which this view figure show showin shows accord embodi schema diagra illust
        der die das ein eine des dem und mit von nach zeigt les une est dans sur vue selon una los las del con""",
    )
)
#: A figure that prints more numerals than this, fewer of them signs of the text than that share, is a table.
_MANY_NUMERALS, _SIGN_SHARE = 8, 0.6


@dataclass(frozen=True)
class Document:
    """What the model looks at. ``printed``: figure → the signs read in it, each with its reading; ``spoken``:
    passage → the signs named in it."""

    figures: Sequence[Row]
    passages: Sequence[Row]
    printed: Mapping[str, Mapping[str, Any]]
    spoken: Mapping[str, Sequence[str]]


def probabilities(document: Document, weights: Mapping[str, float] = WEIGHTS) -> dict[str, Vector]:
    """For each passage of the document the probability of each figure, in the order of ``document.figures``."""
    found: dict[str, Vector] = {}
    for section in dict.fromkeys(p["section"] for p in document.passages):
        passages = [p for p in document.passages if p["section"] == section]
        found |= {passage_id: p for passage_id, _, p in Evidence(document, passages).judged(weights)}
    return found


class Evidence:
    """The evidence of one section's sentences."""

    def __init__(self, document: Document, passages: Sequence[Row]) -> None:
        self.passages, self.spoken = passages, document.spoken
        self.count = len(document.figures)
        self.ids = {figure["figure_id"]: place for place, figure in enumerate(document.figures)}
        self.listing = list_paragraphs(passages)
        references = [read_references(p["text"], p["figure_refs"] or ()) for p in passages]
        self.named = [
            {part: self._vector(getattr(r, part), document.figures) for part in ("about", "aside", "turns", "leans")}
            for r in references
        ]
        self.context: Context = running_context(passages, references, self.named, self.listing, self.count)
        self.signs = {s: i for i, s in enumerate(sorted({s for p in passages for s in self._of(p)}))}
        mentions = Counter(s for p in passages for s in self._of(p))
        self.rarity = np.array([1.0 / mentions[s] for s in self.signs]) if self.signs else np.zeros(0)
        self.prints = self._printed(document)
        self.sheet_prints = self._by_sheet(document.figures)
        self.tells, self.lists = self._told()
        self.captions = [_words(figure.get("caption") or "") for figure in document.figures]
        self.caption_rarity = Counter(word for words in self.captions for word in words)

    def _of(self, passage: Row) -> Sequence[str]:
        return self.spoken.get(passage["passage_id"], ())

    def _vector(self, labels: Sequence[str], figures: Sequence[Row]) -> Vector:
        vector = np.zeros(self.count)
        if labels:
            vector[[self.ids[i] for i in named_figures(labels, figures)]] = 1.0
        return vector

    def _printed(self, document: Document) -> NDArray[np.bool_]:
        """Signs × figures: what OCR read where; a figure that is full of other numbers prints nothing."""
        prints = np.zeros((len(self.signs), self.count), dtype=bool)
        for figure_id, readings in document.printed.items():
            signs = list(readings)
            numerals = [s for s in signs if s[0].isdigit()]
            known = sum(s in self.signs for s in numerals)
            if len(numerals) > _MANY_NUMERALS and known < _SIGN_SHARE * len(numerals):
                continue
            rows = [self.signs[s] for s in signs if s in self.signs]
            prints[rows, self.ids[figure_id]] = True
        return prints

    def _by_sheet(self, figures: Sequence[Row]) -> NDArray[np.bool_]:
        sheets = np.array([figure["sheet_id"] for figure in figures])
        same = (sheets[:, None] == sheets[None, :]).astype(np.int64)
        shown: NDArray[np.bool_] = (self.prints.astype(np.int64) @ same) > 0
        return shown

    def _told(self) -> tuple[Vector, NDArray[np.bool_]]:
        """Signs × figures: how often a sign is named while the figure is in view, and whether its brief
        description names it."""
        tells = np.zeros((len(self.signs), self.count))
        lists = np.zeros((len(self.signs), self.count), dtype=bool)
        current = np.zeros(self.count)
        for i, passage in enumerate(self.passages):
            rows = [self.signs[s] for s in self._of(passage)]
            tells[rows] += self._in_view(i)
            if passage["paragraph_index"] in self.listing:
                current = self.named[i]["turns"] if self.named[i]["turns"].any() else current
                lists[rows] |= current > 0
        return tells, lists

    def _in_view(self, i: int) -> Vector:
        """The figures in view at sentence ``i``, shares that sum to one (two in the list of figures)."""
        strength, scale = self.context.strength[i], 1.0
        if self.passages[i]["paragraph_index"] in self.listing:
            view, scale = (strength > 0.9).astype(float), 2.0
        elif self.context.announced[i].any():
            view = self.context.announced[i]
        else:
            view = np.where(strength > 0.5, strength, 0.0)
        total = float(view.sum())
        return np.asarray(view * (scale / total)) if total else view

    def judged(self, weights: Mapping[str, float]) -> Iterable[tuple[str, dict[str, Any], Vector]]:
        """Of each sentence in turn the passage id, the evidence (scalars, and vectors over the figures) and the
        probability of each figure."""
        paragraphs: dict[int, list[int]] = {}
        for passage in self.passages:
            rows = paragraphs.setdefault(passage["paragraph_index"], [])
            rows += [self.signs[s] for s in self._of(passage)]
        before, paragraph = np.zeros(self.count), None
        for i, passage in enumerate(self.passages):
            index = passage["paragraph_index"]
            evidence = self._of_sentence(i, passage, paragraphs[index])
            evidence["before"] = before if index == paragraph else before * _NEW_PARAGRAPH
            odds = sum(weight * evidence[name] for name, weight in weights.items())
            before, paragraph = 1.0 / (1.0 + np.exp(-odds)), index
            yield passage["passage_id"], evidence, before

    def _of_sentence(self, i: int, passage: Row, paragraph: list[int]) -> dict[str, Any]:
        named, strength, announced = self.named[i], self.context.strength[i], self.context.announced[i]
        rows = [self.signs[s] for s in self._of(passage)]
        printed = [row for row in rows if self.prints[row].any()]
        share = self._share(printed, self.prints)
        covers = _relative(share)
        covers_all = self.prints[printed].all(axis=0) if printed else np.zeros(self.count, dtype=bool)
        in_context = strength > 0.5
        elsewhere = (covers_all & in_context).any()
        table, total = is_table(passage), strength.sum()
        no_context = strength.max(initial=0.0) < 0.5 and not announced.any()
        generic = not rows and not passage["figure_refs"] and (not paragraph or _GENERIC.search(passage["text"]))
        told = self.tells[rows] - self._in_view(i) if rows else self.tells[:0]
        return {
            "always": 1.0,
            "about": named["about"],
            "aside": named["aside"],
            "others": (named["about"].any() or names_unknown(passage, named))
            * (1.0 - np.maximum(named["about"], named["aside"])),
            "context": strength,
            "context share": strength / total if total > 0.05 else np.zeros(self.count),
            "announced": announced,
            "covers": covers,
            "sheet covers": _relative(self._share(printed, self.sheet_prints)),
            "text covers": _relative(_mean_share(told, self.count)),
            "list covers": _relative(self._share([r for r in rows if self.lists[r].any()], self.lists)),
            "paragraph covers": _relative(self._share([r for r in paragraph if self.prints[r].any()], self.prints)),
            "covers all": covers_all.astype(float),
            "covers alone": (self.prints[printed] & (self.prints[printed].sum(axis=1, keepdims=True) == 1)).any(axis=0),
            "no signs": float(not printed),
            "context covers": strength * covers,
            "context covers all": strength * covers_all,
            "context elsewhere": elsewhere * ~covers_all * (1.0 - covers),
            "only clue": no_context * share**2 / max(1e-9, float((share**2).sum())),
            "announced covers": announced * covers,
            "caption": self._caption(passage["text"]),
            "generic": float(bool(generic)),
            "table": float(table),
        }

    def _share(self, rows: list[int], matrix: NDArray[np.bool_]) -> Vector:
        """For each figure the share of the signs ``rows`` that ``matrix`` gives it; rare signs weigh most."""
        if not rows:
            return np.zeros(self.count)
        weight = self.rarity[rows]
        share: Vector = weight @ matrix[rows] / weight.sum()
        return share

    def _caption(self, text: str) -> Vector:
        words = _words(text)
        similar = np.zeros(self.count)
        for place, caption in enumerate(self.captions):
            if common := caption & words:
                rare = sum(1.0 / self.caption_rarity[word] for word in common)
                similar[place] = rare / (1.0 + sum(1.0 / self.caption_rarity[word] for word in caption))
        return similar


def _relative(share: Vector) -> Vector:
    best = share.max(initial=0.0)
    return share / best if best > 0 else share


def _mean_share(told: Vector, figures: int) -> Vector:
    totals = told.sum(axis=1, keepdims=True)
    shares = np.divide(told, totals, out=np.zeros_like(told), where=totals > 1e-9)
    mean: Vector = np.clip(shares.mean(axis=0), 0.0, None) if len(told) else np.zeros(figures)
    return mean


def _words(text: str) -> set[str]:
    return {word[:_STEM] for word in _WORD.findall(text.lower()) if word[:_STEM] not in _COMMON}
