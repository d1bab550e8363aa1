"""Figure type and perspective from the words of the caption, in English, German, French and Spanish.

A caption that names its view ("perspective view", "Schnitt", "vue en coupe") says it in a handful of set
phrases; the facets are those of Pustu-Iren et al. 2021. Where no phrase is found the answer is "unknown":
guessing the commonest class would look like knowledge.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MODEL = "caption-phrases 1"

#: A line of phrases per language; where two classes begin at one place, the first of the list is meant.
_TYPES: dict[str, tuple[str, ...]] = {
    "flow chart": (
        r"flow[ -]?(?:chart|diagram|sheet)|process flow|sequence diagram|steps? of (?:a|the) (?:\w+ )?method",
        r"(?:fluss|ablauf|sequenz)(?:diagramm|plan|schema)",
        r"organigramme|diagramme de flux|logigramme",
        r"diagrama de (?:flujo|secuencia)",
    ),
    "circuit diagram": (
        r"circuit (?:diagram|schematic)|(?:equivalent|electrical|electronic) circuit",
        r"schaltbild|schaltplan|schaltkreis",
        r"schéma (?:électrique|de circuit)",
        r"diagrama de circuito|esquema eléctrico",
    ),
    "block diagram": (
        r"block[ -]?diagram|functional diagram|system (?:diagram|architecture)",
        r"block(?:schaltbild|schema|diagramm)",
        r"schéma(?:[ -]| de )blocs?|schéma (?:fonctionnel|synoptique)",
        r"diagrama de bloques",
    ),
    "graph": (
        r"\bgraphs?\b|\bplots?\b|histogram|\bcurves?\b|spectr(?:um|a)\b|chromatogram|waveforms?",
        r"timing (?:chart|diagram)|characteristic (?:curve|diagram)",
        r"kennlinie|kurve|diagramm, das",
        r"graphique|courbes?",
        r"gráfic[ao]|curvas?",
    ),
    "table": (r"\btables?\b(?! top| saw)", r"\btabelle", r"\btableau\b", r"\btabla\b"),
    "chemical structure": (
        r"chemical (?:structure|formula)|structural formula|reaction scheme",
        r"strukturformel",
        r"formule (?:chimique|développée)",
        r"fórmula (?:química|estructural)",
    ),
    "photograph": (
        r"(?:micro)?photo(?:graph|micrograph)?s?\b|micrographs?|\bimages? (?:taken|acquired)",
        r"aufnahme|fotogra[fp]|photographie",
    ),
    "technical drawing": (
        r"(?:perspective|section(?:al)?|side|front|rear|top|plan|bottom|exploded|elevation(?:al)?|isometric|enlarged|"
        r"detail(?:ed)?|schematic|external|partial|oblique) (?:\w+ )?(?:views?|section|representation|drawing)",
        r"views? of",
        r"schnitt(?!stelle)|ansicht|explosionsdarstellung",
        r"\bvues?\b|\bcoupe\b",
        r"\bvistas?\b|\bcorte\b|\bsección\b",
    ),
}
_PERSPECTIVES: dict[str, tuple[str, ...]] = {
    "exploded": (r"exploded", r"explosions", r"éclatée?", r"explosionada|despiece"),
    "cross section": (
        r"(?:cross|longitudinal|horizontal|vertical|axial|lateral)?[- ]?section(?:al)?\b|cut[- ]?away|cross[- ]cut",
        r"schnitt(?!stelle)",
        r"en coupe|coupe (?:transversale|longitudinale)",
        r"(?:en|de) corte|sección (?:transversal|longitudinal)|vista en sección",
    ),
    "perspective": (
        r"perspective|isometric|oblique view|three-dimensional view",
        r"perspektiv|schrägansicht",
        r"perspectiva|isométri",
    ),
    "top": (
        r"top(?:[- ]plan)? view|plan view|view from (?:above|the top)",
        r"draufsicht|von oben",
        r"vue (?:de|du) dessus|vue en plan",
        r"vista (?:superior|en planta|desde arriba)",
    ),
    "bottom": (
        r"bottom(?:[- ]plan)? view|view from (?:below|the bottom|underneath)|underside view",
        r"untersicht|unteransicht|von unten",
        r"vue de dessous",
        r"vista (?:inferior|desde abajo)",
    ),
    "rear": (
        r"(?:rear|back)(?:[- ](?:elevation(?:al)?|side))? view|rear elevation",
        r"rückansicht|von hinten",
        r"vue (?:de l')?arrière",
        r"vista (?:trasera|posterior)",
    ),
    "front": (
        r"front(?:al)?(?:[- ]elevation(?:al)?)? view|front elevation",
        r"vorderansicht|frontansicht|von vorne?\b",
        r"vue (?:de face|frontale|avant)",
        r"vista (?:frontal|delantera|anterior)|alzado",
    ),
    "side": (
        r"(?:side|lateral)(?:[- ]elevation(?:al)?)? view|side elevation",
        r"seitenansicht|von der seite",
        r"vue (?:de côté|latérale)",
        r"vista lateral|perfil",
    ),
}
_COMPILED = {
    facet: [(name, re.compile("|".join(phrases), re.IGNORECASE)) for name, phrases in classes.items()]
    for facet, classes in (("type", _TYPES), ("perspective", _PERSPECTIVES))
}
#: How often a caption that names one class, or that names another as well, means it.
_ALONE, _AMONG_OTHERS = 0.9, 0.6


@dataclass(frozen=True)
class Facets:
    """A figure's classes with probabilities from 0 to 1; an unknown class has probability 0."""

    figure_type: str
    type_probability: float
    perspective: str
    perspective_probability: float
    source: str  # caption or none


def facets(caption: str | None) -> Facets:
    """The classes that a caption names; none without a caption."""
    figure_type, type_probability = _first(caption or "", "type")
    perspective, perspective_probability = _first(caption or "", "perspective")
    if figure_type == "unknown" and perspective != "unknown":
        figure_type, type_probability = "technical drawing", perspective_probability
    source = "none" if figure_type == perspective == "unknown" else "caption"
    return Facets(figure_type, type_probability, perspective, perspective_probability, source)


def _first(caption: str, facet: str) -> tuple[str, float]:
    """The class named first in the caption; what follows is often about another figure's view."""
    found = [(match.start(), rank, name) for rank, (name, pattern) in enumerate(_COMPILED[facet])
             if (match := pattern.search(caption))]  # fmt: skip
    if not found:
        return "unknown", 0.0
    return min(found)[2], _ALONE if len(found) == 1 else _AMONG_OTHERS
