"""Memory stays bounded whatever an archive holds; measured in a process of its own."""

from __future__ import annotations

import io
import json
import random
import struct
import subprocess
import sys
import tarfile
import zlib
from pathlib import Path

import pytest

from pipeline.archives.spans import Span
from pipeline.archives.tars import BLOCK, list_tar
from pipeline.archives.zips import list_zip
from tests.archives.build import XML, package, tar_bytes, zip_bytes

MB = 1 << 20

READ_ALL = """
import json, sys
from pathlib import Path
from pipeline.archives import Package, discover, list_archive, open_packages
from pipeline.config import ExtractSettings, LimitSettings
from pipeline.errors import RejectedItemError

def peak_mb():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024

(source,) = discover([sys.argv[1]])
limits = LimitSettings(**json.loads(sys.argv[2]))
before = peak_mb()
listing = list_archive(source, limits, ExtractSettings())
packages, reasons = [], [reject.reason.value for reject in listing.rejects]
for shard in listing.shards:
    for item in open_packages(shard, limits):
        if not isinstance(item, Package):
            reasons.append(item.reason.value)
            continue
        packages.append(item.path)
        for name in item.names():
            try:
                item.read(name)
            except RejectedItemError as error:
                reasons.append(error.reason.value)
print(json.dumps([packages, reasons, peak_mb() - before]))
"""


def read_all(archive: Path, **limits: int) -> tuple[list[str], list[str], float]:
    """Packages, reasons of rejects, and by how many MB the process grew."""
    command = [sys.executable, "-c", READ_ALL, str(archive), json.dumps(limits)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    packages, reasons, grown_mb = json.loads(done.stdout)
    return packages, reasons, grown_mb


def header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


def bomb(piece: bytes, repeats: int, declared: int | None = None) -> bytes:
    """A zip of one document whose image inflates to ``piece`` many times over, built without inflating it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    data = block * repeats + zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    size = len(piece) * repeats if declared is None else declared
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 0, 0, len(data), size, 5, 0) + b"b.tif"
    good = zip_bytes({"EP1.xml": XML})
    start = good.index(b"PK\1\2")
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 8, 0, 0, 0, len(data), size, 5, 0, 0, 0, 0, 0, start)
    directory = good[start : good.index(b"PK\5\6")] + entry + b"b.tif"
    members = good[:start] + local + data
    return members + directory + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, len(directory), len(members), 0)


PATTERN = random.Random(7).randbytes(4096) * 256


@pytest.mark.parametrize(
    ("piece", "repeats", "declared", "reason"),
    [
        (bytes(MB), 1024, None, "too_large"),
        (PATTERN, 1024, None, "too_large"),
        (bytes(MB), 1024, 5_000, "member_unreadable"),
        (PATTERN, 200, 100 * MB, "member_unreadable"),
    ],
    ids=["honest", "lower ratio", "lies low", "lies within the limits"],
)
def test_a_member_that_inflates_to_a_gigabyte_costs_no_memory(
    tmp_path: Path, piece: bytes, repeats: int, declared: int | None, reason: str
) -> None:
    week = tmp_path / "week.zip"
    week.write_bytes(zip_bytes({"EP1.zip": bomb(piece, repeats, declared), "EP2.zip": package("EP2")}, 0))
    packages, reasons, grown_mb = read_all(week)
    assert packages == ["EP1.zip", "EP2.zip"]
    assert reasons == [reason]
    # What may be inflated before the lie shows is at most what is declared, beside the package itself.
    assert grown_mb < (150 if declared == 100 * MB else 30)


def test_an_archive_of_many_gigabytes_is_never_loaded(tmp_path: Path) -> None:
    """A sparse tar of 24 GB: good packages around a member of nothing but zeros, and a loose document beside one."""
    week = tmp_path / "week.tar"
    good, hole = package("EP1"), 8 << 30
    with week.open("wb") as stream:
        for name in ("DOC/a.zip", "EP9/EP9.pdf", "DOC/huge.zip"):
            stream.write(tar_bytes({f"{name}.zip": good})[: BLOCK + -(-len(good) // BLOCK) * BLOCK])
            stream.write(header(name, hole))
            stream.seek(hole, 1)
        stream.write(tar_bytes({"EP9/EP9.xml": XML}))
    assert week.stat().st_size > 24 << 30
    packages, reasons, grown_mb = read_all(week)
    assert packages == ["DOC/a.zip.zip", "EP9/EP9.pdf.zip", "EP9", "DOC/huge.zip.zip"]
    assert reasons == ["package_unreadable", "package_unreadable", "too_large"]
    assert grown_mb < 30


def test_a_large_compressed_batch_is_inflated_to_disk(tmp_path: Path) -> None:
    files = {f"EST/ES{number}/ES{number}.xml": XML for number in range(100)}
    batch = zip_bytes({**files, "EST/big.pdf": bytes(300 * MB)}, method=0)
    week = tmp_path / "week.zip"
    week.write_bytes(zip_bytes({"DOC/batch.zip": batch}))
    packages, reasons, grown_mb = read_all(week, ratio=10_000)
    assert len(packages) == 100
    assert reasons == []
    assert grown_mb < 40


def test_an_archive_of_a_hundred_thousand_members_is_listed_in_bounded_memory(tmp_path: Path) -> None:
    folder = tmp_path / "week.zip"
    folder.write_bytes(zip_bytes({f"DOC/{number:06}.zip": b"" for number in range(100_000)}, method=0))
    _, reasons, grown_mb = read_all(folder)
    assert reasons == ["package_without_document"] * 100_000
    assert grown_mb < 200


class Recorded(Span):
    """A span that notes what was read of it."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data), 0, len(data))
        self.reads: list[tuple[int, int]] = []

    def read_at(self, offset: int, size: int) -> bytes:
        piece = super().read_at(offset, size)
        self.reads.append((offset, len(piece)))
        return piece


def test_listing_reads_only_the_directory() -> None:
    files = {f"DOC/{number}.zip": bytes(200_000) for number in range(10)}
    zipped = Recorded(zip_bytes(files, method=0))
    assert len(list_zip(zipped, 100, 0)[0]) == 10
    directory = zipped.size - 10 * (30 + len("DOC/0.zip") + 200_000)
    assert [size for _, size in zipped.reads] == [22 + 0xFFFF, 20, directory - 22]

    tarred = Recorded(tar_bytes(files))
    assert len(list_tar(tarred, 100)[0]) == 10
    assert [size for _, size in tarred.reads] == [BLOCK] * 11
