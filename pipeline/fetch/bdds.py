"""The EPO's bulk data distribution service: products, deliveries, files.

A product's deliveries name their files with a size in words and a SHA-1. Free products need no account; for the
others a bearer token is had for the user's own name and password (OAuth 2 password grant, RFC 6749 section 4.3) and
lasts about an hour, which a large download outlives.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pipeline.errors import UsageError
from pipeline.fetch.sources import Answer, Offer
from pipeline.fetch.transport import FetchError, TransientError, Transport, UnauthorisedError

USER, PASSWORD = "FIGLAKE_BDDS_USER", "FIGLAKE_BDDS_PASSWORD"
_SIZE = re.compile(r"([\d.,]+)\s*([kMGT]?)B", re.IGNORECASE)
_UNITS = {"": 1, "K": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4}
#: A token is renewed so many seconds before it ends.
_EARLY_S = 60.0


class Login:
    """Name and password from the environment, and the token they give; none where they are not set."""

    def __init__(self, transport: Transport, environment: Mapping[str, str] | None = None) -> None:
        environment = os.environ if environment is None else environment
        self._transport = transport
        self._user, self._password = environment.get(USER, ""), environment.get(PASSWORD, "")
        self._token, self._until = "", 0.0
        #: Whether the present token has been good for something.
        self.proven = False

    @property
    def known(self) -> bool:
        return bool(self._user and self._password)

    def forget(self) -> None:
        """The server refused the token."""
        self._until, self.proven = 0.0, False

    def headers(self) -> dict[str, str]:
        """The Authorization header, renewed when it is about to end. Raises FetchError when the login is refused."""
        if not self.known:
            return {}
        if time.monotonic() >= self._until:
            self._renew()
        return {"Authorization": f"Bearer {self._token}"}

    def _renew(self) -> None:
        settings = self._transport.settings
        form = {"grant_type": "password", "scope": "openid", "username": self._user, "password": self._password}
        client = {"Authorization": f"Basic {settings.bdds_client}"}

        def ask() -> Any:
            return self._transport.json(settings.bdds_token_url, client, form)

        try:
            answer = self._transport.persist(ask, "login to the EPO")
            self._token, self.proven = str(answer["access_token"]), False
            self._until = time.monotonic() + float(answer.get("expires_in", 3600)) - _EARLY_S
        except (UnauthorisedError, FetchError, KeyError, TypeError, ValueError) as error:
            if isinstance(error, FetchError) and "given up" in str(error):
                raise
            raise FetchError(f"the EPO refused the login of {USER}; check {USER} and {PASSWORD}") from None

    def __repr__(self) -> str:
        return f"Login({'known' if self.known else 'none'})"


class Bdds:
    """One product of the service as a source of deliveries."""

    dated = True

    def __init__(self, product: int, transport: Transport, login: Login | None = None) -> None:
        self.product, self._transport = product, transport
        self._login = login or Login(transport)
        self._url = f"{transport.settings.bdds_url.rstrip('/')}/products"

    def offers(self) -> Sequence[Offer]:
        """Every file of every delivery that has not expired."""
        answer = self._transport.persist(self._product, f"list of product {self.product}")
        found = []
        try:
            for delivery in answer["Deliveries"]:
                expiry = delivery.get("DeliveryExpiryDatetime")
                if expiry is None or _time(expiry) > datetime.now(UTC):
                    found += [self._offer(delivery, file) for file in delivery["Files"]]
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise FetchError(f"product {self.product}: the service's list is not understood ({error!r})") from None
        return found

    @contextmanager
    def open(self, offer: Offer, start: int) -> Iterator[Answer]:
        """A ranged request; a server that ignores the range answers from byte 0."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        try:
            with self._transport.open(offer.where, {**headers, **self._login.headers()}) as answer:
                self._login.proven = True
                yield _answer(answer, start)
        except UnauthorisedError as error:
            raise self._refused(error) from None

    def _product(self) -> Any:
        try:
            answer = self._transport.json(f"{self._url}/{self.product}", self._login.headers())
            self._login.proven = True
            return answer
        except UnauthorisedError as error:
            raise self._refused(error) from None

    def _refused(self, error: UnauthorisedError) -> Exception:
        """A token that was good may have ended on the way: worth another try, with a new one."""
        if self._login.proven and self._login.known:
            self._login.forget()
            return TransientError(str(error), wait_s=0.0)
        if self._login.known:
            return FetchError(f"{error}: the account of {USER} may not have product {self.product}")
        return FetchError(f"{error}: product {self.product} wants an account; set {USER} and {PASSWORD}")

    def _offer(self, delivery: Mapping[str, Any], file: Mapping[str, Any]) -> Offer:
        url = f"{self._url}/{self.product}/delivery/{delivery['DeliveryID']}/file/{file['FileID']}/download"
        sha1 = str(file.get("FileChecksum") or "") or None
        published = _time(file["FilePublicationDatetime"])
        version = sha1 or f"{file['FileID']}@{published.isoformat()}"
        name = str(delivery["DeliveryName"])
        return Offer(str(file["FileName"]), version, published, name, parse_size(file.get("FileSize")), sha1, url)


def _answer(answer: Any, start: int) -> Answer:
    """What the server gives. ``read1`` hands on what came before a connection broke; ``read`` would lose it."""
    length = answer.headers.get("Content-Length")
    if answer.status == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
        if match is None:
            raise TransientError("a part of a file came without saying which")
        return Answer(answer.read1, int(match[1]), int(match[2]) if match[2] != "*" else None)
    if answer.status == 416:  # nothing beyond ``start``: it was all, or another file is there now
        match = re.fullmatch(r"bytes \*/(\d+)", answer.headers.get("Content-Range", ""))
        whole = int(match[1]) if match else None
        return Answer(lambda size: b"", start, start if whole is None else whole)
    return Answer(answer.read1, 0, int(length) if length and length.isdigit() else None)


def parse_size(text: str | None) -> int | None:
    """Bytes of '216.6 MB'; None where the text is no size."""
    match = _SIZE.fullmatch((text or "").strip())
    if match is None:
        return None
    try:
        return round(float(match[1].replace(",", "")) * _UNITS[match[2].upper()])
    except ValueError:
        return None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def product_number(text: str) -> int:
    """A product given on the command line. Raises UsageError."""
    if not text.isdigit():
        raise UsageError(f"--product {text}: a product is a number, such as 32 for EP full text")
    return int(text)
