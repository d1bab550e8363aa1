"""Which of the ways a text names a part is its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.linking.languages import Language
from pipeline.linking.mentions import Mention

#: A longer name wins over a shorter one that it contains when this share of their votes goes to it …
FULLER_SHARE = 0.2
#: … and so many votes, unless there are hardly more in all.
FULLER_VOTES, FEW_VOTES = 2.0, 3.0
#: "upper cap of the bellows 16": the words left of the linker belong to the name when this share of those who say
#: bellows says so; less will do where bellows is the name of another sign.
LINKED_SHARE, LINKED_SHARE_OWNED = 0.75, 0.6

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
    by_sign: Mapping[str, Sequence[Mention]], language: Language, listed: Mapping[str, str]
) -> dict[str, Name]:
    """The name of every sign; ``listed`` is what the official list of reference signs says of some."""
    local = {sign: Counter(_weighted(mentions, language)) for sign, mentions in by_sign.items()}
    best = {sign: fullest(forms) for sign, forms in local.items() if forms}
    owners = Counter(best.values())
    names = {}
    for sign, mentions in by_sign.items():
        term = best.get(sign, "")
        linked = _linked_name(mentions, term, owners[term] > 1, language) if term else ""
        names[sign] = _name(sign, linked or term, local[sign], listed.get(sign), language)
    return names


def _name(sign: str, term: str, forms: Counter[str], listed: str | None, language: Language) -> Name:
    source = "text"
    if listed is not None:
        term, source = listed, "list"
    if not term:
        term = language.step_name if sign[0].isalpha() else language.unknown_name
    agreed = sum(weight for form, weight in forms.items() if _agrees(form, term))
    total = sum(forms.values())
    confidence = agreed / total if total else float(source == "list")
    alternates = [form for form, _ in forms.most_common() if form.lower() != term.lower()]
    return Name(term, tuple(alternates[:8]), min(1.0, confidence), source)


def _weighted(mentions: Sequence[Mention], language: Language) -> dict[str, float]:
    """Names with their votes; one whose left edge is unsure counts half."""
    votes: dict[str, float] = {}
    for mention in mentions:
        if mention.name:
            form = base_form(mention.name, language)
            votes[form] = votes.get(form, 0.0) + (1.0 if mention.bounded else 0.5)
    return votes


def base_form(words: Sequence[str], language: Language) -> str:
    """A name in the singular; lower case, but for acronyms and German nouns."""
    head = len(words) - 1 if language.head_last else 0
    forms = [language.singular(word) if i == head else word for i, word in enumerate(words)]
    if language.code != "de":
        forms = [word if sum(c.isupper() for c in word) > 1 else word.lower() for word in forms]
    return " ".join(forms)


def fullest(forms: Mapping[str, float]) -> str:
    """The longest form that enough votes share, grown word by word from the head that most agree on."""
    votes: Counter[str] = Counter()
    for form, weight in forms.items():
        words = form.split()
        for start in range(len(words)):
            votes[" ".join(words[start:])] += weight  # type: ignore[assignment]
    heads = [form for form in votes if " " not in form]
    best = max(heads, key=lambda form: (votes[form], form))
    while True:
        enough = max(FULLER_SHARE * votes[best], FULLER_VOTES if votes[best] > FEW_VOTES else 0.0)
        fuller = [f for f in forms if f.endswith(" " + best) and (votes[f] >= enough or best not in forms)]
        if not fuller:
            return best
        best = max(fuller, key=lambda form: (votes[form], -len(form), form))


def _linked_name(mentions: Sequence[Mention], term: str, owned: bool, language: Language) -> str:
    """The name with what stands left of a linker, where the mentions agree that it belongs to it, else ''."""
    named = [m for m in mentions if m.name and _agrees(base_form(m.name, language), term)]
    chains = Counter(_chain(m, language) for m in named if m.linked and not m.linked[0].endswith("ed"))
    if not chains:
        return ""
    chain, count = chains.most_common(1)[0]
    if count < (LINKED_SHARE_OWNED if owned else LINKED_SHARE) * len(named) or (
        count < 2 and not (owned and chain[1] in OF)
    ):
        return ""
    full = Counter(
        f"{' '.join(m.linked)} {base_form(m.name, language)}"
        for m in named
        if m.linked and _chain(m, language) == chain
    )
    phrase = full.most_common(1)[0][0]
    return phrase[:1].lower() + phrase[1:] if language.code != "de" else phrase


def _chain(mention: Mention, language: Language) -> tuple[str, str]:
    """The last word left of the linker and the linker; articles aside."""
    words = [w.lower() for w in mention.linked if w.lower() not in language.determiners]
    return (words[-2] if len(words) > 1 else "", words[-1])


def _agrees(form: str, term: str) -> bool:
    a, b = form.lower(), term.lower()
    return a == b or a.endswith(" " + b) or b.endswith(" " + a)
