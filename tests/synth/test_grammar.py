from __future__ import annotations

import pytest

from pipeline.synth import phrases
from pipeline.synth.grammar import Mention, Typography, listed, noun_phrase, plain, sentence
from pipeline.synth.lexicon import LANGUAGES, TERMS

PLAIN = Typography()


def part(key: str, *signs: str, count: int = 1) -> Mention:
    return Mention(TERMS[key], signs, count)


@pytest.mark.parametrize(
    ("article", "mention", "language", "phrase"),
    [
        ("a", part("actuator", "12"), "en", "an actuator 12"),
        ("a", part("bolt", "14a", "14b", count=2), "en", "two bolts 14a, 14b"),
        ("the", part("battery", "7", count=3), "en", "the batteries 7"),
        ("ein", part("pump", "10"), "de", "eine Pumpe 10"),
        ("einen", part("shaft"), "de", "eine Welle"),
        ("dem", part("pump", "10"), "de", "der Pumpe 10"),
        ("dem", part("wheel", "3", count=4), "de", "den Rädern 3"),
        ("einen", part("bolt", "4", "4'", count=2), "de", "zwei Bolzen 4, 4'"),
        ("un", part("pump", "10"), "fr", "une pompe 10"),
        ("le", part("axle", "5"), "fr", "l'essieu 5"),
        ("du", part("arm"), "fr", "du bras"),
        ("du", part("antenna"), "fr", "de l'antenne"),
        ("d'un", part("wheel", "3", count=2), "fr", "de deux roues 3"),
        ("au", part("wheel", "3", count=2), "fr", "aux roues 3"),
    ],
)
def test_articles_nouns_and_signs_agree(article: str, mention: Mention, language: str, phrase: str) -> None:
    assert noun_phrase(article, mention, language) == phrase


def test_verbs_follow_the_number_of_their_part() -> None:
    template = "{the:a} {is/are:a} arranged on {the:b}."
    slots = {"a": part("bolt", "14", count=4), "b": part("flange", "12")}
    assert sentence(template, slots, "en", PLAIN) == "The bolts 14 are arranged on the flange 12."
    slots["a"] = part("shaft", "16")
    assert sentence(template, slots, "en", PLAIN) == "The shaft 16 is arranged on the flange 12."


def test_signs_stand_bold_or_in_brackets() -> None:
    slots = {"a": part("bolt", "14a", "14b", count=2)}
    assert sentence("{the:a}", slots, "en", Typography(bold=True)) == "The bolts <b>14a</b>, <b>14b</b>"
    assert sentence("{the:a}", slots, "en", Typography(brackets=True)) == "The bolts (14a, 14b)"


def test_plain_text_drops_the_mark_up_and_its_escapes() -> None:
    assert plain('<figref idref="f0001">Fig. 1</figref> &amp; <b>12</b>') == "Fig. 1 & 12"


def test_lists_join_with_the_word_of_the_language() -> None:
    assert [listed(["a", "b", "c"], x) for x in LANGUAGES] == ["a, b and c", "a, b und c", "a, b et c"]


def test_the_three_languages_say_the_same_number_of_things() -> None:
    for table in (
        phrases.RELATIONS,
        phrases.SIGNALS,
        phrases.OPENINGS,
        phrases.CROSS,
        phrases.BACKGROUND,
        phrases.TITLES,
    ):
        assert len({len(table[language]) for language in LANGUAGES}) == 1
