"""The singular of a noun from its ending; words that only look like plurals are kept in ``words/*.toml``."""

from __future__ import annotations

_IRREGULAR = {
    "feet": "foot", "teeth": "tooth", "axes": "axis", "indices": "index", "vertices": "vertex", "apices": "apex",
    "matrices": "matrix", "bases": "base", "leaves": "leaf", "shelves": "shelf", "halves": "half", "knives": "knife",
    "men": "man", "women": "woman", "people": "person", "radii": "radius", "nuclei": "nucleus", "dies": "die",
    "criteria": "criterion", "lenses": "lens", "gases": "gas", "buses": "bus", "chassis": "chassis", "ties": "tie",
    "movies": "movie", "cookies": "cookie", "shoes": "shoe", "toes": "toe", "caches": "cache", "axles": "axle",
}  # fmt: skip


def english(word: str) -> str:
    """``spikes`` → spike, ``assemblies`` → assembly, ``boxes`` → box."""
    lower = word.lower()
    if lower in _IRREGULAR:
        return _IRREGULAR[lower]
    if not lower.endswith("s") or lower.endswith(("ss", "us", "is", "'s", "ics")):
        return word
    if lower.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if lower.endswith(("sses", "shes", "ches", "xes", "zzes")):
        return word[:-2]
    return word[:-1]


def german(word: str) -> str:
    """The word as it stands: a German plural is told from other mentions, not from its ending."""
    return word


def french(word: str) -> str:
    """``plaques`` → plaque, ``canaux`` → canal, ``plateaux`` → plateau."""
    lower = word.lower()
    if lower.endswith("eaux"):
        return word[:-1]
    if lower.endswith("aux"):
        return word[:-3] + "al"
    return word[:-1] if lower.endswith("s") and not lower.endswith(("ss", "us")) else word


def spanish(word: str) -> str:
    """``placas`` → placa, ``conexiones`` → conexión, ``motores`` → motor."""
    lower = word.lower()
    if not lower.endswith("s"):
        return word
    if lower.endswith("iones"):
        return word[:-4] + "ón"
    if lower.endswith("ces"):
        return word[:-3] + "z"
    if lower.endswith(("ores", "ares", "ales", "eles", "iles", "ades", "enes", "ines", "eres")):
        return word[:-2]
    return word[:-1]
