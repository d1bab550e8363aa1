"""Captions: the brief description that a text gives of each figure.

Most documents list them in one place ("FIG. 2 is a side view of the pump; FIG. 3 …"); a part of a figure is
often described only where the text comes to it ("As shown in FIG. 4(a), …").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any

from pipeline.labels import LABEL, WORD, expand, label_key, normal_label

_AND = r"(?:[ \t]*(?:,|&|\b(?:and|und|oder|or|sowie|et|ou|y|e|o)\b)[ \t]*)+"
_TO = r"[ \t]*(?:-|–|—|\b(?:to|through|bis|à|a|hasta)\b)[ \t]*"
_WORD = rf"\b(?i:{WORD})\b\.?\s*(?:Nos?\.?\s*)?"
_REFERENCE = rf"(?:(?i:the|die|der|la|las|les)\s+)?{_WORD}{LABEL}(?![\w.]\d)"
#: "FIGS. 6, 7 and 8(a)", "Fig. 6 and Fig. 7": all that one caption belongs to.
_REFERENCES = re.compile(rf"{_REFERENCE}(?:(?:{_AND}|{_TO})(?:{_REFERENCE}|{LABEL}(?![\w°%])))*")
_SERIES = re.compile(rf"({LABEL})(?:{_TO}(?:{_WORD})?({LABEL}))?")
#: A description begins a sentence or a clause of the list.
_START = re.compile(
    r"(?:^|[;:.\n]|\b(?:and|und|et|y|wherein|where|in which|zeigt|zeigen|dans lesquelles|sur lesquelles))"
    r"[\s\W]*(?:(?:and|und|et|y|wherein)\s+)?(?:In\s+)?$", re.IGNORECASE)  # fmt: skip
_VERB = re.compile(
    r"""(?ix) ^[\s:,.=–—-]* (?: (?:each|both|jeweils|respectively,?|\w+ly)\s+)?
        (?: (?: is|are|shows?|showing|illustrat(?:es?|ing)|depicts?|depicting|represents?|representing|presents?
              | provides?|discloses?|describes?|displays?|gives?|contains?
              | ist|sind|zeigt|zeigen|stellt|stellen|veranschaulich(?:t|en)|illustrier(?:t|en)
              | est|sont|repr[ée]sente(?:nt)?|montre(?:nt)?|illustre(?:nt)?|d[ée]crit
              | es|son|muestran?|representan?|ilustran?|describen?|corresponde\sa )
            (?![\w-]) [\s:]* )?""")  # fmt: skip
_END = re.compile(r"[\s;,.:]*(?:;|,)?\s*(?:\b(?:and|und|et|y)\b)?[\s;,.:]*$")
_HEADING = re.compile(r"(?i)drawing|figure|figur|zeichnung|abbildung|dessin|dibujo|figura")
_AS_SHOWN = re.compile(
    rf"^(?:As|Wie|Comme|Como)\s.{{0,40}}?(?:{_REFERENCES.pattern})[^,]{{0,30}},\s*(?P<rest>.+)$")  # fmt: skip
_SHOWN_IN = re.compile(
    rf"^(?P<what>[^,;]{{3,160}}?),?\s*(?:\(?(?:as\s)?(?:shown|illustrated|depicted|dargestellt|gezeigt)\s+in"
    rf"|représentée?s?\s+(?:à|sur)|mostrad[oa]s?\s+en)\s+(?:{_REFERENCES.pattern})")  # fmt: skip
_SUBORDINATE = re.compile(r"(?i)^(?:when|if|where|while|wenn|falls|lorsque|quand|si|cuando)\b")


class Captions:
    """What one document's text says of its figures.

    ``passages``: rows of the passages table in reading order; those of other sections than the description
    are passed over.
    """

    def __init__(self, passages: Iterable[Mapping[str, Any]]) -> None:
        self._described = [p for p in passages if p["section"] == "description"]
        self._listed = _listed(self._described)

    def of(self, label: str | None) -> str | None:
        """The figure's caption. A label that has no description of its own takes that of the figure it is a
        part of (10A that of FIG. 10)."""
        if not label:
            return None
        listed = self._listed.get(label_key(label))
        return listed or _detailed(self._described, label) or _of_whole(self._listed, label)


def find_captions(passages: Iterable[Mapping[str, Any]], labels: Iterable[str]) -> dict[str, str]:
    """The caption of each of ``labels`` that the description gives one."""
    captions = Captions(passages)
    return {label: caption for label in labels if (caption := captions.of(label))}


def _listed(passages: list[Mapping[str, Any]]) -> dict[str, str]:
    """Captions by label key. The list of figures comes before other places, an earlier chapter before a later
    one, and within a chapter a description of one figure before one of several."""
    ranked: dict[str, tuple[tuple[bool, int, int], str]] = {}
    chapters: list[str] = []
    for heading, text in _paragraphs(passages):
        entries = list(_entries(text))
        chapters += [heading] if chapters[-1:] != [heading] else []
        several = len({label for labels, _ in entries for label in labels}) > 2
        is_list = bool(_HEADING.search(heading)) or several or not ranked
        for labels, caption in entries:
            rank = (not is_list, len(chapters), len(labels))
            for key in map(label_key, labels):
                if key not in ranked or rank < ranked[key][0]:
                    ranked[key] = (rank, caption)
    return {key: caption for key, (_, caption) in ranked.items()}


def _paragraphs(passages: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Heading and text of each paragraph, its sentences on lines of their own; a paragraph that is a bare
    "FIG. 1" is read with the next."""
    held = ""
    groups: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for passage in passages:
        groups.setdefault((passage["language"], passage["paragraph_index"]), []).append(passage)
    for group in groups.values():
        text = held + "\n".join(p["text"] for p in group)
        if _REFERENCES.fullmatch(text.strip(" .:\n-–")):
            held = text + " "
            continue
        held = ""
        yield group[0]["heading"] or "", text


def _entries(text: str) -> Iterator[tuple[list[str], str]]:
    """The labels and the caption of each description in a paragraph."""
    matches = [m for m in _REFERENCES.finditer(text) if _START.search(text[max(0, m.start() - 40) : m.start()])]
    for match, following in zip_longest(matches, matches[1:]):
        rest = text[match.end() : following.start() if following else len(text)]
        verb = _VERB.match(rest)
        body = rest[verb.end() :] if verb else rest
        # A line break inside the list belongs to the markup; the first full sentence is the description.
        sentence = body.split("\n", 1)[0] if body.split("\n", 1)[0].strip(" .;") else body.strip().split("\n", 1)[0]
        caption = _END.sub("", sentence).strip()
        if len(caption) > 2 and not caption.startswith(")"):
            yield _labels(match.group()), caption


def _labels(text: str) -> list[str]:
    labels: list[str] = []
    for match in _SERIES.finditer(re.sub(_WORD, "", text)):
        labels += expand(match[1], match[2]) if match[2] else [normal_label(match[1])]
    return labels


def _detailed(passages: list[Mapping[str, Any]], label: str) -> str | None:
    """What the first sentence that names this figure alone says of it."""
    for passage in passages:
        references = list(_REFERENCES.finditer(passage["text"]))
        if not references or label_key(label) not in map(label_key, _labels(references[0].group())):
            continue
        if match := _AS_SHOWN.match(passage["text"]):
            return _END.sub("", _condition(match["rest"]))
        if match := _SHOWN_IN.match(passage["text"]):
            return match["what"].strip()
    return None


def _condition(text: str) -> str:
    """Of "when the sun is high, …, the controller turns the slats" the condition, which the figure shows."""
    if not _SUBORDINATE.match(text):
        return text
    clauses = re.split(r",\s+(?=(?:the|a|an|der|die|das|le|la|el)\s)", text)
    return text if len(clauses) == 1 else text[: text.rindex(clauses[-1])].rstrip(", ")


def _of_whole(listed: Mapping[str, str], label: str) -> str | None:
    key = label_key(label)
    wholes = [whole for whole in listed if key.startswith(whole) and not key[len(whole) :][:1].isdigit()]
    return listed[max(wholes, key=len)] if wholes else None
