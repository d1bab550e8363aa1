"""The look of one applicant's drawings, drawn by lot and kept throughout a document."""

from __future__ import annotations

import random
from dataclasses import dataclass

from pipeline.synth.diagrams import Ink
from pipeline.synth.leaders import LeaderStyle
from pipeline.synth.lettering import Hand


@dataclass(frozen=True)
class DrawingStyle:
    """How one applicant's drawings look, throughout a document."""

    numerals: LeaderStyle
    words: Ink
    label_hand: Hand
    label_cap_px: int
    label_form: str  # "FIG. {}"
    size_px: tuple[int, int]  # least and greatest side of a figure
    turned: float  # share of the sheets that lie on their side
    inner_turn: float  # share of the figures whose numerals alone are turned
    inscribed: bool  # signs stand inside the boxes of diagrams, under the words
    measured: float  # share of the plane views with dimensions or section letters


_LABELS = {
    "en": ("FIG. {}", "FIG. {}", "Fig. {}", "Fig. {}", "FIG.{}", "FIG {}", "Figure {}", "Fig {}"),
    "de": ("Fig. {}", "FIG. {}", "Fig. {}", "FIG {}", "Figur {}", "Fig.{}"),
    "fr": ("FIG. {}", "Fig. {}", "FIG.{}", "Fig {}", "Figure {}"),
}


def choose_style(language: str, size_px: tuple[int, int], rng: random.Random) -> DrawingStyle:
    """Draw a drawing style by lot."""
    face = rng.choice(("drafting", "drafting", "roman", "print", "print", "hand", "stencil"))
    hand = Hand(
        face, rng.choice((0.0, 0.0, 0.0, 0.22)), rng.choice((0.85, 1.0, 1.0, 1.15)), rng.choice((0.08, 0.1, 0.13))
    )
    words = Hand(
        rng.choice(("drafting", "print", "roman", "drafting")), 0.0, rng.choice((0.9, 1.0)), rng.choice((0.09, 0.12))
    )
    label = Hand(
        rng.choice(("drafting", "roman", "print", hand.face)),
        rng.choice((0.0, 0.0, 0.25)),
        rng.choice((1.0, 1.0, 1.2)),
        rng.choice((0.1, 0.13, 0.17)),
    )
    cap = rng.randint(28, 44)
    numerals = LeaderStyle(
        hand,
        cap,
        rng.choice(("straight", "straight", "bow", "tilde", "tilde", "arrow")),
        width=rng.choice((2.0, 2.0, 3.0)),
        underlined=rng.choice((0.0, 0.0, 0.15, 0.3)),
    )
    ink = Ink(words, rng.randint(24, 31), shout=rng.random() < 0.5)
    form = rng.choice(_LABELS[language])
    turned = rng.choice((0.0, 0.0, 0.15, 0.6))
    inner = rng.choice((0.0, 0.0, 0.0, 0.25))
    inscribed, measured = rng.random() < 0.3, rng.choice((0.0, 0.3, 0.7))
    label_cap = round(cap * rng.uniform(1.0, 1.5))
    return DrawingStyle(numerals, ink, label, label_cap, form, size_px, turned, inner, inscribed, measured)
