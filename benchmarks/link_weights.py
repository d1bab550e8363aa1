"""Fit the weights of the link score on hand-read sentences, pulled towards the weights in force.

Four documents are few: the pull keeps a weight where it was set unless the sentences speak clearly, and the result
is also printed for each document with the weights fitted on the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.linking.relevance import WEIGHTS, Document, Evidence
from pipeline.linking.resolve import document_of

if TYPE_CHECKING:
    from benchmarks.gold import GoldDocument, Row
    from benchmarks.linking import Linked

PULL = 100.0
ROUNDS = 5
NAMES = list(WEIGHTS)
Truth = Callable[["GoldDocument"], dict[str, "Row"]]
Same = Callable[[str, str], bool]


def fit(linked: Sequence[Linked], truth: Truth, same: Same) -> None:
    """Print fitted weights and the F1 of each document held out."""
    judged = [one for one in linked if truth(one.document)]
    for held in judged:
        weights = _fit([one for one in judged if one is not held], truth, same)
        print(f"{held.document.name} held out: F1 {_f1(held, weights, truth, same):.3f}")
    weights = _fit(judged, truth, same)
    for one in judged:
        print(f"{one.document.name} fitted:   F1 {_f1(one, weights, truth, same):.3f}")
    for name, weight in weights.items():
        print(f'    "{name}": {weight:.2f},')


def _fit(linked: Iterable[Linked], truth: Truth, same: Same) -> dict[str, float]:
    weights = dict(WEIGHTS)
    for _ in range(ROUNDS):  # the probability of the sentence before is evidence, too
        samples = [sample for one in linked for sample in _samples(one, weights, truth, same)]
        matrix, answers = np.array([s[0] for s in samples]), np.array([s[1] for s in samples])
        weights = dict(zip(NAMES, _logistic(matrix, answers), strict=True))
    return weights


def _logistic(matrix: Any, answers: Any) -> list[float]:
    """Newton's method for a logistic regression with a Gaussian pull towards WEIGHTS."""
    prior = np.array([WEIGHTS[name] for name in NAMES])
    weights = prior.copy()
    for _ in range(30):
        p = 1.0 / (1.0 + np.exp(-matrix @ weights))
        gradient = matrix.T @ (p - answers) + PULL * (weights - prior)
        curvature = (matrix * (p * (1 - p))[:, None]).T @ matrix + PULL * np.eye(len(weights))
        weights = weights - np.linalg.solve(curvature, gradient)
    return [float(weight) for weight in weights]


def _walk(one: Linked, weights: Mapping[str, float]) -> Iterable[tuple[str, dict[str, Any], Any]]:
    """Passage id, evidence and probabilities of the description's sentences."""
    document: Document = document_of(one.document.figures, one.printed, one.document.passages, one.signs)
    passages = [p for p in document.passages if p["section"] == "description"]
    yield from Evidence(document, passages).judged(weights)


def _samples(
    one: Linked, weights: Mapping[str, float], truth: Truth, same: Same
) -> Iterable[tuple[list[float], float]]:
    gold = truth(one.document)
    labels = [figure["label"] or "" for figure in one.document.figures]
    for passage_id, evidence, _ in _walk(one, weights):
        row = gold.get(passage_id)
        if row is None:
            continue
        for place, label in enumerate(labels):
            if not any(same(label, other) for other in row.get("optional", [])):
                values = [float(np.broadcast_to(evidence[name], len(labels))[place]) for name in NAMES]
                yield values, float(any(same(label, other) for other in row["figures"]))


def _f1(one: Linked, weights: Mapping[str, float], truth: Truth, same: Same) -> float:
    right = wrong = missed = 0
    gold, labels = truth(one.document), [figure["label"] or "" for figure in one.document.figures]
    for passage_id, _, probabilities in _walk(one, weights):
        if (row := gold.get(passage_id)) is None:
            continue
        found = [label for label, p in zip(labels, probabilities, strict=True) if p >= 0.4]
        hit = [w for w in row["figures"] if any(same(label, w) for label in found)]
        right, missed = right + len(hit), missed + len(row["figures"]) - len(hit)
        wrong += sum(not any(same(f, w) for w in [*row["figures"], *row.get("optional", [])]) for f in found)
    return 2 * right / max(1, 2 * right + wrong + missed)
