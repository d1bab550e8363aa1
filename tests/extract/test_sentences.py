"""Sentences of patent text: what stays together, what parts, and that nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.extract.sentences import split
from pipeline.extract.text import fold


@pytest.mark.parametrize(("language", "text"), [
    ("en", "As shown in FIGS. 1, 2 and 3, the lid is open."),
    ("en", "Such a lid is known from U.S. Pat. No. 4,183,715 and others."),
    ("en", "The gap is approx. 4 mm wide."),
    ("en", "The lid (cf. fig. 3) is open."),
    ("en", "See Nos. 3 and 4, Ser. No. 10/123,456, Sec. 3, Eq. 4 and Ref. 5."),
    ("en", "Materials, e.g. steel, i.e. No. 5, may be used."),
    ("en", "Smith et al. Nature 3 shows a lid."),
    ("en", "It is described in Proc. Natl. Acad. Sci. USA 80:1382-1386 by Fitch et al. in detail."),
    ("en", "See J. Mol. Biol., 222:581-597 and Biochem. 151:217 for this."),
    ("en", "1. A seeding machine with a lid."),
    ("en", "(a) A lid; (b) a hinge, as in claim 1; (c) a knob."),
    ("en", "between 0.1mm and 1 . 5mm in width"),
    ("en", "The lid is washed with saturated aq. sodium carbonate."),
    ("en", "The lid (see the text. It is short) is open."),
    ("en", "The amino acid of SEQ ID NO. 12 is used."),
    ("de", "Die Platte, vgl. Fig. 2, ist z. B. aus Holz bzw. Stahl."),
    ("de", "Das heißt, d. h. ca. 3 mm gem. Abb. 4."),
    ("de", "Der 1. Teil und die 2. Ausführungsform sind gleich."),
    ("de", "Teile nach Abs. 3, Nr. 5 u. a. sind offen."),
    ("fr", "Voir par ex. la fig. 3."),
    ("fr", "La plaque, cf. fig. 2, etc. est la no. 3."),
    ("es", "Véase p. ej. la fig. 3."),
    ("es", "Pérez y col. muestran esto en la pág. 3."),
    ("es", "El n.º 3 de la Fig. 2 mide aprox. 4 mm."),
])  # fmt: skip
def test_what_patents_write_stays_in_one_sentence(language: str, text: str) -> None:
    assert split(text, language) == [text]


@pytest.mark.parametrize(("language", "sentences"), [
    ("en", ["The valve 3 is shown in Fig. 5.", "The lid 4 is open.", "10 denotes a housing."]),
    ("en", ["This completes step S750 in FIG. 7.", "Upon completion, the lid opens."]),
    ("en", ["The gap is 5 mm.", "It is wide."]),
    ("en", ["The method was described by Smith et al.", "The lid is new."]),
    ("en", ["It is known in the U.S.", "The lid is not."]),
    ("en", ["Is it open?", "It is!", "Good."]),
    ("en", ["The lid (12) is open.", "(The knob is not.)", "This is why."]),
    ("en", ["Glass, steel, etc.", "The lid is made of it."]),
    ("en", ["It is an estimate at time k.", "Likewise, it is small."]),
    ("de", ["Die Platte ist aus Holz, Stahl usw.", "Der Deckel ist offen."]),
    ("de", ["Das zeigt Fig. 3.", "Die Schraube 1 hält."]),
    ("fr", ["La figure 3 montre un boîtier (cf. fig. 2).", "Le couvercle est ouvert."]),
    ("es", ["La tapa 3 se muestra en la Fig. 2.", "El método es así."]),
    ("ja", ["The lid is open.", "It is red."]),
])  # fmt: skip
def test_sentences_end_where_they_end(language: str, sentences: list[str]) -> None:
    assert split(" ".join(sentences), language) == sentences


def test_no_text_has_no_sentence() -> None:
    assert split("", "en") == []
    assert split("10 housing", "en") == ["10 housing"]


_PIECES = "The lid 3 FIG. FIGS. 2A (see e.g. approx. 4,5 mm. U.S. Pat. No. z. B. bzw. ?! … “x.” ). n.º et al. (a) 1. ;"
_WORDS = st.sampled_from(_PIECES.split())


@given(st.one_of(st.text(), st.lists(_WORDS).map(" ".join)), st.sampled_from(["en", "de", "fr", "es", "ja", "", "zz"]))
@settings(max_examples=400, deadline=None)
def test_sentences_joined_by_single_spaces_give_back_the_text(text: str, language: str) -> None:
    folded = fold(text)
    sentences = split(folded, language)
    assert " ".join(sentences) == folded
    assert all(sentences)
