"""Sentences of patent text: sentencex proposes where they end, and what patents write is put right.

sentencex (Wikimedia) is rule-based, knows the four languages and is fast enough to be lost in the noise,
but it stumbles over "FIGS. 1", "U.S. Pat. No. 4,183,715", "approx. 4 mm" and numbered lists. A proposed
end is therefore dropped unless it passes :func:`_ends`, and ends before a typical first word that sentencex
missed ("in FIG. 5. This completes") are proposed as well.
"""

from __future__ import annotations

import re
from itertools import accumulate

import sentencex

_NEVER_WORDS = """
    e.g i.e eg ie cf viz vs approx appr esp incl excl resp u.s.c c.f pat pats appl appln ser publ pub
    proc natl acad sci soc chem biochem biol mol phys int eur am jpn rev lett aq conc sat dr mr mrs ms prof st
    vgl bzw z.b zb d.h i.d.r gem ggf evtl sog bspw insb insbes inkl zzgl mind einschl entspr sogen o.g z.t m.a.w offenl
    p.ex c.-à-d càd c.à.d env réf p.ej ej aprox núm n s.o s.u"""
_NUMBERED_WORDS = """
    fig figs abb bild no nos nr nrs art arts eq eqs eqn ref refs sec secs sect ex exs vol vols pp p pg para paras
    par tab tabs ch chap col cols cl rn ver abs abschn anspr kap ziff gl bsp s z ca circa ed éq pág págs apdo ec
    cap seq lfd pos cond equil"""
_MAYBE_WORDS = "etc al col cols usw usf u.s.w u.a u.dgl dgl co corp inc ltd u.s u.k u.s.a max min dept bros cie kg"
#: Never the last word of a sentence. Lower case, without the last dot.
_NEVER = frozenset(_NEVER_WORDS.split())
#: Takes a number or a label: "Nos. 3 and 4", "Fig. A", "Abb. 2".
_NUMBERED = frozenset(_NUMBERED_WORDS.split())
#: May end a sentence, and does when a typical first word follows.
_MAYBE = frozenset(_MAYBE_WORDS.split())
_OPENERS = (
    "A|An|The|This|That|These|Those|There|Then|Thus|Therefore|Thereby|It|Its|In|On|At|By|For|From|To|With|Within|When|"
    "Where|Wherein|While|If|As|After|Although|Also|According|Accordingly|Additionally|Alternatively|Each|Every|Another|"
    "Both|Here|Hereinafter|However|Further|Furthermore|Moreover|More|Likewise|Next|Optionally|Other|Preferably|"
    "Referring|Similarly|Since|So|Some|Such|Subsequently|Upon|Via|We|You|Finally|First|Second|Generally|Typically|"
    "Der|Die|Das|Dem|Den|Des|Dies|Diese|Dieser|Dieses|Dabei|Dadurch|Damit|Dann|Daher|Darüber|Ein|Eine|Einer|Eines|"
    "Es|Er|Sie|Im|Ist|Am|An|Auf|Aus|Bei|Beim|Durch|Ferner|Für|Gemäß|Hierbei|Hierzu|Mit|Nach|Somit|So|Über|Um|"
    "Unter|Von|Vorzugsweise|Weiterhin|Wenn|Wie|Wird|Zu|Zum|Zur|Zwischen|Bevorzugt|"
    "Le|La|Les|Un|Une|Des|Du|Ce|Cet|Cette|Ces|Il|Ils|Elle|Elles|On|Dans|De|Par|Pour|Selon|Sur|Ainsi|En|À|Afin|"
    "Avantageusement|Lorsque|Si|Comme|El|Los|Las|Una|Este|Esta|Estos|Estas|Se|Por|Para|Según|Con|Como|Cuando|Además"
)
_OPENER = re.compile(rf"(?:{_OPENERS})[\s,]")
_MISSED = re.compile(rf"[.!?](?:[)\]”\"]* (?=(?:{_OPENERS})[\s,])|[)\]”\"]+ (?=[A-Z]))")
_POSSIBLE = re.compile(r"[.!?…。]['\"”’»)\]]* ")
_END = re.compile(r"[.!?…。]['\"”’»)\]]*$")
#: A reference in brackets belongs to the sentence before it.
_ASIDE = re.compile(r"[(\[]\s*(?:see|cf|compare|vgl|siehe|s\.|voir|véase|ver)\b", re.IGNORECASE)
_LABEL = re.compile(r"[(\[]?(?:[A-Z]{0,2}\d|[A-ZIVX]{1,3}\b(?!\s[a-z]))")
#: A number in a journal reference ("Biochem. 151:217") or the next of its abbreviated words ("Mol. Biol., 222").
_REFERENCE = re.compile(r"\d+\s*[:(]\s*\d|(?!Fig|FIG|Abb|Dr|No|Ex|Eq|Mr)[A-Z][a-z]{0,9}\.(?:[,;]|\s+[A-Z\d])")
_ENUMERATOR = re.compile(r"[(\[]?(?:\d{1,3}|[ivxIVX]{1,5}|[a-zA-Z])\s?[.)\]]+")
_INITIALS = re.compile(r"(?:^|[\s(])[A-Za-z]\.\s?[A-Za-z]\.$|(?:^|[\s(])[A-Z]\.$")
#: German ordinals: "Der 1. Teil", "am 3. Mai".
_ORDINAL = re.compile(
    r"\b(?:de[rmns]|die|das|[aivz][nmou][mnr]|eine?[mnrs]?|und|oder|bis|jede[mnrs]?)\s\d{1,2}\.$", re.I
)
_NEAR = 240  # characters within which an open bracket is expected to close


def split(text: str, language: str) -> list[str]:
    """The sentences of a text whose white space is folded; joined by single spaces they give it back.

    ``language`` is an ISO 639-1 code; an unknown one is read like English. Never raises.
    """
    if not _POSSIBLE.search(text):
        return [text] if text else []
    sentences, start = [], 0
    for end in _proposed(text, language):
        left, right = text[start:end].rstrip(), text[end:].lstrip()
        if left and right and text[end - 1] == " " and _ends(left, right, language):
            sentences.append(left)
            start = end
    sentences.append(text[start:])
    return sentences


def _proposed(text: str, language: str) -> list[int]:
    """Offsets at which a sentence may begin, ascending."""
    pieces = sentencex.segment(language, text)
    ends = set(accumulate(map(len, pieces))) if "".join(pieces) == text else set()
    ends.update(match.end() for match in _MISSED.finditer(text))
    return sorted(ends - {len(text)})


def _ends(left: str, right: str, language: str) -> bool:
    """Whether a sentence ends between ``left`` (all of it so far) and ``right`` (the rest of the text)."""
    if not _END.search(left[-6:]) or right[0].islower() or right[0] in ",;:)]}%" or _ASIDE.match(right):
        return False
    if _ENUMERATOR.fullmatch(left) or (left.endswith(" .") and right[0].isdigit()):
        return False
    if _inside_brackets(left, right):
        return False
    if left[-1] != ".":
        return True
    opener = _OPENER.match(right) is not None
    word = left.rsplit(" ", 1)[-1].lstrip("([{\"“„«‘'").rstrip(".").lower()
    if word in _NEVER or (word in _NUMBERED and _LABEL.match(right)):
        return False
    if (word in _NUMBERED or word in _MAYBE or _INITIALS.search(left[-8:])) and not opener:
        return False
    if language == "de" and _ORDINAL.search(left[-20:]) and not opener:
        return False
    return opener or not _REFERENCE.match(right)


def _inside_brackets(left: str, right: str) -> bool:
    """A bracket is open here and closes soon."""
    if left.count("(") <= left.count(")"):
        return False
    depth = 0
    for character in right[:_NEAR]:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return True
    return False
