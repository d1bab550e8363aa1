"""The words of the synthetic patents: parts, steps and trades in English, German and French."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

LANGUAGES = ("en", "de", "fr")


@dataclass(frozen=True)
class Noun:
    """A noun with its plural; ``gender`` is m, f or n (empty in English)."""

    one: str
    many: str
    gender: str = ""


@dataclass(frozen=True)
class Term:
    """A part's name in three languages, with other English names that a text may use for it."""

    key: str
    en: Noun
    de: Noun
    fr: Noun
    alternates: tuple[str, ...] = ()

    def noun(self, language: str) -> Noun:
        """The noun in one of LANGUAGES."""
        return {"en": self.en, "de": self.de, "fr": self.fr}[language]


@dataclass(frozen=True)
class Step:
    """A step of a method: what stands in its box, its name, and its sentence after 'In step S10, '."""

    key: str
    box: dict[str, str]
    name: dict[str, str]
    clause: dict[str, str]


def _rows(file: str) -> list[list[str]]:
    """The cells of a word list beside this module; lines that begin with # are comments."""
    text = (Path(__file__).parent / "words" / file).read_text(encoding="utf-8")
    return [line.split("|") for line in text.splitlines() if not line.startswith("#")]


def _noun(text: str) -> Noun:
    """``Welle f Wellen``: the gender stands between singular and plural."""
    words = text.split()
    at = next(i for i, word in enumerate(words) if word in ("m", "f", "n") and i > 0)
    return Noun(" ".join(words[:at]), " ".join(words[at + 1 :]), words[at])


def _english(text: str) -> Noun:
    one, _, many = text.partition("/")
    return Noun(one, many or one + "s")


def _terms() -> dict[str, Term]:
    terms = {}
    for key, en, de, fr, other in _rows("parts.txt"):
        alternates = tuple(filter(None, other.split(",")))
        terms[key] = Term(key, _english(en), _noun(de), _noun(fr), alternates)
    return terms


def _steps(file: str) -> tuple[Step, ...]:
    steps = []
    for key, *cells in _rows(file):
        parts = [cell.split(";") for cell in cells]
        columns = [dict(zip(LANGUAGES, column, strict=True)) for column in zip(*parts, strict=True)]
        steps.append(Step(key, *columns))
    return tuple(steps)


TERMS = _terms()
STEPS = _steps("steps.txt")
DECISIONS = _steps("decisions.txt")

#: What a system or a circuit consists of, by kind.
SYSTEMS = ("control_system", "monitoring_system", "data_system")
SYSTEM_PARTS = (
    "control_unit", "memory", "processor", "sensor", "camera", "display", "input_unit", "communication_unit",
    "interface", "evaluation_unit", "database", "server", "terminal", "battery", "power_supply", "drive_unit",
    "signal_processor", "transceiver", "filter", "timer", "gateway", "receiver", "bus",
)  # fmt: skip
CIRCUITS = ("measuring_circuit", "driver", "converter", "inverter", "voltage_regulator")
CIRCUIT_PARTS = {
    "resistor": "R", "capacitor": "C", "diode": "D", "coil": "L", "transistor": "T", "switch": "SW",
}  # fmt: skip

#: Quantity, unit and values of the axes of a graph.
QUANTITIES = (
    ({"en": "Time", "de": "Zeit", "fr": "Temps"}, "t", "s"),
    ({"en": "Temperature", "de": "Temperatur", "fr": "Température"}, "T", "°C"),
    ({"en": "Pressure", "de": "Druck", "fr": "Pression"}, "p", "bar"),
    ({"en": "Force", "de": "Kraft", "fr": "Force"}, "F", "N"),
    ({"en": "Voltage", "de": "Spannung", "fr": "Tension"}, "U", "V"),
    ({"en": "Current", "de": "Strom", "fr": "Courant"}, "I", "A"),
    ({"en": "Flow rate", "de": "Durchfluss", "fr": "Débit"}, "Q", "l/min"),
    ({"en": "Speed", "de": "Drehzahl", "fr": "Vitesse"}, "n", "min-1"),
    ({"en": "Efficiency", "de": "Wirkungsgrad", "fr": "Rendement"}, "E", "%"),
)
