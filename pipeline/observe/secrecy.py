"""What nobody may read in a message: the values of secrets, and credentials in addresses."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

_SECRET_NAME = re.compile(r"SECRET|PASSW(OR)?D|TOKEN|CREDENTIAL|API_?KEY|_KEY\b|KEY_ID|__AUTH\b", re.IGNORECASE)
#: What stands before the host in ``scheme://user:password@host`` or ``scheme://token@host``.
_IN_URL = re.compile(r"(?<=://)[^/\s@]+(?=@)")
#: Values in a query string that let whoever has them in, such as those of addresses signed for S3.
_IN_QUERY = re.compile(
    r"([?&](?:[\w-]*(?:signature|credential|token|secret|password|passwd|api_?key))=)[^&\s\"']+", re.IGNORECASE
)
_HIDDEN = "***"
#: Values shorter than this are words, not secrets; to hide them would hide the message.
_SHORTEST_SECRET = 6


def secrets(storage: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Values that no message may hold, the longest first: of secret names among storage options and variables."""
    named = [*storage.items(), *environment.items()]
    found = {value for name, value in named if _SECRET_NAME.search(name) and len(value) >= _SHORTEST_SECRET}
    return tuple(sorted(found, key=len, reverse=True))


def hide(text: str, storage: Mapping[str, str]) -> str:
    """The text with ``***`` in place of secrets."""
    return _hide(text, secrets(storage))


def hide_all(value: Any, storage: Mapping[str, str]) -> Any:
    """The same for every text in mappings and lists; what is None is left out of mappings."""
    return _hide_all(value, secrets(storage))


def _hide(text: str, hidden: tuple[str, ...]) -> str:
    for secret in hidden:
        text = text.replace(secret, _HIDDEN)
    return _IN_QUERY.sub(rf"\1{_HIDDEN}", _IN_URL.sub(_HIDDEN, text))


def _hide_all(value: Any, hidden: tuple[str, ...]) -> Any:
    if isinstance(value, Mapping):
        return {key: _hide_all(item, hidden) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_hide_all(item, hidden) for item in value]
    return _hide(value, hidden) if isinstance(value, str) else value
