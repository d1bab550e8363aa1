from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.linking.languages import LANGUAGES
from pipeline.linking.mentions import find_mentions, normal_form
from pipeline.linking.signs import find_signs
from tests.linking.rows import passages


def terms(*texts: str, language: str = "en", **options: object) -> dict[str, str]:
    found = find_signs(passages("FIG. 1 shows it.", *texts, language=language, **options))  # type: ignore[arg-type]
    return {row["sign"]: row["term"] for row in found.rows}


ENGLISH = (
    "The burr hole plate 10 comprises a plate body 12 and a plurality of spikes 14 extending from the plate body 12.",
    "The burr hole plate 10 and the spikes 14 are shown in Fig. 2.",
)


def test_part_names_lose_articles_and_plurals() -> None:
    assert terms(*ENGLISH) == {"10": "burr hole plate", "12": "plate body", "14": "spike"}


def test_brackets_of_claims_hold_signs() -> None:
    texts = (
        "A cranial plate (10), comprising a plate body (12) and a plurality of spikes (14).",
        "The cranial plate (10) according to claim 1 or 2, wherein the plate body (12) holds the spikes (14).",
    )
    assert terms(*texts) == {"10": "cranial plate", "12": "plate body", "14": "spike"}


def test_an_enumeration_shares_its_name() -> None:
    found = terms("The blades 110, 112 and 114 turn.", "Each of the blades 110, 112, 114 bears the tip 120.",
                  "The tip 120 is round.")  # fmt: skip
    assert found == {"110": "blade", "112": "blade", "114": "blade", "120": "tip"}


def test_sheets_two_and_three_in_brackets_share_their_name() -> None:
    found = terms("Both sheets (2) and (3) cover the core (1).", "The core (1) lies between the sheets (2) and (3).")
    assert found == {"1": "core", "2": "sheet", "3": "sheet"}


@pytest.mark.parametrize(
    "sentence",
    [
        "The shaft 5 of Fig. 7A turns.",
        "The shaft 5 is seen in FIGS. 7, 8 and 9(a)-9(c).",
        "The shaft 5 according to any one of claims 7 to 9.",
        "The shaft 5 is 7 mm long, 8 to 9 cm wide and turned by about 60 or by 90°.",
        "The shaft 5 is made as described in US 6,339,142 and in Example 7.",
        "The shaft 5 has 3-way valves and at least 7 holes.",
    ],
)
def test_numbers_that_are_no_signs_are_left_alone(sentence: str) -> None:
    assert set(terms(sentence, "The shaft 5 bears the hub 6.", "The hub 6 and the rim 4.", "A rim 4.")) == {
        "4", "5", "6"}  # fmt: skip


def test_a_text_without_figures_has_no_signs() -> None:
    assert find_signs(passages(*[t.replace("Fig. 2", "use") for t in ENGLISH])).rows == []


def test_german_names_keep_their_adjectives() -> None:
    found = terms(
        "Der obere Deckel 3 liegt auf dem Gehäuse 5.",
        "Im Gehäuse 5 ist eine Welle 7 gelagert; der obere Deckel 3 verschließt das Gehäuse 5 (Fig. 1).",
        "Die Welle 7 trägt ein Zahnrad 9, und das Zahnrad 9 dreht sich nach Anspruch 1 um 90°.",
        language="de",
    )
    assert found == {"3": "oberer Deckel", "5": "Gehäuse", "7": "Welle", "9": "Zahnrad"}


def test_french_names_keep_their_complements() -> None:
    found = terms(
        "L'arbre de sortie 5 porte une roue dentée 7 montée sur l'arbre de sortie 5 (figure 2).",
        "La roue dentée 7 engrène avec la vis sans fin 9 et la vis sans fin 9 tourne.",
        language="fr",
    )
    assert found == {"5": "arbre de sortie", "7": "roue dentée", "9": "vis sans fin"}


def test_spanish_names_keep_their_complements() -> None:
    found = terms(
        "El eje de salida (5) lleva una rueda dentada (7).",
        "La rueda dentada (7) gira con el eje de salida (5) y la tapa (9) según la figura 2.",
        "La tapa (9) cubre el eje de salida (5).",
        language="es",
    )
    assert found == {"5": "eje de salida", "7": "rueda dentada", "9": "tapa"}


def test_an_official_list_comes_first() -> None:
    found = find_signs([
        *passages("FIG. 1 shows a system.", "The file access system 100 has a server 110.", "The server 110."),
        *passages("100: system", "110: management server", heading="Reference Signs List", start=3),
    ])  # fmt: skip
    assert [(r["sign"], r["term"], r["source"]) for r in found.rows] == [
        ("100", "system", "list"), ("110", "management server", "list")]  # fmt: skip


def test_mentions_point_at_the_characters_that_hold_the_sign() -> None:
    rows = passages("FIG. 1 shows it.", *ENGLISH)
    texts = {row["passage_id"]: row["text"] for row in rows}
    found = find_signs(rows)
    assert [texts[m.passage_id][m.start : m.end] for m in found.mentions] == [m.sign for m in found.mentions]
    assert len(found.mentions) == 6


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=5), st.sampled_from(sorted(LANGUAGES)))
def test_no_text_makes_it_raise(texts: list[str], code: str) -> None:
    find_signs(passages("Fig. 1", *texts, language=code))


PIECES = st.sampled_from(["the plate 12", "spikes (14, 15)", "4 a", "10-1", "S620", "Figs. 2A and 3", ",", "3'", "und",
                          "l'arbre 5", "(10a–10d)", "of 20 mm", "A-A", "α", "claim 3"])  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=12), st.sampled_from(sorted(LANGUAGES)))
def test_every_mention_lies_where_its_sign_is_printed(pieces: list[str], code: str) -> None:
    text = " ".join(pieces)
    for mention in find_mentions(text, LANGUAGES[code]):
        assert text[mention.start : mention.end].replace(" ", "") == mention.sign


def test_adjectives_that_tell_a_pair_apart_are_shared_out() -> None:
    found = terms(
        "A left and a right clamping rib 20, 21 hold the first, second and third arms 32, 34 and 36.",
        "The left clamping rib 20 and the right clamping rib 21 are bent.",
        "The first arm 32 and the second arm 34 bear the third arm 36.",
    )
    assert found == {"20": "left clamping rib", "21": "right clamping rib", "32": "first arm", "34": "second arm",
                     "36": "third arm"}  # fmt: skip


def test_a_name_goes_on_over_of_where_the_part_behind_it_has_a_sign_of_its_own() -> None:
    found = terms(
        "The pneumatic bellows (10) is closed by the upper cap of the pneumatic bellows (16).",
        "The upper cap of the pneumatic bellows (16) and the pneumatic bellows (10) are round.",
        "The pneumatic bellows (10) swells.",
    )
    assert found == {"10": "pneumatic bellows", "16": "upper cap of pneumatic bellows"}


def test_lettered_steps_are_steps_and_not_what_their_sentence_ends_with() -> None:
    texts = (
        "The unit 230 generates a file ID (S610), and the file 30 is encrypted by the unit 230 (S620).",
        "The unit 230 sends the file 30 to the server 110 (S630).",
        "The server 110 stores the key (S640), the file 30 and the time (S650).",
        "The file 30 is read by the server 110 and deleted after an hour (S660).",
    )
    found = terms(*texts, "The server 110 is shown in FIG. 2.")
    assert {sign: term for sign, term in found.items() if sign[0] == "S"} == dict.fromkeys(
        ["S610", "S620", "S630", "S640", "S650", "S660"], "step"
    )


def test_a_lettered_numbering_of_parts_is_none_of_steps() -> None:
    found = terms("The switches S1, S2, S3, S4 and S5 are closed.", "The switch S1 opens before the switch S2.",
                  "The switch S3 opens before the switch S2; the switch S1 and the switch S3 close.")  # fmt: skip
    assert set(found.values()) == {"switch"}


def test_german_participles_with_their_own_words_are_no_part_of_a_name() -> None:
    found = terms(
        "Der Schaft 4 weist mehrere in Längsrichtung verlaufende Nuten 27 auf, und die Nut 27 liegt am Schaft 4.",
        "Zwischen den Längskanten 7 des Schafts 4 liegt eine Nut 27; die Kanten und jede Kante sind rund.",
        "Die Längskanten 7 sind an der flachen Seite 9 zu sehen (Figur 1); die flache Seite 9 ist glatt.",
        language="de",
    )
    assert found == {"27": "Nut", "4": "Schaft", "7": "Längskante", "9": "flache Seite"}


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(PIECES | st.text(max_size=6), max_size=10).map(" ".join), max_size=4))
def test_every_mention_of_a_document_points_at_its_sign(texts: list[str]) -> None:
    rows = passages("FIG. 1 shows it.", *ENGLISH, *texts)
    printed = {row["passage_id"]: row["text"] for row in rows}
    found = find_signs(rows)
    for mention in found.mentions:
        assert normal_form(printed[mention.passage_id][mention.start : mention.end]).replace(" ", "") == mention.sign
