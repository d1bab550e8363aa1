"""Where a model runs and in which number format, asked of the machine that runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from pipeline.errors import UsageError

Item = TypeVar("Item")
Result = TypeVar("Result")

FORMATS = ("auto", "bfloat16", "float32")


def check_format(dtype: str) -> None:
    """Raises UsageError for a number format that is not known."""
    if dtype not in FORMATS:
        raise UsageError(f"models.dtype = {dtype!r} is not known; choose one of: {', '.join(FORMATS)}")


def device() -> Any:
    """The torch device of this process: a CUDA device where it may use one, else the CPU."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def number_format(dtype: str) -> Any:
    """The torch dtype that ``models.dtype`` means here.

    auto is bfloat16 where the hardware multiplies it (tensor cores; AMX or AVX-512 BF16), where it is about
    twice as fast and turns vectors by a cosine of less than 0.001; elsewhere float32.
    """
    import torch

    check_format(dtype)
    if dtype != "auto":
        return getattr(torch, dtype)
    if device().type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        found = torch.cpu.get_capabilities()
        fast = any(found.get(name, False) for name in ("amx_bf16", "avx512_bf16"))
    return torch.bfloat16 if fast else torch.float32


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, the accelerator's or the machine's."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def in_batches(
    items: Sequence[Item], size: int, run: Callable[[Sequence[Item]], Result]
) -> Iterator[Result]:  # fmt: skip
    """``run`` over consecutive batches; where memory runs out, with half the size from there on.

    Raises what ``run`` raised when not even one item fits.
    """
    start = 0
    while start < len(items):
        try:
            result = run(items[start : start + size])
        except Exception as error:
            if size == 1 or not out_of_memory(error):
                raise
            size = max(1, min(size, len(items) - start) // 2)
            _free_memory()
            continue
        start += size
        yield result


def _free_memory() -> None:
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def quiet_loading() -> None:
    """Without the bar that transformers draws for each model it loads: the step and the search have their own."""
    from transformers.utils import logging

    logging.disable_progress_bar()
