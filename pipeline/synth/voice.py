"""How one document speaks: its language, its way of naming figures and parts; it keeps account of what it said."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.synth import phrases
from pipeline.synth.grammar import Mention, Typography, listed, noun_phrase, sentence
from pipeline.synth.invention import MethodStep, Part
from pipeline.synth.lexicon import Noun
from pipeline.synth.text import Account

_ALTERNATE_SHARE = 0.12  # of the mentions of a part that has another name
_STEP_WORD = {"en": "step", "de": "Schritt", "fr": "étape"}


class Voice:
    """Makes sentences and notes which signs they mention. ``places`` maps figure labels to the sheets' ids."""

    def __init__(self, language: str, places: Mapping[str, str], rng: random.Random) -> None:
        self.language, self.places, self.rng = language, places, rng
        self.typography = Typography(bold=rng.random() < 0.35)
        self.account = Account()
        self._figure_word = rng.choice(phrases.FIGURE_WORDS[language])

    def say(self, template: str, parts: Mapping[str, Part | Mention], /, **values: str) -> str:
        """Fill a template: parts by their slots, plain values by their names; the result is XML."""
        for name, value in values.items():
            template = template.replace(f"{{{name}}}", value)
        mentions = {k: p if isinstance(p, Mention) else self.mention(p) for k, p in parts.items()}
        for slot in re.findall(r"\{[^:{}/]+:(\w)\}", template):
            self.account.mentions.update(mentions[slot].signs)
        return sentence(template, mentions, self.language, self.typography)

    def mention(self, part: Part) -> Mention:
        """The part with its signs, now and then by another name."""
        term = part.term
        for sign in part.signs:
            self.account.terms.setdefault(sign, term.noun(self.language).one)
            self.account.sources.setdefault(sign, "text")
        if self.language == "en" and term.alternates and self.rng.random() < _ALTERNATE_SHARE:
            other = self.rng.choice(term.alternates)
            for sign in part.signs:
                known = self.account.alternates.setdefault(sign, [])
                if other not in known:
                    known.append(other)
            term = replace(term, en=Noun(other, other + "s"))
        return Mention(term, part.signs, len(part.members))

    def enumerate(self, parts: Sequence[Part]) -> str:
        """``a housing 12, a shaft 14 and two bolts 16``."""
        names = []
        for part in parts:
            mention = self.mention(part)
            self.account.mentions.update(mention.signs)
            names.append(noun_phrase(phrases.INDEFINITE[self.language], mention, self.language, self.typography))
        return listed(names, self.language)

    def step(self, template: str, step: MethodStep) -> str:
        """A sentence about a method step."""
        account = self.account
        account.mentions[step.sign] += 1
        account.terms[step.sign] = step.step.name[self.language]
        account.alternates[step.sign] = [_STEP_WORD[self.language]]
        account.sources[step.sign] = "text"
        return template.replace("{sign}", self.typography.signs((step.sign,)).strip())

    def figure(self, label: str) -> str:
        """A reference to a figure as the running text makes it."""
        name = self._figure_word.format(label).removeprefix("la ")
        lead = "la " if self._figure_word.startswith("la ") else ""
        return f'{lead}<figref idref="{self.places[label]}">{name}</figref>'


def unsigned(part: Part) -> Mention:
    """A part as texts name it before the drawings come in: without reference signs."""
    return Mention(part.term, (), len(part.members))
