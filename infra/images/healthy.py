"""Docker's health check: asks the addresses that FIGLAKE_HEALTH names, ``http://…`` or ``tcp://host:port``.

A container that serves nothing names none, and is healthy while it lives.
"""

import os
import socket
import sys
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

TIMEOUT_S = 5


def trouble(address: str) -> str:
    """Why the address does not answer well; empty when it does."""
    split = urlsplit(address)
    try:
        if split.scheme == "tcp":
            socket.create_connection((str(split.hostname), int(split.port or 0)), TIMEOUT_S).close()
        elif split.scheme == "http":
            urlopen(address, timeout=TIMEOUT_S).close()  # noqa: S310 - the scheme was looked at
        else:
            return f"{address} is neither http:// nor tcp://"
    except (URLError, OSError, ValueError) as error:
        return f"{address}: {error}"
    return ""


if __name__ == "__main__":
    found = [trouble(address) for address in os.environ.get("FIGLAKE_HEALTH", "").split()]
    sys.exit("; ".join(filter(None, found)) or 0)
