"""From what a source offers to files in the folder of archives: what is new, one after the other, and a record of it.

The record ``.fetched.json`` beside the files says what came when. A file that was ingested and deleted is not fetched
again; one that failed is tried again at the next call, one whose checksum was wrong after half a day: it may be large.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.fetch.download import WrongChecksumError, download
from pipeline.fetch.sources import Offer, Source
from pipeline.fetch.transport import FetchError, Transport

RECORD, LOCK = ".fetched.json", ".fetch.lock"
ARCHIVES = ("*.zip", "*.ZIP", "*.tar", "*.TAR", "*.tgz", "*.tar.gz")
#: Disk that stays free beside a download.
_ROOM_BYTES = 1 << 30
#: How long a file whose checksum was wrong is left alone, so that a night tries once, however often its task does.
_REST = timedelta(hours=12)


@dataclass(frozen=True)
class Entry:
    """A file that came: ``sha1`` of its content, hex; times in ISO 8601, UTC."""

    version: str
    sha1: str
    bytes: int
    published: str
    fetched_at: str


@dataclass(frozen=True)
class Refusal:
    """A file whose checksum was wrong, and when; ISO 8601, UTC."""

    version: str
    at: str


@dataclass
class Record:
    """What a folder has received, and the time of publication from which on everything is wanted.

    ``passed``: names of what was older; of a source that is not ``dated`` everything else is wanted. ``refused``: what
    came and was not what the source said.
    """

    since: str | None = None
    files: dict[str, Entry] = field(default_factory=dict)
    passed: list[str] | None = None
    refused: dict[str, Refusal] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Record:
        """The folder's record; empty where there is none. Raises UsageError when it is damaged."""
        try:
            return cls.parse((folder / RECORD).read_bytes(), str(folder / RECORD))
        except FileNotFoundError:
            return cls()

    @classmethod
    def parse(cls, data: bytes, where: str) -> Record:
        """The record that was written so. Raises UsageError when it is damaged."""
        try:
            tree = json.loads(data)
            files = {name: Entry(**entry) for name, entry in tree["files"].items()}
            refused = {name: Refusal(**entry) for name, entry in tree.get("refused", {}).items()}
            return cls(tree["since"], files, tree.get("passed"), refused)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UsageError(f"{where} is damaged ({error!r}); remove it, and every file is fetched anew") from None

    def to_json(self) -> bytes:
        files = {name: asdict(entry) for name, entry in sorted(self.files.items())}
        refused = {name: asdict(entry) for name, entry in sorted(self.refused.items())}
        tree = {"since": self.since, "files": files, "passed": self.passed, "refused": refused}
        return json.dumps(tree, indent=1).encode()

    def write(self, folder: Path) -> None:
        temporary = folder / f"{RECORD}.{os.getpid()}.tmp"
        temporary.write_bytes(self.to_json())
        temporary.replace(folder / RECORD)

    def with_(self, other: Record) -> Record:
        """Both records in one; of a file that both have, what ``other`` says."""
        begins = [record.since for record in (self, other) if record.since is not None]
        since = min(begins, key=datetime.fromisoformat, default=None)
        passed = self.passed if other.passed is None else other.passed
        files = {**self.files, **other.files}
        refused = {**self.refused, **other.refused}
        come = {name for name, entry in refused.items() if name in files and files[name].fetched_at >= entry.at}
        return Record(since, files, passed, {name: refused[name] for name in refused.keys() - come})

    def has(self, offer: Offer) -> bool:
        entry = self.files.get(offer.name)
        return entry is not None and entry.version == offer.version

    def rests_until(self, offer: Offer) -> datetime | None:
        """Until when a file whose checksum was wrong is left alone; None: it may be fetched."""
        refusal = self.refused.get(offer.name)
        if refusal is None or refusal.version != offer.version:
            return None
        until = datetime.fromisoformat(refusal.at) + _REST
        return until if datetime.now(UTC) < until else None


@dataclass(frozen=True)
class Fetched:
    """What one call did: paths of the files that came, and what did not come and why."""

    files: tuple[Path, ...]
    failures: tuple[tuple[str, str], ...]
    known: int


#: Called with the offer, the bytes that are there, and how many there will be (None: nobody says).
Progress = Callable[[Offer, int, int | None], None]
Keep = Callable[[Path, Record], None]


def wanted(
    offers: Sequence[Offer], record: Record, since: datetime | None, match: Sequence[str] = ARCHIVES
) -> list[Offer]:  # fmt: skip
    """The offers that are new, oldest first. The first call without ``since`` wants the newest delivery only.

    Raises UsageError for an offer whose name would leave the folder.
    """
    chosen = [offer for offer in offers if any(fnmatchcase(offer.name, pattern) for pattern in match)]
    for offer in chosen:
        if Path(offer.name).name != offer.name or offer.name.startswith("."):
            raise UsageError(f"the source offers {offer.name!r}, which is no plain file name")
    passed = None
    if since is None and record.since is not None:
        since, passed = datetime.fromisoformat(record.since), record.passed
    if since is None and chosen:
        newest = max(chosen, key=lambda offer: offer.published).delivery
        since = min(offer.published for offer in chosen if offer.delivery == newest)

    def is_wanted(offer: Offer) -> bool:
        late = passed is not None and offer.name not in passed
        return since is None or offer.published >= since or late

    new = [offer for offer in chosen if is_wanted(offer) and not record.has(offer)]
    return sorted(new, key=lambda offer: (offer.published, offer.name))


def parted(
    new: Sequence[Offer], record: Record, at_most: int | None, again: bool
) -> tuple[dict[str, datetime], list[Offer]]:  # fmt: skip
    """Until when those rest whose checksum was wrong (``again``: none does), and which of the others are fetched."""
    resting = {offer.name: until for offer in new if not again and (until := record.rests_until(offer))}
    return resting, [offer for offer in new if offer.name not in resting][:at_most]


def fetch(
    source: Source, folder: Path, transport: Transport, *,
    since: datetime | None = None, match: Sequence[str] = ARCHIVES, at_most: int | None = None, again: bool = False,
    progress: Progress = lambda offer, done, total: None, keep: Keep = lambda path, record: None,
    refuse: Callable[[Record], None] = lambda record: None,
) -> Fetched:  # fmt: skip
    """Bring what is new into ``folder``. One file that fails does not stop the others.

    ``since`` is remembered for the calls to come, which go on from there; not with ``match`` or ``at_most``: who asks
    for some files of the past does not want all of them the next night.

    A file whose checksum was wrong rests for half a day, but is told of; ``again`` fetches it all the same.

    ``keep`` is called with each file that came, before the record that names it is written; ``refuse`` with the record
    of a file whose checksum was wrong.

    Raises FetchError when another fetch works on the folder, the folder cannot be written or the source cannot be
    listed; UsageError for a source that is not there.
    """
    with _alone(folder):
        record = Record.read(folder)
        offers = source.offers()
        new = wanted(offers, record, since, match)
        begin = since
        if since is None and record.since is None:
            begin = min((offer.published for offer in new), default=None)
        some = since is not None and (at_most is not None or tuple(match) != ARCHIVES)
        if begin is not None and not some and (record.since is None or begin < datetime.fromisoformat(record.since)):
            record.since = begin.isoformat()
            if not source.dated:
                record.passed = sorted({offer.name for offer in offers} - {offer.name for offer in new})
            record.write(folder)  # what is wanted from now on is wanted although nothing may come today
        files, failures = [], []
        resting, taken = parted(new, record, at_most, again)
        for name, until in resting.items():
            why = f"its SHA-1 was wrong, and it rests until {until:%Y-%m-%d %H:%M} UTC; --again fetches it now"
            failures.append((name, why))
        for offer in taken:
            try:
                _require_room(folder, offer)
                path, sha1 = download(source, offer, folder, transport, lambda n, t, o=offer: progress(o, n, t))  # type: ignore[misc]
                entry = Entry(offer.version, sha1, path.stat().st_size, offer.published.isoformat(), _now())
                keep(path, replace(record, files={**record.files, offer.name: entry}))
            except FetchError as error:
                failures.append((offer.name, str(error)))
                if isinstance(error, WrongChecksumError):
                    record.refused[offer.name] = Refusal(offer.version, _now())
                    record.write(folder)
                    refuse(record)
                continue
            record.files[offer.name] = entry
            record.refused.pop(offer.name, None)
            record.write(folder)
            files.append(path)
        return Fetched(tuple(files), tuple(failures), sum(record.has(offer) for offer in offers))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _require_room(folder: Path, offer: Offer) -> None:
    free = shutil.disk_usage(folder).free
    there = folder / f".{offer.name}.part"
    missing = (offer.about_bytes or 0) - (there.stat().st_size if there.is_file() else 0)
    if missing + _ROOM_BYTES > free:
        raise FetchError(
            f"{offer.name} needs {missing / 1e9:.1f} GB and 1.1 GB to spare, {folder} has {free / 1e9:.1f} GB free"
        )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One fetch a folder; a killed one's lock ends with its process."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("w")
    except OSError as error:
        raise FetchError(f"cannot write to {folder}: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FetchError(f"another fetch is at work in {folder}; wait until it has ended") from None
        yield
