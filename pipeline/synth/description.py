"""The text of a document, sentence by sentence, with the figures that each sentence is about."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.synth import phrases
from pipeline.synth.figures import Figure
from pipeline.synth.grammar import Mention, Typography, listed, noun_phrase, plain, sentence
from pipeline.synth.invention import Invention, MethodStep, Part
from pipeline.synth.lexicon import QUANTITIES, Noun


@dataclass(frozen=True)
class Statement:
    """One sentence as XML.

    ``figures`` is what a careful reader would look at, ``optional`` is neither right nor wrong.
    """

    xml: str
    figures: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    basis: str = "none"


@dataclass
class Paragraph:
    """A numbered paragraph; ``items`` are written as a list, ``formula`` puts the formula image at its end."""

    number: str
    statements: list[Statement]
    heading: str = ""
    items: bool = False
    formula: bool = False


@dataclass
class Account:
    """What the text said, for the ground truth."""

    mentions: Counter[str] = field(default_factory=Counter)
    terms: dict[str, str] = field(default_factory=dict)
    alternates: dict[str, list[str]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    captions: list[dict[str, str]] = field(default_factory=list)
    not_signs: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Body:
    """A document's text."""

    language: str
    titles: dict[str, str]
    paragraphs: list[Paragraph]
    claims: dict[str, list[str]]
    abstract: str
    account: Account
    cited: list[str]


class Writer:
    """Writes one document's text. ``places`` maps figure labels to the ids of their sheets in the XML."""

    def __init__(
        self,
        invention: Invention,
        figures: Sequence[Figure],
        places: Mapping[str, str],
        language: str,
        rng: random.Random,
        verbosity: int,
    ) -> None:
        self.invention, self.figures, self.places = invention, figures, places
        self.language, self.rng, self.verbosity = language, rng, verbosity
        self.typography = Typography(bold=rng.random() < 0.35)
        self.figure_word = rng.choice(phrases.FIGURE_WORDS[language])
        self.account = Account()
        self.paragraphs: list[Paragraph] = []
        self.described: set[str] = set()
        self.patent = (
            f"EP {rng.randint(1, 3)} {rng.randint(100, 999)} {rng.randint(100, 999)} {rng.choice(('A1', 'B1'))}"
        )
        self.us = f"{rng.randint(4, 9)},{rng.randint(100, 999)},{rng.randint(100, 999)}"

    def body(self) -> Body:
        """The whole text."""
        field_, background, summary, drawings, detailed, listing = phrases.HEADINGS[self.language]
        whole = {
            "w": self._mention(self.invention.whole, signs=False),
            "x": self._mention(self._parts()[0], signs=False),
        }
        self._open(field_, [Statement(self._say(phrases.FIELD[self.language], whole))])
        self._numbers(background)
        claims = self._claims()
        last = str(len(claims[self.language]))
        self._open(
            summary,
            [Statement(self._say(t.replace("{claims}", last), whole)) for t in phrases.SUMMARY[self.language]],
        )
        self._captions(drawings)
        self._detailed(detailed)
        if self.rng.random() < 0.35:
            self._listing(listing)
        titles = {
            language: plain(sentence(phrases.TITLES[language][kind], whole, language, Typography()))
            for kind in [self.rng.randrange(3)]
            for language in phrases.TITLES
        }
        return Body(
            self.language, titles, self.paragraphs, claims, self._abstract(), self.account, [self.patent, self.us]
        )

    # Paragraphs

    def _open(self, heading: str, statements: list[Statement], items: bool = False) -> Paragraph:
        paragraph = Paragraph(f"{len(self.paragraphs) + 1:04d}", statements, heading, items)
        self.paragraphs.append(paragraph)
        return paragraph

    def _say(self, template: str, mentions: Mapping[str, Mention], **values: str) -> str:
        for name, value in values.items():
            template = template.replace(f"{{{name}}}", value)
        for slot in re.findall(r"\{[^:{}/]+:(\w)\}", template):
            self.account.mentions.update(mentions[slot].signs)
        return sentence(template, mentions, self.language, self.typography)

    def _mention(self, part: Part, signs: bool = True) -> Mention:
        term = part.term
        if signs:
            for sign in part.signs:
                self.account.terms.setdefault(sign, term.noun(self.language).one)
                self.account.sources.setdefault(sign, "text")
            if self.language == "en" and term.alternates and self.rng.random() < 0.12:
                other = self.rng.choice(term.alternates)
                for sign in part.signs:
                    known = self.account.alternates.setdefault(sign, [])
                    if other not in known:
                        known.append(other)
                term = replace(term, en=Noun(other, other + "s"))
        return Mention(term, part.signs if signs else (), len(part.members))

    def _parts(self) -> list[Part]:
        """What the text is about: the parts that some figure shows, curves apart."""
        printed = {sign for figure in self.figures for sign in figure.signs}
        parts = [part for part in self.invention.parts if part.key not in ("curve", "threshold")]
        return [part for part in parts if printed & set(part.signs)] or parts[:2]

    def _figure(self, label: str) -> str:
        """A reference to a figure as the running text makes it."""
        words = self.figure_word.format(label)
        article, _, name = words.rpartition("la ")
        reference = f'<figref idref="{self.places[label]}">{name}</figref>' if label in self.places else name
        return f"la {reference}" if article or words.startswith("la ") else reference

    def _numbers(self, heading: str) -> None:
        """Background: prose full of numbers that are no reference signs."""
        rng = self.rng
        statements = []
        templates = phrases.BACKGROUND[self.language]
        for template in (t for i, t in enumerate(templates) if i >= 6 or rng.random() < 0.7):
            values = {
                "year": str(rng.randint(1965, 2018)), "patent": self.patent, "us": self.us,
                "n": str(rng.randint(2, 60)), "more": str(rng.randint(61, 400)),
                "most": str(rng.randint(401, 900)), "din": str(rng.randint(400, 9999)),
            }  # fmt: skip
            for name, value in values.items():
                if f"{{{name}}}" in template:
                    self.account.not_signs.append({"number": value, "context": template, "why": name})
                    template = template.replace(f"{{{name}}}", value)
            statements.append(Statement(template))
        half = len(statements) // 2
        self._open(heading, statements[:half])
        self._open("", statements[half:])
        for entry in self.account.not_signs:
            entry["context"] = next((s.xml for s in statements if entry["number"] in s.xml), "")

    def _captions(self, heading: str) -> None:
        rng, language = self.rng, self.language
        index = ("en", "de", "fr").index(language)
        whole = {"w": self._mention(self.invention.whole, signs=False)}
        items = []
        for figure in self.figures:
            plan = figure.plan
            caption = sentence(phrases.CAPTIONS[plan.kind][index], whole, language, Typography(), capital=False)
            template = rng.choice(phrases.SHOWS[language])
            full = sentence(
                template.replace("{fig}", self._figure(plan.label)).replace("{caption}", caption),
                {},
                language,
                Typography(),
            )
            end = "." if figure is self.figures[-1] else ";"
            items.append(Statement(full + end, (plan.label,), (), "explicit"))
            self.account.captions.append(
                {"label": plan.label, "caption": plain(caption), "full_sentence": plain(full), "source": "brief"}
            )
        paragraph = self._open(heading, items, items=True)
        for entry in self.account.captions:
            entry["paragraph"] = paragraph.number

    # Detailed description

    def _detailed(self, heading: str) -> None:
        for figure in self.figures:
            statements = self._of_figure(figure)
            for start in range(0, len(statements), 6):
                self._open(heading if start == 0 and figure is self.figures[0] else "", statements[start : start + 6])
        if self.rng.random() < 0.3:
            self._open("", [Statement(phrases.FORMULA[self.language])]).formula = True
        closing = phrases.CLOSE[self.language].replace("{n}", str(self.rng.randint(2, 9)))
        self._open("", [Statement(closing)])

    def _of_figure(self, figure: Figure) -> list[Statement]:
        kind = figure.plan.kind
        if kind in ("flow", "sequence") and self.invention.steps:
            return self._steps(figure)
        if kind == "graph":
            return self._graph(figure)
        shown = [part for part in self._parts() if set(part.signs) & set(figure.signs)]
        label = figure.plan.label
        whole = self.invention.whole
        statements = [self._opening(figure, [p for p in shown if not p.parent])]
        for parent in [p for p in shown if any(q.parent == p.key for q in shown)]:
            children = [q for q in shown if q.parent == parent.key]
            xml = self._say(
                phrases.PARTS_OF[self.language].replace("{parts}", self._enumerated(children)),
                {"b": self._mention(parent)},
            )
            statements.append(self._shown(xml, label, (parent, *children)))
        templates = phrases.SIGNALS if kind in ("block", "circuit") else phrases.RELATIONS
        for part in shown:
            for _ in range(self.verbosity):
                others = [p for p in shown if p is not part] or [whole]
                above = next((p for p in others if p.key == part.parent), self.rng.choice([whole, *others]))
                third = self.rng.choice([p for p in others if p is not above] or [whole])
                template = self.rng.choice(templates[self.language])
                slots = {"a": part, "b": above, "c": third}
                used = {k: self._mention(p) for k, p in slots.items() if f":{k}}}" in template}
                small = self.rng.randint(2, 60)
                xml = self._say(template, used, mm=str(small), more=str(small + self.rng.randint(2, 40)))
                statements.append(self._shown(xml, label, tuple(slots[k] for k in used)))
        if (other := self._elsewhere(figure, shown)) is not None:
            statements.append(other)
        return statements

    def _opening(self, figure: Figure, parts: Sequence[Part]) -> Statement:
        label = figure.plan.label
        rng = self.rng
        first = label not in self.described and not self.described
        templates = phrases.OPENINGS[self.language]
        template = (
            templates[rng.choice((1, 2))] if parts and (first or rng.random() < 0.6) else templates[rng.choice((0, 3))]
        )
        self.described.add(label)
        names = self._enumerated(parts) if "{parts}" in template else ""
        xml = self._say(
            template.replace("{fig}", self._figure(label)).replace("{parts}", names),
            {"w": self._mention(self.invention.whole)},
        )
        return Statement(xml, (label,), (), "explicit")

    def _enumerated(self, parts: Sequence[Part]) -> str:
        article = phrases.INDEFINITE[self.language]
        names = []
        for part in parts:
            mention = self._mention(part)
            self.account.mentions.update(mention.signs)
            names.append(noun_phrase(article, mention, self.language, self.typography))
        return listed(names, self.language)

    def _shown(self, xml: str, label: str, parts: Sequence[Part]) -> Statement:
        """A sentence in the description of a figure; other figures that show all its parts are optional."""
        optional = tuple(
            f.plan.label
            for f in self.figures
            if f.plan.label != label and all(p is self.invention.whole or set(p.signs) & set(f.signs) for p in parts)
        )
        return Statement(xml, (label,), optional, "signs")

    def _elsewhere(self, figure: Figure, shown: Sequence[Part]) -> Statement | None:
        """Name another figure that shows one of the parts."""
        for part in shown:
            for other in self.figures:
                if other is not figure and set(part.signs) & set(other.signs) and self.rng.random() < 0.3:
                    template = self.rng.choice(phrases.CROSS[self.language])
                    xml = self._say(
                        template.replace("{fig}", self._figure(other.plan.label)), {"a": self._mention(part)}
                    )
                    return Statement(xml, (other.plan.label,), (figure.plan.label,), "explicit")
        return None

    def _steps(self, figure: Figure) -> list[Statement]:
        label = figure.plan.label
        template = phrases.FLOW_OPENING[self.language].replace("{fig}", self._figure(label))
        statements = [
            Statement(self._say(template, {"w": self._mention(self.invention.whole)}), (label,), (), "explicit")
        ]
        self.described.add(label)
        steps = [s for s in self.invention.steps if s.sign in figure.signs]
        optional = tuple(
            f.plan.label for f in self.figures if f is not figure and {s.sign for s in steps} & set(f.signs)
        )
        for index, step in enumerate(steps):
            template = phrases.STEP[self.language].replace("{clause}", step.step.clause[self.language])
            statements.append(Statement(self._step(template, step), (label,), optional, "signs"))
            if step.decision:
                back = steps[max(0, index - 1)]
                statements.append(
                    Statement(self._step(phrases.DECIDED[self.language], back), (label,), optional, "signs")
                )
        parties = [p for p in self._parts() if set(p.signs) & set(figure.signs)]
        for first, second in zip(parties, parties[1:] or [self.invention.whole], strict=False):
            xml = self._say(phrases.SIGNALS[self.language][0], {"a": self._mention(first), "b": self._mention(second)})
            statements.append(self._shown(xml, label, (first, second)))
        return statements

    def _step(self, template: str, step: MethodStep) -> str:
        self.account.mentions[step.sign] += 1
        self.account.terms[step.sign] = step.step.name[self.language]
        self.account.alternates[step.sign] = [{"en": "step", "de": "Schritt", "fr": "étape"}[self.language]]
        self.account.sources[step.sign] = "text"
        return template.replace("{sign}", self.typography.signs((step.sign,)).strip())

    def _graph(self, figure: Figure) -> list[Statement]:
        label = figure.plan.label
        assert figure.axes is not None  # noqa: S101 (graphs have axes)
        x, y = (QUANTITIES[i][0][self.language] for i in figure.axes)
        if self.language == "en":
            x, y = x.lower(), y.lower()
        shows, below = phrases.GRAPH[self.language]
        shows = shows.replace("{fig}", self._figure(label)).replace("{x}", x).replace("{y}", y)
        statements = [Statement(sentence(shows, {}, self.language, self.typography), (label,), (), "explicit")]
        self.described.add(label)
        parts = {p.key: p for p in self.invention.parts if set(p.signs) & set(figure.signs)}
        if "curve" in parts and "threshold" in parts:
            pair = (parts["curve"], parts["threshold"])
            xml = self._say(below, {"a": self._mention(pair[0]), "b": self._mention(pair[1])})
            statements.append(self._shown(xml, label, pair))
        elif parts:
            part = next(iter(parts.values()))
            xml = self._say(
                phrases.RELATIONS[self.language][5],
                {"a": self._mention(part), "c": self._mention(self.invention.whole)},
            )
            statements.append(self._shown(xml, label, (part,)))
        return statements

    def _listing(self, heading: str) -> None:
        """The official list of reference signs; it makes itself the source of the terms it has."""
        named = sorted(self.account.terms, key=_sign_order)
        mark = self.rng.choice((":", ":", "", " -"))
        self.account.sources.update(dict.fromkeys(named, "list"))
        self._open(heading, [Statement(f"{sign}{mark} {self.account.terms[sign]}") for sign in named], items=True)

    # Claims and abstract

    def _claims(self) -> dict[str, list[str]]:
        """Claims in the document's language; the text of a granted patent repeats them in all three."""
        parts = self._parts()
        numbers = [
            (self.rng.choice(parts), self.rng.choice(parts), self.rng.randint(1, i + 1))
            for i in range(min(9, len(parts)))
        ]
        return {language: self._claims_in(language, parts, numbers) for language in phrases.CLAIM_NEXT}

    def _claims_in(self, language: str, parts: Sequence[Part], numbers: Sequence[tuple[Part, Part, int]]) -> list[str]:
        typography = Typography(brackets=True)
        article = phrases.INDEFINITE[language] if language != "de" else "einen"

        def mention(part: Part) -> Mention:
            return Mention(part.term, part.signs, len(part.members))

        listed_parts = listed([noun_phrase(article, mention(p), language, typography) for p in parts[:4]], language)
        slots = {
            "w": mention(self.invention.whole),
            "x": mention(parts[0]),
            "y": mention(parts[min(1, len(parts) - 1)]),
        }
        first = phrases.CLAIM_FIRST[language].replace("{parts}", listed_parts)
        claims = [sentence(first, slots, language, typography)]
        for a, b, claim in numbers:
            other = b if b is not a else self.invention.whole
            template = phrases.CLAIM_NEXT[language].replace("{claim}", str(claim))
            slots = {"w": mention(self.invention.whole), "a": mention(a), "b": mention(other)}
            claims.append(sentence(template, slots, language, typography))
        return claims

    def _abstract(self) -> str:
        language, parts = self.language, self._parts()
        typography = Typography(brackets=True)
        names = [
            noun_phrase(phrases.INDEFINITE[language], Mention(p.term, p.signs, len(p.members)), language, typography)
            for p in parts[:4]
        ]
        slots = {
            key: Mention(p.term, p.signs, len(p.members))
            for key, p in (("w", self.invention.whole), ("x", parts[0]), ("y", parts[min(1, len(parts) - 1)]))
        }
        text = phrases.ABSTRACT[language].replace("{parts}", listed(names, language))
        return (
            ". ".join(sentence(piece, slots, language, typography) for piece in text.removesuffix(".").split(". "))
            + "."
        )


def _sign_order(sign: str) -> tuple[str, int, str]:
    match = re.match(r"([A-Z]*)(\d+)(.*)", sign)
    return (match[1], int(match[2]), match[3]) if match else (sign, 0, "")
