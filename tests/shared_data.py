"""Where the real archives lie, for the tests that can use them."""

from __future__ import annotations

from pathlib import Path

import pytest

_FOLDER = Path(__file__).resolve().parent.parent.parent / "shared" / "data"

#: The folder of real archives, or None where this checkout has none beside it.
SHARED: Path | None = _FOLDER if _FOLDER.is_dir() else None

needs_shared = pytest.mark.skipif(SHARED is None, reason="real archives are not here (../shared/data is absent)")
