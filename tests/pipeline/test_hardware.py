"""Number formats, and going on when memory runs out."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from pipeline.errors import UsageError
from pipeline.hardware import in_batches, number_format


def test_a_batch_that_does_not_fit_is_halved_and_the_work_goes_on() -> None:
    sizes = []

    def run(items: Sequence[int]) -> list[int]:
        sizes.append(len(items))
        if len(items) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return [10 * item for item in items]

    assert [value for some in in_batches(range(10), 8, run) for value in some] == [10 * n for n in range(10)]
    assert sizes == [8, 4, 2, 2, 2, 2, 2]


def test_what_does_not_fit_alone_is_an_error() -> None:
    def run(items: Sequence[int]) -> None:
        raise MemoryError("even one")

    with pytest.raises(MemoryError, match="even one"):
        list(in_batches([1, 2], 2, run))


def test_other_errors_are_not_taken_for_lack_of_memory() -> None:
    def run(items: Sequence[int]) -> None:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        list(in_batches([1, 2], 2, run))


def test_an_unknown_number_format_is_refused() -> None:
    assert number_format("bfloat16") is torch.bfloat16
    with pytest.raises(UsageError, match="float8"):
        number_format("float8")
