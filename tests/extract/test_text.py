"""Mark-up becomes text: what joins, what parts, what is left out."""

from __future__ import annotations

import pytest
from lxml import etree

from pipeline.extract.text import blocks, flatten, plain


def read(markup: str) -> list[str]:
    root = etree.fromstring(f"<p>{markup}</p>")
    flatten(root)
    return blocks(root)


@pytest.mark.parametrize(("markup", "text"), [
    ("FIG. <b>1</b>", "FIG. 1"),
    ("housing (<b>10</b>)", "housing (10)"),
    ("<figref>FIGS. <b>1</b> and <b>2</b></figref> show", "FIGS. 1 and 2 show"),
    ("H<sub>2</sub>O", "H2O"),
    ("T<sub>1</sub> and R<sup>f</sup>CF", "T1 and RfCF"),
    ("3<sup>'</sup> and 12<sup>a</sup>", "3' and 12a"),
    ("10<sup>3</sup> to 10<sup>-6</sup>", "10^3 to 10^-6"),
    ("cm<sup>3</sup>", "cm3"),
    ("CO<sub>2</sub>and <sub>(f)</sub>cada", "CO2 and (f) cada"),
    ("the 5<sup>th</sup> and i<sup>th</sup>", "the 5th and ith"),
    ("two\n   words here", "two words here"),
    ("one<br/>two", "one two"),
    ("the formula<img file='x.tif'/>in which", "the formula in which"),
    ("see <patcit><text>US 4,183,715</text></patcit>.", "see US 4,183,715."),
])  # fmt: skip
def test_inline_markup_joins_as_printed(markup: str, text: str) -> None:
    assert read(markup) == [text]


def test_list_items_and_table_rows_are_blocks_of_their_own() -> None:
    assert read("Signs:<ul><li>10 housing</li><li>12 <b>lid</b></li></ul>end") == \
        ["Signs:", "10 housing", "12 lid", "end"]  # fmt: skip
    table = "<tables><table><title>Table 1</title><tgroup><tbody><row><entry>a</entry><entry>b</entry></row>" \
        "<row><entry>c</entry><entry/></row></tbody></tgroup></table></tables>"  # fmt: skip
    assert read(table) == ["Table 1", "a b", "c"]


def test_a_term_and_its_definition_stay_together() -> None:
    assert read("<dl><dt>Figure 1:</dt><dd>a lid</dd><dt>Figure 2:</dt><dd>a box</dd></dl>") == \
        ["Figure 1: a lid", "Figure 2: a box"]  # fmt: skip


def test_nested_claim_text_is_one_block() -> None:
    assert read("A lid comprising:<claim-text>a hinge;</claim-text><claim-text>a knob.</claim-text>") == \
        ["A lid comprising: a hinge; a knob."]  # fmt: skip


def test_lines_part_where_they_open_like_entries_of_a_list() -> None:
    assert read("10 Gehäuse<br/>12a Deckel<br/>14: Schraube") == ["10 Gehäuse", "12a Deckel", "14: Schraube"]
    assert read("a long sentence that<br/>goes on here<br/>and ends.") == [
        "a long sentence that goes on here and ends."
    ]


@pytest.mark.parametrize(("formula", "text"), [
    ("<math><msub><mi>θ</mi><mn>1</mn></msub></math>", "angle θ1 is"),
    ("<math><mi>V</mi><mo>=</mo><mfrac><mn>4</mn><mn>3</mn></mfrac></math><img file='x.tif'/>", "angle is"),
    ("<math><mrow><mtext>BF = TBF - CST1</mtext></mrow></math>", "angle BF = TBF - CST1 is"),
    ("<math xmlns='http://www.w3.org/1998/Math/MathML'><mi>x</mi><mo>+</mo><mn>1</mn></math>", "angle is"),
])  # fmt: skip
def test_a_formula_is_read_when_it_is_one_symbol_or_words(formula: str, text: str) -> None:
    assert read(f"angle <maths>{formula}</maths> is") == [text]


def test_deep_nesting_is_no_trouble() -> None:
    root = etree.fromstring("<b>" * 250 + "x" + "</b>" * 250)
    flatten(root)
    assert plain(root) == "x"
