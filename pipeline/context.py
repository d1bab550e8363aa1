"""What a step is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.config import Settings

if TYPE_CHECKING:
    from pipeline.lake import Lake


@dataclass(frozen=True)
class StepContext:
    """Everything a step may touch.

    ``archive`` is the archive's name (``_lake`` for a lake-wide step) and ``source`` the URI of its
    file or folder (extract only). ``progress(done, total)`` feeds the bar. ``only`` restricts the work
    to these items (replay); empty means all.
    """

    lake: Lake
    settings: Settings
    archive: str
    source: str | None
    generation: int
    progress: Callable[[int, int | None], None]
    engine: Any = None
    only: frozenset[str] = frozenset()
