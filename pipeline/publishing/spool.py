"""Arrays larger than memory: written to files piece by piece, read through mappings."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray


class Spool:
    """Numbers that are appended to one of several files and read back file by file.

    Memory holds what is appended and nothing else. Files are made in ``folder`` and stay there.
    """

    def __init__(self, folder: Path, name: str, dtype: Any, parts: int = 1) -> None:
        self._dtype = np.dtype(dtype)
        self._paths = [folder / f"{name}.{part}" for part in range(parts)]
        self._streams: list[IO[bytes]] = [path.open("xb") for path in self._paths]

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for stream in self._streams:
            stream.close()

    def append(self, values: NDArray[Any], part: int = 0) -> None:
        """Add values to a part's end."""
        self._streams[part].write(np.ascontiguousarray(values, self._dtype).data)

    def read(self, part: int = 0) -> NDArray[Any]:
        """A part's values, (n,), as a copy in memory."""
        self._streams[part].flush()
        return np.fromfile(self._paths[part], self._dtype)

    def mapped(self, part: int = 0) -> NDArray[Any]:
        """A part's values, (n,), in a file that is mapped: read only when looked at."""
        self._streams[part].flush()
        if not self._paths[part].stat().st_size:  # nothing cannot be mapped
            return np.empty(0, self._dtype)
        return np.asarray(np.memmap(self._paths[part], self._dtype, "r"))
