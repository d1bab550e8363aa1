"""No damaged input breaks a parser; FIGLAKE_FUZZ_SECONDS feeds each of them for longer, from another seed each day."""

from __future__ import annotations

import os
import time

import pytest

from tests.faults.fuzz import EXAMPLES, PARSERS, fuzz

#: Seconds for each parser; 0: the same small number of inputs each time.
SECONDS = float(os.environ.get("FIGLAKE_FUZZ_SECONDS", "0"))


@pytest.mark.timeout(SECONDS + 300)
@pytest.mark.parametrize("name", PARSERS)
def test_no_damaged_input_breaks_the_parser(name: str) -> None:
    taken = fuzz(name, SECONDS, start=int(time.time() // 86400) * 100_000)
    print(f"{name}: {taken:,} inputs")
    assert taken >= EXAMPLES // 2
