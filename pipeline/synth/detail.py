"""The detailed description: figure by figure, sentences about the parts that the figure shows."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.synth import phrases
from pipeline.synth.figures import Figure
from pipeline.synth.invention import Invention, Part
from pipeline.synth.lexicon import QUANTITIES
from pipeline.synth.text import Statement
from pipeline.synth.voice import Voice

_CROSS_SHARE = 0.3  # chance, per part shown elsewhere too, to name the other figure


class Detail:
    """Writes the description of every figure. ``verbosity``: sentences for each part that a figure shows."""

    def __init__(
        self, voice: Voice, invention: Invention, parts: Sequence[Part], figures: Sequence[Figure], verbosity: int
    ) -> None:
        self.voice, self.invention, self.parts = voice, invention, parts
        self.figures, self.verbosity = figures, verbosity
        self.language, self.rng = voice.language, voice.rng

    def of(self, figure: Figure) -> list[Statement]:
        """The sentences about one figure."""
        kind = figure.plan.kind
        if kind in ("flow", "sequence"):
            return self._method(figure)
        return self._graph(figure) if kind == "graph" else self._object(figure)

    def _shown(self, figure: Figure) -> list[Part]:
        return [part for part in self.parts if set(part.signs) & set(figure.signs)]

    def _explicit(self, xml: str, figure: Figure, optional: tuple[str, ...] = ()) -> Statement:
        return Statement(xml, (figure.plan.label,), optional, "explicit")

    def _by_signs(self, xml: str, figure: Figure, parts: Sequence[Part]) -> Statement:
        """A sentence in the description of a figure; other figures that show all its parts are optional."""
        whole = self.invention.whole
        optional = tuple(
            f.plan.label
            for f in self.figures
            if f is not figure and all(p is whole or set(p.signs) & set(f.signs) for p in parts)
        )
        return Statement(xml, (figure.plan.label,), optional, "signs")

    def _object(self, figure: Figure) -> list[Statement]:
        shown = self._shown(figure)
        statements = [self._opening(figure, [part for part in shown if not part.parent])]
        for parent in shown:
            if children := [part for part in shown if part.parent == parent.key]:
                template = phrases.PARTS_OF[self.language]
                xml = self.voice.say(template, {"b": parent}, parts=self.voice.enumerate(children))
                statements.append(self._by_signs(xml, figure, (parent, *children)))
        for part in shown:
            statements += [self._relation(figure, part, shown) for _ in range(self.verbosity)]
        return statements + self._elsewhere(figure, shown)

    def _opening(self, figure: Figure, parts: Sequence[Part]) -> Statement:
        templates = phrases.OPENINGS[self.language]
        listing = bool(parts) and (figure is self.figures[0] or self.rng.random() < 0.6)
        template = templates[self.rng.choice((1, 2) if listing else (0, 3))]
        names = self.voice.enumerate(parts) if listing else ""
        fig = self.voice.figure(figure.plan.label)
        return self._explicit(self.voice.say(template, {"w": self.invention.whole}, fig=fig, parts=names), figure)

    def _relation(self, figure: Figure, part: Part, shown: Sequence[Part]) -> Statement:
        """How a part stands to others of the figure."""
        whole, rng = self.invention.whole, self.rng
        others = [p for p in shown if p is not part] or [whole]
        above = next((p for p in others if p.key == part.parent), rng.choice([whole, *others]))
        third = rng.choice([p for p in others if p is not above] or [whole])
        electric = figure.plan.kind in ("block", "circuit")
        template = rng.choice((phrases.SIGNALS if electric else phrases.RELATIONS)[self.language])
        slots = {"a": part, "b": above, "c": third}
        used = {key: p for key, p in slots.items() if f":{key}}}" in template}
        small = rng.randint(2, 60)
        xml = self.voice.say(template, used, mm=str(small), more=str(small + rng.randint(2, 40)))
        return self._by_signs(xml, figure, tuple(used.values()))

    def _elsewhere(self, figure: Figure, shown: Sequence[Part]) -> list[Statement]:
        """Name another figure that shows one of the parts."""
        for part in shown:
            for other in self.figures:
                if other is not figure and set(part.signs) & set(other.signs) and self.rng.random() < _CROSS_SHARE:
                    template = self.rng.choice(phrases.CROSS[self.language])
                    xml = self.voice.say(template, {"a": part}, fig=self.voice.figure(other.plan.label))
                    return [self._explicit(xml, other, (figure.plan.label,))]
        return []

    def _method(self, figure: Figure) -> list[Statement]:
        language, voice = self.language, self.voice
        fig = voice.figure(figure.plan.label)
        opening = voice.say(phrases.FLOW_OPENING[language], {"w": self.invention.whole}, fig=fig)
        statements = [self._explicit(opening, figure)]
        steps = [step for step in self.invention.steps if step.sign in figure.signs]
        for index, step in enumerate(steps):
            clause = step.step.clause[language]
            sentences = [voice.step(phrases.STEP[language].replace("{clause}", clause), step)]
            if step.decision:
                sentences.append(voice.step(phrases.DECIDED[language], steps[max(0, index - 1)]))
            optional = tuple(f.plan.label for f in self.figures if f is not figure and step.sign in f.signs)
            statements += [Statement(xml, (figure.plan.label,), optional, "signs") for xml in sentences]
        parties = self._shown(figure)
        for first, second in zip(parties, parties[1:] or [self.invention.whole], strict=False):
            xml = voice.say(phrases.SIGNALS[language][0], {"a": first, "b": second})
            statements.append(self._by_signs(xml, figure, (first, second)))
        return statements

    def _graph(self, figure: Figure) -> list[Statement]:
        x, y = (QUANTITIES[i][0][self.language] for i in figure.axes or (0, 1))
        if self.language == "en":
            x, y = x.lower(), y.lower()
        shows, below = phrases.GRAPH[self.language]
        fig = self.voice.figure(figure.plan.label)
        statements = [self._explicit(self.voice.say(shows, {}, fig=fig, x=x, y=y), figure)]
        curves = [
            p for p in self.invention.parts if p.key in ("curve", "threshold") and set(p.signs) & set(figure.signs)
        ]
        for first, second in zip(curves, curves[1:] or [self.invention.whole], strict=False):
            template = below if len(curves) > 1 else phrases.OF_WHOLE[self.language]
            xml = self.voice.say(template, {"a": first, "b": second})
            statements.append(self._by_signs(xml, figure, (first, second)))
        return statements
