"""A document's text from its invention and figures: field, background, drawings, details, claims."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

from pipeline.synth import phrases
from pipeline.synth.claims import abstract, claims
from pipeline.synth.detail import Detail
from pipeline.synth.figures import Figure
from pipeline.synth.grammar import Mention, Typography, plain, sentence
from pipeline.synth.invention import Invention, Part
from pipeline.synth.lexicon import LANGUAGES
from pipeline.synth.text import Body, Paragraph, Statement
from pipeline.synth.voice import Voice, unsigned

_LIST_SHARE = 0.35  # of the documents have a list of reference signs
_FORMULA_SHARE = 0.3
_SENTENCES = 6  # in a paragraph of the detailed description


def write_body(
    invention: Invention,
    figures: Sequence[Figure],
    places: Mapping[str, str],
    language: str,
    rng: random.Random,
    verbosity: int,
) -> Body:
    """The whole text. ``places`` maps figure labels to the ids of their sheets in the XML."""
    return _Writer(invention, figures, Voice(language, places, rng), verbosity).body()


def titles(whole: Part, kind: int) -> dict[str, str]:
    """The title by language, in one of three forms."""
    slots = {"w": unsigned(whole)}
    return {x: plain(sentence(phrases.TITLES[x][kind], slots, x, Typography())) for x in LANGUAGES}


class _Writer:
    """Writes one document's paragraphs in order."""

    def __init__(self, invention: Invention, figures: Sequence[Figure], voice: Voice, verbosity: int) -> None:
        self.invention, self.figures, self.voice = invention, figures, voice
        self.language, self.rng = voice.language, voice.rng
        self.parts = _printed(invention, figures)
        self.detail = Detail(voice, invention, self.parts, figures, verbosity)
        self.paragraphs: list[Paragraph] = []
        self.whole: dict[str, Part | Mention] = {"w": unsigned(invention.whole)}
        self.patent = f"EP {_digits(self.rng, 1, 3)} {_digits(self.rng)} {_digits(self.rng)} A1"
        self.us = f"{self.rng.randint(4, 9)},{_digits(self.rng)},{_digits(self.rng)}"

    def body(self) -> Body:
        field, background, summary, drawings, detailed, listing = phrases.HEADINGS[self.language]
        claimed = claims(self.invention.whole, self.parts, self.rng)
        last = str(len(claimed[self.language]))
        self._open(field, [Statement(self.voice.say(phrases.FIELD[self.language], self.whole))])
        self._background(background)
        aims = [Statement(self.voice.say(t, self.whole, claims=last)) for t in phrases.SUMMARY[self.language]]
        self._open(summary, aims)
        self._drawings(drawings)
        self._detailed(detailed)
        if self.rng.random() < _LIST_SHARE:
            self._listing(listing)
        named = titles(self.invention.whole, self.rng.randrange(3))
        summary_text = abstract(self.language, self.invention.whole, self.parts)
        cited = [self.patent, self.us]
        return Body(self.language, named, self.paragraphs, claimed, summary_text, self.voice.account, cited)

    def _open(self, heading: str, statements: list[Statement], items: bool = False) -> Paragraph:
        paragraph = Paragraph(f"{len(self.paragraphs) + 1:04d}", statements, heading, items)
        self.paragraphs.append(paragraph)
        return paragraph

    def _background(self, heading: str) -> None:
        """Prose full of numbers that are no reference signs."""
        rng = self.rng
        templates = phrases.BACKGROUND[self.language]
        statements = []
        for template in (t for i, t in enumerate(templates) if i >= 6 or rng.random() < 0.7):
            values = {
                "year": str(rng.randint(1965, 2018)), "patent": self.patent, "us": self.us,
                "n": str(rng.randint(2, 60)), "more": str(rng.randint(61, 400)),
                "most": str(rng.randint(401, 900)), "din": str(rng.randint(400, 9999)),
            }  # fmt: skip
            xml = self.voice.say(template, {}, **values)
            statements.append(Statement(xml))
            self.voice.account.not_signs += [
                {"number": value, "context": xml, "why": _TRAPS[name]}
                for name, value in values.items()
                if f"{{{name}}}" in template
            ]
        half = len(statements) // 2
        self._open(heading, statements[:half])
        self._open("", statements[half:])

    def _drawings(self, heading: str) -> None:
        """The brief description: one item a figure."""
        items: list[Statement] = []
        paragraph = self._open(heading, items, items=True)
        for figure in self.figures:
            label = figure.plan.label
            template = phrases.CAPTIONS[figure.plan.kind][LANGUAGES.index(self.language)]
            caption = sentence(
                template, {"w": unsigned(self.invention.whole)}, self.language, Typography(), capital=False
            )
            shows = self.rng.choice(phrases.SHOWS[self.language])
            full = self.voice.say(shows, {}, fig=self.voice.figure(label), caption=caption)
            end = "." if figure is self.figures[-1] else ";"
            items.append(Statement(full + end, (label,), (), "explicit"))
            self.voice.account.captions.append({
                "label": label, "caption": plain(caption), "full_sentence": plain(full),
                "paragraph": paragraph.number, "source": "brief",
            })  # fmt: skip

    def _detailed(self, heading: str) -> None:
        for figure in self.figures:
            statements = self.detail.of(figure)
            for start in range(0, len(statements), _SENTENCES):
                first = figure is self.figures[0] and start == 0
                self._open(heading if first else "", statements[start : start + _SENTENCES])
        if self.rng.random() < _FORMULA_SHARE:
            self._open("", [Statement(phrases.FORMULA[self.language])]).formula = True
        self._open("", [Statement(self.voice.say(phrases.CLOSE[self.language], {}, n=str(self.rng.randint(2, 9))))])

    def _listing(self, heading: str) -> None:
        """The official list of reference signs, which makes itself the source of its terms."""
        account = self.voice.account
        named = sorted(account.terms, key=_sign_order)
        mark = self.rng.choice((":", ":", "", " -"))
        account.sources.update(dict.fromkeys(named, "list"))
        self._open(heading, [Statement(f"{sign}{mark} {account.terms[sign]}") for sign in named], items=True)


_TRAPS = {"year": "year", "patent": "patent number", "us": "patent number", "n": "quantity", "more": "quantity",
          "most": "page number", "din": "number of a standard"}  # fmt: skip


def _digits(rng: random.Random, low: int = 100, high: int = 999) -> str:
    return str(rng.randint(low, high))


def _printed(invention: Invention, figures: Sequence[Figure]) -> list[Part]:
    """What the text is about: the parts that some figure shows, curves apart."""
    signs = {sign for figure in figures for sign in figure.signs}
    parts = [part for part in invention.parts if part.key not in ("curve", "threshold")]
    return [part for part in parts if signs & set(part.signs)] or parts[:2]


def _sign_order(sign: str) -> tuple[str, int, str]:
    match = re.match(r"([A-Z]*)(\d+)(.*)", sign)
    return (match[1], int(match[2]), match[3]) if match else (sign, 0, "")
