"""What holds for the whole suite."""

from collections.abc import Iterator

import pytest

from pipeline.ending import leave


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_unconfigure(config: pytest.Config) -> Iterator[None]:
    """End as figlake's own processes do: here every native library that it knows has been at work."""
    yield
    if (code := getattr(config, "_figlake_exit_code", None)) is not None:
        leave(code)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """The exit code is settled here, and told where the process ends."""
    session.config._figlake_exit_code = int(exitstatus)  # type: ignore[attr-defined]
