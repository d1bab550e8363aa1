"""Which of the ways a text names a part is its name."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.linking.languages import Language
from pipeline.linking.mentions import Mention
from pipeline.linking.nouns import BaseForm, head
from pipeline.linking.usage import FAMILY, family, heads

#: A longer name wins over a shorter one that it contains when this share of their votes goes to it …
FULLER_SHARE = 0.2
#: … and so many votes, unless there are hardly more in all.
FULLER_VOTES, FEW_VOTES = 2.0, 3.0
#: An adjective that tells a state (a determined angle, the compressed spring) must be as good as always there.
STATE_SHARE = 0.5
_STATE = re.compile(r"\w{3,}ed\b")
#: "upper cap of the bellows 16": the words left of the linker belong to the name when this share of those who say
#: bellows says so; less will do where bellows is the name of another sign.
LINKED_SHARE, LINKED_SHARE_OWNED = 0.75, 0.6

#: Letters that number the steps of a method; a numbering of parts (switch S1, switch S2) has one head noun in this
#: share of its mentions.
STEP_LETTERS, PART_SHARE = frozenset(["S", "ST", "SP", "STEP", "Q"]), 0.4
#: Linkers that join a name so closely that one mention is enough: the end *of* the spring 7b.
OF = frozenset({"of"})


@dataclass(frozen=True)
class Name:
    """A part's name with the other names that the text uses, most frequent first."""

    term: str
    alternates: tuple[str, ...]
    confidence: float  # share of the named mentions that agree on the term
    source: str  # list or text


def choose_names(
    by_sign: Mapping[str, Sequence[Mention]], language: Language, listed: Mapping[str, str], base_form: BaseForm
) -> dict[str, Name]:
    """The name of every sign; ``listed`` is what the official list of reference signs says of some."""
    local = {sign: Counter(_weighted(mentions, base_form)) for sign, mentions in by_sign.items()}
    best = {sign: fullest(forms, language) for sign, forms in local.items() if forms}
    best |= dict.fromkeys(step_signs(by_sign, language, base_form), language.step_name)
    owners = Counter(best.values())
    names = {}
    for sign, mentions in by_sign.items():
        term = best.get(sign) or (language.step_name if sign[0].isalpha() else language.unknown_name)
        linked = _linked_name(mentions, term, owners[term] > 1, language, base_form)
        names[sign] = _name(linked or term, local[sign], listed.get(sign), language)
    return names


def step_signs(by_sign: Mapping[str, Sequence[Mention]], language: Language, base_form: BaseForm) -> set[str]:
    """The signs of a method's steps: called a step somewhere, or of a lettered numbering (S610) whose signs stand
    behind whatever their sentence ends with."""
    found = {
        sign for sign, ms in by_sign.items() if language.steps & {word.lower() for m in ms for word in m.name[-1:]}
    }
    families: dict[str, list[str]] = defaultdict(list)
    for sign in by_sign:
        if family(sign) in STEP_LETTERS and any(c.isdigit() for c in sign):
            families[family(sign)].append(sign)
    for signs in families.values():
        nouns = Counter(noun for sign in signs for noun in heads(by_sign[sign], language, base_form))
        common = max((count for noun, count in nouns.items() if noun not in language.steps), default=0)
        if len(signs) >= FAMILY and common < PART_SHARE * sum(nouns.values()):
            found.update(signs)
    return found


def _name(term: str, forms: Counter[str], listed: str | None, language: Language) -> Name:
    source = "text"
    if listed is not None:
        term, source = listed, "list"
    agreed = sum(weight for form, weight in forms.items() if _agrees(form, term, language))
    total = sum(forms.values())
    confidence = agreed / total if total else float(source == "list")
    alternates = [form for form, _ in forms.most_common() if form.lower() != term.lower()]
    return Name(term, tuple(alternates[:8]), min(1.0, confidence), source)


def _weighted(mentions: Sequence[Mention], base_form: BaseForm) -> dict[str, float]:
    """Names with their votes; one whose left edge is unsure counts half."""
    votes: dict[str, float] = {}
    for mention in mentions:
        if mention.name:
            form = base_form(mention.name)
            votes[form] = votes.get(form, 0.0) + (1.0 if mention.bounded else 0.5)
    return votes


def fullest(forms: Mapping[str, float], language: Language) -> str:
    """The longest form that enough votes share, grown from the head noun that most agree on."""
    heads: Counter[str] = Counter()
    for form, weight in forms.items():
        heads[head(form.split(), language)] += weight  # type: ignore[assignment]
    best = max(heads, key=lambda form: (heads[form], form))
    while True:
        votes = {f: sum(w for g, w in forms.items() if g == f or _extends(g, f, language)) for f in [best, *forms]}
        fuller = [f for f in forms if _extends(f, best, language) and (best not in forms or _is_shared(f, best, votes))]
        if not fuller:
            return best
        best = max(fuller, key=lambda form: (votes[form], -len(form), form))


def _extends(fuller: str, shorter: str, language: Language) -> bool:
    """True when ``fuller`` is ``shorter`` with more words before it (or around it, where heads come first)."""
    if language.head_last:
        return fuller.endswith(" " + shorter)
    return fuller != shorter and f" {shorter} " in f" {fuller} "


def _is_shared(fuller: str, shorter: str, votes: Mapping[str, float]) -> bool:
    """True when enough of those who say ``shorter`` say ``fuller``."""
    share = STATE_SHARE if _STATE.match(fuller) else FULLER_SHARE
    least = FULLER_VOTES if votes[shorter] > FEW_VOTES else 0.0
    return votes[fuller] >= max(share * votes[shorter], least)


def _linked_name(mentions: Sequence[Mention], term: str, owned: bool, language: Language, base_form: BaseForm) -> str:
    """The name with what stands left of a linker, where the mentions agree that it belongs to it, else ''."""
    named = [m for m in mentions if m.name and _agrees(base_form(m.name), term, language)]
    chains = Counter(_chain(m, language) for m in named if m.linked and not _STATE.match(m.linked[0]))
    if not chains:
        return ""
    chain, count = chains.most_common(1)[0]
    share = LINKED_SHARE_OWNED if owned else LINKED_SHARE
    if count < share * len(named) or (count < 2 and not (owned and chain[1] in OF)):
        return ""
    # "the angle of sunlight 101" is the sunlight's sign; "the frame of the seeder (30)" may be the frame's.
    if chain[1] in OF and not owned and not all(m.bracketed for m in named):
        return ""
    full = Counter(_joined(m, language, base_form) for m in named if m.linked and _chain(m, language) == chain)
    return full.most_common(1)[0][0]


def _joined(mention: Mention, language: Language, base_form: BaseForm) -> str:
    """Both sides of the linker as a list would print them: without articles."""
    left = [word for word in mention.linked if word.lower() not in language.determiners]
    phrase = f"{' '.join(left)} {base_form(mention.name)}"
    return phrase if language.code == "de" or phrase[1:2].isupper() else phrase[:1].lower() + phrase[1:]


def _chain(mention: Mention, language: Language) -> tuple[str, str]:
    """The last word left of the linker and the linker; articles aside."""
    words = [w.lower() for w in mention.linked if w.lower() not in language.determiners]
    return (words[-2] if len(words) > 1 else "", words[-1])


def _agrees(form: str, term: str, language: Language) -> bool:
    """True when one of the two names is the other with more words."""
    a, b = form.lower(), term.lower()
    return a == b or _extends(a, b, language) or _extends(b, a, language)
