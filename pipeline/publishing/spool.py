"""Arrays larger than memory: written to files piece by piece, then read or mapped once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Spool:
    """Numbers that are appended to one of several files of a folder, and taken out file by file.

    Memory holds what is appended and nothing else, and no file is kept open: there may be many.
    """

    def __init__(self, folder: Path, name: str, dtype: Any, parts: int = 1) -> None:
        self.dtype, self.parts = np.dtype(dtype), parts
        self._paths = [folder / f"{name}.{part}" for part in range(parts)]

    def append(self, values: NDArray[Any], part: int = 0) -> None:
        """Add values to a part's end."""
        if len(values):  # an empty file could not be mapped
            with self._paths[part].open("ab") as stream:
                stream.write(np.ascontiguousarray(values, self.dtype).data)  # tofile() says nothing of a full disk

    def read(self, part: int = 0) -> NDArray[Any]:
        """A part's values, (n,), in memory; the file goes."""
        if not self._paths[part].exists():
            return np.empty(0, self.dtype)
        values = np.fromfile(self._paths[part], self.dtype)
        self._paths[part].unlink()
        return values

    def mapped(self, part: int = 0) -> NDArray[Any]:
        """A part's values, (n,), read from disk when they are looked at; the file goes with the array."""
        if not self._paths[part].exists():
            return np.empty(0, self.dtype)
        values = np.asarray(np.memmap(self._paths[part], self.dtype, "r"))
        self._paths[part].unlink()
        return values
