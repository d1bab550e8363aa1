"""The JSON Schema and the parser of judged queries agree, and the documentation's examples are right."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.evaluation.judgements import EXCLUDED, read_queries

DOCS = Path(__file__).parent.parent.parent / "docs"
SCHEMA = jsonschema.Draft202012Validator(json.loads((DOCS / "judged-queries.schema.json").read_text(encoding="utf-8")))

texts = st.sampled_from(["1A", "*", "", " ", "EP1A1"])
wrong = st.sampled_from([None, 0, True, [], {}])
grades = st.sampled_from([0, 1, 2.5, 10, 11, -1, "2", True, None])
judgements = st.fixed_dictionaries(
    {}, optional={"doc": texts | wrong, "figure": texts | wrong, "grade": grades, "note": texts}
)
good = st.fixed_dictionaries({"doc": st.just("EP1A1")}, optional={"figure": st.just("*"), "grade": st.just(2)})
queries = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("id", "image", "doc", "figure", "text"), texts | wrong),
        "exclude": st.sampled_from([*EXCLUDED, "all", None]),
        "relevant": st.lists(good, min_size=1, max_size=2) | st.lists(good | judgements | wrong, max_size=2) | wrong,
        "labels": texts,
    },
)
plausible = st.fixed_dictionaries(
    {"relevant": st.lists(good, min_size=1, max_size=2) | st.lists(good | judgements, max_size=2)},
    optional={
        **dict.fromkeys(("id", "image", "doc", "figure", "text"), st.sampled_from(["1A", "EP1A1", "*"])),
        "exclude": st.sampled_from(EXCLUDED),
    },
)


def is_read(folder: Path, tree: Any) -> bool:
    path = folder / "one.jsonl"
    path.write_text(json.dumps(tree), encoding="utf-8")
    try:
        read_queries(path)
    except UsageError:
        return False
    return True


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(queries | plausible | wrong)
def test_schema_and_parser_accept_the_same_lines(tmp_path: Path, tree: Any) -> None:
    assert is_read(tmp_path, tree) == SCHEMA.is_valid(tree)


def test_the_documented_examples_are_valid_and_read_as_they_are_meant(tmp_path: Path) -> None:
    block = re.findall(r"```json\n(.*?)```", (DOCS / "evaluation.md").read_text(encoding="utf-8"), re.DOTALL)[0]
    path = tmp_path / "queries.jsonl"
    path.write_text(block, encoding="utf-8")
    for line in block.splitlines():
        SCHEMA.validate(json.loads(line))
    fins, sketch, words = read_queries(path)
    assert (fins.doc, fins.figure, fins.exclude) == ("EP3441903A1", "2", "figure")
    assert [(j.doc, j.figure, j.grade) for j in fins.relevant] == [("EP3441903A1", "*", 1), ("EP3441030A1", "1A", 2)]
    assert sketch.image == tmp_path / "sketches/plate.png" and sketch.text == "a plate with burr holes"
    assert (words.image, words.doc, words.exclude) == (None, None, "none")


def test_two_queries_of_one_id_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "queries.jsonl"
    path.write_text('{"id": "a", "text": "t", "relevant": [{"doc": "D"}]}\n' * 2, encoding="utf-8")
    with pytest.raises(UsageError, match="more than one query has the id 'a'"):
        read_queries(path)
