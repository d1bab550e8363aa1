"""What a source of deliveries is: it lists what it offers, and gives bytes from an offset on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from pipeline.errors import UsageError
from pipeline.fetch.transport import FetchError, TransientError
from pipeline.storage import Storage


@dataclass(frozen=True)
class Offer:
    """A file that can be fetched.

    ``version`` is what a change of the file changes; ``sha1`` hex; ``about_bytes`` as the source says it, perhaps
    rounded. ``where`` means something to the source only.
    """

    name: str
    version: str
    published: datetime
    delivery: str
    about_bytes: int | None = None
    sha1: str | None = None
    where: str = ""


@dataclass(frozen=True)
class Answer:
    """Bytes of a file from ``start`` on; ``total`` is the whole file's size, None where nobody says."""

    read: Callable[[int], bytes]
    start: int
    total: int | None


class Source(Protocol):
    """Where deliveries come from.

    ``dated``: what comes later is published later. A file that is moved into a folder brings its old time along.
    """

    dated: bool

    def offers(self) -> Sequence[Offer]:
        """Everything there is to fetch. Raises FetchError."""

    def open(self, offer: Offer, start: int) -> AbstractContextManager[Answer]:
        """The file from byte ``start`` on, or from byte 0 where the source cannot do better.

        Raises TransientError where another try may help, FetchError where none will.
        """


class StorageSource:
    """A folder or a bucket that somebody else fills."""

    dated = False

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    def offers(self) -> Sequence[Offer]:
        """Its files, those of sub-folders left out; hidden ones are still being written."""
        root = self.storage.path("").rstrip("/")
        found = []
        try:
            infos = list(self.storage.filesystem().get_file_info(_one_level(root)))
        except (FileNotFoundError, NotADirectoryError, ValueError) as error:
            raise UsageError(f"cannot list {self.storage.root}: {error}") from None
        except OSError as error:
            raise FetchError(f"cannot list {self.storage.root}: {error}") from None
        for info in infos:
            if not info.is_file or info.base_name.startswith((".", "_")):
                continue
            changed = _changed(info)
            offer = Offer(
                info.base_name, _version(info), changed, f"{changed:%Y-%m-%d}", info.size, None, info.base_name
            )
            found.append(offer)
        return found

    @contextmanager
    def open(self, offer: Offer, start: int) -> Iterator[Answer]:
        """Object stores answer ranged reads, and so do files. A file that is still being written is not whole."""
        try:
            with self.storage.open_input(offer.where) as stream:
                stream.seek(start)
                yield Answer(stream.read, start, offer.about_bytes)
            now = self.storage.filesystem().get_file_info(self.storage.path(offer.where))
            if now.is_file and not _is_as_offered(now, offer):
                raise FetchError(
                    f"{self.storage.uri(offer.where)} has changed while it was fetched; the next fetch takes it anew"
                )
        except FileNotFoundError:
            raise FetchError(f"{self.storage.uri(offer.where)} has gone") from None
        except OSError as error:
            raise TransientError(f"{self.storage.uri(offer.where)}: {error}") from None


def _changed(info: Any) -> datetime:
    return (info.mtime or datetime.fromtimestamp(0, UTC)).astimezone(UTC)


def _is_as_offered(info: Any, offer: Offer) -> bool:
    """Some stores tell a listed object's time to the millisecond, and asked for the object itself to the second."""
    return info.size == offer.about_bytes and int(_changed(info).timestamp()) == int(offer.published.timestamp())


def _version(info: Any) -> str:
    return f"{info.size}@{_changed(info).isoformat()}"


def _one_level(root: str) -> Any:
    import pyarrow.fs as pafs

    return pafs.FileSelector(root, recursive=False)
