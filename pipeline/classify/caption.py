"""Figure type and perspective from the words of the caption, in English, German, French and Spanish.

A caption that names its view ("perspective view", "Schnitt", "vue en coupe") says it in a handful of set
phrases; the facets are those of Pustu-Iren et al. 2021. Where no phrase is found the answer is "unknown":
guessing the commonest class would look like knowledge.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MODEL = "caption-phrases 1"

#: In the order of trust: "a perspective view of a block" is no block diagram, since the view comes first.
_TYPES: tuple[tuple[str, str], ...] = (
    ("flow chart", r"flow[ -]?(?:chart|diagram|sheet)|process flow|sequence diagram|steps? of (?:a|the) (?:\w+ )?method|"
                   r"(?:fluss|ablauf|sequenz)(?:diagramm|plan|schema)|organigramme|diagramme de flux|logigramme|"
                   r"diagrama de (?:flujo|secuencia)"),
    ("circuit diagram", r"circuit (?:diagram|schematic)|(?:equivalent|electrical|electronic) circuit|schaltbild|"
                        r"schaltplan|schaltkreis|ersatzschaltbild|sch[ée]ma [ée]lectrique|schéma de circuit|"
                        r"diagrama de circuito|esquema eléctrico"),
    ("block diagram", r"block(?:[ -]?diagram|schaltbild|schema|diagramm)|functional diagram|system (?:diagram|architecture)|"
                      r"schéma(?:[ -]| de )blocs?|schéma fonctionnel|schéma synoptique|diagrama de bloques"),
    ("graph", r"\bgraphs?\b|\bplots?\b|histogram|\bcurves?\b|spectr(?:um|a)\b|chromatogram|waveforms?|timing (?:chart|diagram)|"
              r"characteristic (?:curve|diagram)|kennlinie|kurve|diagramm, das|graphique|courbes?|gráfic[ao]|curvas?"),
    ("table", r"\btables?\b(?! top| saw)|\btabelle|\btableau\b|\btabla\b"),
    ("chemical structure", r"chemical (?:structure|formula)|structural formula|strukturformel|formule (?:chimique|développée)|"
                           r"fórmula (?:química|estructural)|reaction scheme"),
    ("photograph", r"photo(?:graph|graphie|graf[ií]a|micrograph)?s?\b|micrographs?|\bimages? (?:taken|acquired)|"
                   r"aufnahme|fotografie"),
    ("technical drawing", r"(?:perspective|sectional|section|side|front|rear|top|plan|bottom|exploded|elevation\w*|"
                          r"isometric|enlarged|detail\w*|schematic|external|partial|oblique) (?:\w+ )?(?:views?|section|"
                          r"representation|drawing)|views? of|schnitt|ansicht|explosionsdarstellung|\bvues?\b|coupe|"
                          r"\bvistas?\b|corte|sección"),
)  # fmt: skip
_PERSPECTIVES: tuple[tuple[str, str], ...] = (
    ("exploded", r"exploded|explosions|éclatée?|explosionada|despiece"),
    ("cross section", r"(?:cross|longitudinal|horizontal|vertical|axial|lateral)?[- ]?section(?:al)?\b|cut[- ]?away|"
                      r"schnitt(?!stelle)|en coupe|coupe (?:transversale|longitudinale)|(?:en|de) corte|"
                      r"sección (?:transversal|longitudinal)|vista en sección|cross[- ]cut"),
    ("perspective", r"perspecti[vf]|isometric|oblique view|three-dimensional view|perspektiv|schrägansicht|perspectiva|"
                    r"isométri"),
    ("top", r"top(?:[- ]plan)? view|plan view|view from (?:above|the top)|top perspective|draufsicht|von oben|"
            r"vue (?:de|du) dessus|vue en plan|vista (?:superior|en planta|desde arriba)"),
    ("bottom", r"bottom(?:[- ]plan)? view|view from (?:below|the bottom|underneath)|underside view|untersicht|"
               r"unteransicht|von unten|vue de dessous|vista (?:inferior|desde abajo)"),
    ("rear", r"(?:rear|back)(?:[- ](?:elevation\w*|side))? view|rear elevation|rückansicht|von hinten|vue (?:de l')?arrière|"
             r"vista (?:trasera|posterior)"),
    ("front", r"front(?:al)?(?:[- ]elevation\w*)? view|front elevation|vorderansicht|frontansicht|von vorne?|"
              r"vue (?:de face|frontale|avant)|vista (?:frontal|delantera|anterior)|alzado"),
    ("side", r"(?:side|lateral)(?:[- ]elevation\w*)? view|side elevation|seitenansicht|von der seite|"
             r"vue (?:de côté|latérale)|vista lateral|perfil"),
)  # fmt: skip
_COMPILED = {
    "type": [(name, re.compile(pattern, re.IGNORECASE)) for name, pattern in _TYPES],
    "perspective": [(name, re.compile(pattern, re.IGNORECASE)) for name, pattern in _PERSPECTIVES],
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
