"""What holds for the whole suite."""

from collections.abc import Iterator

import pytest

from pipeline.ending import leave


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """The session knows the exit code when all is over."""
    session.config._figlake_session = session  # type: ignore[attr-defined]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_unconfigure(config: pytest.Config) -> Iterator[None]:
    """End as figlake's own processes do: here every native library that it knows has been at work."""
    yield
    if (session := getattr(config, "_figlake_session", None)) is not None:
        leave(int(session.exitstatus))
