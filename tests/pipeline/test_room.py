from __future__ import annotations

import subprocess
import time

import pytest

from pipeline import room
from pipeline.errors import FiglakeError


def test_too_little_room_for_an_engine_is_said_with_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    room.check()
    monkeypatch.setattr(room, "free_bytes", lambda: 3 << 20)
    with pytest.raises(FiglakeError, match=r"the temporary folder /\S+ has 3\.0 MB left, .* TMPDIR, and run again"):
        room.check()


def test_what_stands_still_in_a_full_folder_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "free_bytes", lambda: 1000)
    process = subprocess.Popen(["sleep", "60"])
    with room.watched(process.kill, after_s=0.2, every_s=0.02) as watch:
        process.wait(timeout=20)
    assert "and nothing goes on" in str(watch.error)


@pytest.mark.parametrize("free", [1000, 1 << 30])
def test_what_goes_on_or_has_room_is_left_alone(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(room, "free_bytes", lambda: free)
    ended = []
    with room.watched(lambda: ended.append(True), after_s=0.3, every_s=0.02) as watch:
        for _ in range(30):
            time.sleep(0.02)
            if free == 1000:
                watch.moved()
    assert not ended and watch.error is None
