"""Downloads from a service that drops, lies, refuses and stalls."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.config import FetchSettings
from pipeline.errors import UsageError
from pipeline.fetch import fetch
from pipeline.fetch.bdds import PASSWORD as PASSWORD_VARIABLE
from pipeline.fetch.bdds import USER as USER_VARIABLE
from pipeline.fetch.bdds import Bdds, Login, parse_size
from pipeline.fetch.bucket import fetch_into, read_record
from pipeline.fetch.transport import FetchError, Transport, retry_after, safe
from pipeline.fetch.work import RECORD, Record
from pipeline.storage import Storage
from tests.fetch.server import PASSWORD, USER, Behaviour, serving
from tests.object_store import object_store
from tests.shared_data import SHARED, needs_shared

ROOT = Path(__file__).resolve().parents[2]
DATA = random.Random(5).randbytes(400_000)
ACCOUNT = {USER_VARIABLE: USER, PASSWORD_VARIABLE: PASSWORD}
EVERYTHING = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def service() -> Iterator[tuple[Behaviour, FetchSettings]]:
    behaviour = Behaviour(files={1: ("EPRTBJV2026000001001001.zip", DATA)})
    with serving(behaviour) as url:
        yield (
            behaviour,
            FetchSettings(
                attempts=4, backoff_s=0.01, longest_wait_s=0.05, timeout_s=1.0, bdds_url=f"{url}/api",
                bdds_token_url=f"{url}/token",
            ),
        )  # fmt: skip


def source(settings: FetchSettings, environment: dict[str, str] | None = None) -> tuple[Bdds, Transport]:
    transport = Transport(settings)
    return Bdds(32, transport, Login(transport, environment or {})), transport


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".fetch")}


@pytest.mark.parametrize(
    "faults",
    [[], ["drop"], ["drop"] * 5, [503, 429, 500, "drop"], ["hang"], ["wrong"], ["drop", "wrong"], [408, "drop", 502]],
)
def test_a_file_arrives_whole_whatever_happens_on_the_way(
    service: tuple[Behaviour, FetchSettings], tmp_path: Path, faults: list[object]
) -> None:
    behaviour, settings = service
    behaviour.faults = list(faults)
    bdds, transport = source(settings)
    done = fetch(bdds, tmp_path, transport)
    assert done.failures == ()
    assert done.files[0].read_bytes() == DATA
    assert names(tmp_path) == {"EPRTBJV2026000001001001.zip"}
    assert not behaviour.faults


def test_a_dropped_connection_is_resumed_where_it_broke_off(
    service: tuple[Behaviour, FetchSettings], tmp_path: Path
) -> None:
    behaviour, settings = service
    behaviour.faults = ["drop"]
    bdds, transport = source(settings)
    fetch(bdds, tmp_path, transport)
    asked = [part for path, part in behaviour.requests if path.endswith("download")]
    assert asked[0] is None
    assert asked[1] is not None and 0 < int(asked[1].removeprefix("bytes=").rstrip("-")) < len(DATA)


def test_a_server_that_ignores_ranges_is_read_from_the_start(
    service: tuple[Behaviour, FetchSettings], tmp_path: Path
) -> None:
    behaviour, settings = service
    behaviour.ranges, behaviour.faults = False, ["drop", "drop"]
    bdds, transport = source(settings)
    assert fetch(bdds, tmp_path, transport).files[0].read_bytes() == DATA


def test_a_server_that_starts_anew_each_time_and_always_breaks_off_is_given_up(
    service: tuple[Behaviour, FetchSettings], tmp_path: Path
) -> None:
    behaviour, settings = service
    behaviour.ranges, behaviour.faults = False, ["drop"] * 40
    bdds, transport = source(settings)
    done = fetch(bdds, tmp_path, transport)
    assert "given up after 4 attempts" in done.failures[0][1]
    assert len(behaviour.faults) >= 30


def test_a_connection_that_trickles_is_dropped_and_tried_again(
    service: tuple[Behaviour, FetchSettings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    behaviour, settings = service
    monkeypatch.setattr("pipeline.fetch.download._WINDOW_S", 0.3)
    behaviour.faults = ["slow"]
    bdds, transport = source(settings)
    began = time.monotonic()
    assert fetch(bdds, tmp_path, transport).files[0].read_bytes() == DATA
    assert time.monotonic() - began < 60  # all of it at that speed takes two minutes


def test_a_list_that_trickles_is_given_up(service: tuple[Behaviour, FetchSettings], tmp_path: Path) -> None:
    behaviour, settings = service
    behaviour.endless_list = True
    bdds, transport = source(replace(settings, timeout_s=0.1, attempts=2))
    began = time.monotonic()
    with pytest.raises(FetchError, match=r"given up after 2 attempts.*does not come to an end"):
        fetch(bdds, tmp_path, transport)
    assert time.monotonic() - began < 10  # all of it takes twenty seconds, each time


def test_a_wrong_checksum_leaves_nothing_behind_and_does_not_stop_the_others(
    service: tuple[Behaviour, FetchSettings], tmp_path: Path
) -> None:
    behaviour, settings = service
    behaviour.files[2] = ("EPRTBJV2026000002001001.zip", DATA[::-1])
    behaviour.sha1[1] = "0" * 40
    bdds, transport = source(settings)
    done = fetch(bdds, tmp_path, transport, since=EVERYTHING)
    assert [path.name for path in done.files] == ["EPRTBJV2026000002001001.zip"]
    assert [name for name, _ in done.failures] == ["EPRTBJV2026000001001001.zip"]
    assert hashlib.sha1(DATA).hexdigest().upper() in done.failures[0][1]
    assert names(tmp_path) == {"EPRTBJV2026000002001001.zip"}
    behaviour.sha1.clear()  # mended at the source: the next call brings what failed
    assert [path.read_bytes() for path in fetch(bdds, tmp_path, transport).files] == [DATA]


def downloads(behaviour: Behaviour) -> int:
    found = sum(path.endswith("download") for path, _ in behaviour.requests)
    behaviour.requests.clear()
    return found


def test_a_file_with_a_wrong_checksum_rests_and_is_told_of_each_time(
    service: tuple[Behaviour, FetchSettings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    behaviour, settings = service
    behaviour.files[2] = ("EPRTBJV2026000002001001.zip", DATA[::-1])
    behaviour.sha1[1] = "0" * 40
    bdds, transport = source(settings)
    assert not fetch(bdds, tmp_path, transport, since=EVERYTHING, at_most=1).files
    assert downloads(behaviour) == 2
    # Its place is another's, and a task's next try does not fetch it again.
    done = fetch(bdds, tmp_path, transport, since=EVERYTHING, at_most=1)
    assert [path.name for path in done.files] == ["EPRTBJV2026000002001001.zip"]
    ((name, why),) = done.failures
    assert name == "EPRTBJV2026000001001001.zip" and "--again" in why
    assert downloads(behaviour) == 1
    behaviour.files[3] = ("EPRTBJV2026000003001001.zip", DATA[:99])
    for more, rests in ((), [True, False]), (("--again",), [False]):
        some = ("--since", "2026-01-01", "--max", "1", "--list", "--json", *more)
        listed = json.loads(
            figlake(settings, "--product", "32", "--to", str(tmp_path), *some).communicate(timeout=60)[0]
        )
        assert [bool(offer["rests_until"]) for offer in listed] == rests
        assert listed[0]["name"] == name
    del behaviour.files[3]
    process = figlake(settings, "--product", "32", "--to", str(tmp_path), "--since", "2026-01-01")
    assert ("rests until" in process.communicate(timeout=60)[1], process.returncode) == (True, 1)
    assert downloads(behaviour) == 0
    assert fetch(bdds, tmp_path, transport, since=EVERYTHING, again=True).failures and downloads(behaviour) == 2
    monkeypatch.setattr("pipeline.fetch.work._REST", timedelta(0))
    assert fetch(bdds, tmp_path, transport, since=EVERYTHING).failures and downloads(behaviour) == 2


def test_a_bucket_remembers_what_rests(
    service: tuple[Behaviour, FetchSettings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines = iter(range(9))

    def elsewhere() -> None:
        """Each fetch is another machine's, with temporary files of its own."""
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / str(next(machines))))
        Path(tempfile.gettempdir()).mkdir()

    behaviour, settings = service
    behaviour.files[2] = ("EPRTBJV2026000002001001.zip", DATA[::-1])
    behaviour.sha1[1] = "0" * 40
    bdds, transport = source(settings)
    with object_store() as options:
        bucket = Storage.at("s3://figlake/deliveries", options)
        found = []
        for _ in range(2):
            elsewhere()
            found.append(fetch_into(bdds, bucket, transport, since=EVERYTHING, at_most=1))
        assert [[path.name for path in done.files] for done in found] == [[], ["EPRTBJV2026000002001001.zip"]]
        assert list(read_record(bucket).refused) == ["EPRTBJV2026000001001001.zip"]
        behaviour.sha1[1], behaviour.files[3] = "1" * 40, ("EPRTBJV2026000003001001.zip", DATA)
        monkeypatch.setattr("pipeline.fetch.bucket._upload", lambda path, place: os.kill(os.getpid(), signal.SIGINT))
        elsewhere()
        with pytest.raises(KeyboardInterrupt):  # broken off after the refusal
            fetch_into(bdds, bucket, transport, since=EVERYTHING)
        monkeypatch.undo()
        assert read_record(bucket).refused["EPRTBJV2026000001001001.zip"].version == "1" * 40
        behaviour.sha1.clear()
        elsewhere()
        assert len(fetch_into(bdds, bucket, transport, since=EVERYTHING).files) == 2
        assert not read_record(bucket).refused


def test_a_server_that_stays_down_is_given_up_and_what_came_is_kept(
    service: tuple[Behaviour, FetchSettings], tmp_path: Path
) -> None:
    behaviour, settings = service
    behaviour.faults = ["drop", *[503] * 4]
    bdds, transport = source(settings)
    done = fetch(bdds, tmp_path, transport)
    assert "given up after 4 attempts" in done.failures[0][1] and "503" in done.failures[0][1]
    assert names(tmp_path) == {".EPRTBJV2026000001001001.zip.part", ".EPRTBJV2026000001001001.zip.version"}
    behaviour.requests.clear()
    assert fetch(bdds, tmp_path, transport).files[0].read_bytes() == DATA
    assert next(part for path, part in behaviour.requests if path.endswith("download"))  # not from the start


def test_the_first_call_takes_the_newest_delivery_and_later_ones_what_is_new(
    service: tuple[Behaviour, FetchSettings], tmp_path: Path
) -> None:
    behaviour, settings = service
    behaviour.files[2] = ("EPRTBJV2026000002001001.zip", DATA[:99])
    bdds, transport = source(settings)
    assert [path.name for path in fetch(bdds, tmp_path, transport).files] == ["EPRTBJV2026000002001001.zip"]
    behaviour.files[3] = ("EPRTBJV2026000003001001.zip", DATA[:77])
    behaviour.files[4] = ("notes.docx", b"words")
    (tmp_path / "EPRTBJV2026000002001001.zip").unlink()  # ingested and deleted
    assert [path.name for path in fetch(bdds, tmp_path, transport).files] == ["EPRTBJV2026000003001001.zip"]
    again = fetch(bdds, tmp_path, transport)
    assert again.files == () and again.known == 2


def test_who_asks_for_some_files_of_the_past_does_not_get_all_of_them_the_next_night(
    service: tuple[Behaviour, FetchSettings], tmp_path: Path
) -> None:
    behaviour, settings = service
    behaviour.files[2] = ("EPRTBJV2026000002001001.zip", DATA[:99])
    behaviour.files[3] = ("EPRTBJV2026000003001001.zip", DATA[:77])
    bdds, transport = source(settings)
    fetch(bdds, tmp_path, transport)
    old = fetch(bdds, tmp_path, transport, since=EVERYTHING, match=("EPRTBJV2026000002*.zip",))
    assert [path.name for path in old.files] == ["EPRTBJV2026000002001001.zip"]
    assert fetch(bdds, tmp_path, transport).files == ()
    assert fetch(bdds, tmp_path, transport, since=EVERYTHING, at_most=0).files == ()
    assert fetch(bdds, tmp_path, transport).files == ()
    assert len(fetch(bdds, tmp_path, transport, since=EVERYTHING).files) == 1


def test_a_file_that_was_replaced_at_the_source_is_fetched_again(
    service: tuple[Behaviour, FetchSettings], tmp_path: Path
) -> None:
    behaviour, settings = service
    bdds, transport = source(settings)
    fetch(bdds, tmp_path, transport)
    behaviour.files[1] = (behaviour.files[1][0], b"corrected")
    assert fetch(bdds, tmp_path, transport).files[0].read_bytes() == b"corrected"


def test_a_token_that_ends_on_the_way_is_renewed(service: tuple[Behaviour, FetchSettings], tmp_path: Path) -> None:
    behaviour, settings = service
    behaviour.paid, behaviour.downloads_a_token, behaviour.faults = True, 2, ["drop", "drop", "drop"]
    bdds, transport = source(settings, ACCOUNT)
    assert fetch(bdds, tmp_path, transport).files[0].read_bytes() == DATA
    assert len(behaviour.tokens) > 1


def test_a_product_that_wants_an_account_says_which_variables(
    service: tuple[Behaviour, FetchSettings], tmp_path: Path
) -> None:
    behaviour, settings = service
    behaviour.paid = True
    bdds, transport = source(settings)
    with pytest.raises(FetchError, match=f"set {USER_VARIABLE} and {PASSWORD_VARIABLE}"):
        fetch(bdds, tmp_path, transport)


def test_a_refused_login_is_final_and_says_nothing_secret(
    service: tuple[Behaviour, FetchSettings], tmp_path: Path
) -> None:
    behaviour, settings = service
    behaviour.paid = True
    bdds, transport = source(settings, {**ACCOUNT, PASSWORD_VARIABLE: "battery staple"})
    with pytest.raises(FetchError) as caught:
        fetch(bdds, tmp_path, transport)
    assert "battery staple" not in str(caught.value) and USER not in str(caught.value)
    assert "battery" not in repr(Login(transport, {**ACCOUNT, PASSWORD_VARIABLE: "battery staple"}))


def test_names_that_leave_the_folder_are_refused(service: tuple[Behaviour, FetchSettings], tmp_path: Path) -> None:
    behaviour, settings = service
    behaviour.files[1] = ("../outside.zip", DATA)
    bdds, transport = source(settings)
    with pytest.raises(UsageError, match="no plain file name"):
        fetch(bdds, tmp_path / "in", transport)
    assert not (tmp_path / "outside.zip").exists()


def test_two_fetches_do_not_work_on_one_folder(service: tuple[Behaviour, FetchSettings], tmp_path: Path) -> None:
    import fcntl

    _, settings = service
    bdds, transport = source(settings)
    with (tmp_path / ".fetch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(FetchError, match="another fetch"):
            fetch(bdds, tmp_path, transport)


def test_a_damaged_record_is_named(service: tuple[Behaviour, FetchSettings], tmp_path: Path) -> None:
    _, settings = service
    (tmp_path / RECORD).write_text("{")
    bdds, transport = source(settings)
    with pytest.raises(UsageError, match="damaged"):
        fetch(bdds, tmp_path, transport)


@pytest.mark.parametrize(
    "change",
    [
        {"Deliveries": [None]},
        {"Deliveries": [{"DeliveryID": 1, "DeliveryName": "w", "Files": [{"FileID": 2, "FileName": "a.zip",
         "FileSize": True, "FilePublicationDatetime": "2019-02-13T14:00:00Z"}]}]},
        {"Deliveries": [{"DeliveryExpiryDatetime": "0001-01-01T00:00:00+23:59", "Files": []}]},
    ],
)  # fmt: skip
def test_a_list_of_another_shape_is_said_in_one_line(
    service: tuple[Behaviour, FetchSettings], monkeypatch: pytest.MonkeyPatch, change: object
) -> None:
    monkeypatch.setattr("tests.fetch.server.product", lambda behaviour: change)
    with pytest.raises(FetchError, match="the service's list is not understood"):
        source(service[1])[0].offers()


@pytest.mark.parametrize("answer", [b"<html>down for maintenance</html>", b"[" * 100_000, b'{"a":' * 100_000])
def test_a_list_that_is_no_json_is_said_in_one_line(service: tuple[Behaviour, FetchSettings], answer: bytes) -> None:
    service[0].instead = answer
    with pytest.raises(FetchError, match=r"given up after 4 attempts; .* did not answer in JSON"):
        source(service[1])[0].offers()


def test_a_full_disk_is_said_before(
    service: tuple[Behaviour, FetchSettings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, settings = service
    bdds, transport = source(settings)
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("pipeline.fetch.work.shutil.disk_usage", lambda folder: usage)
    assert "free" in fetch(bdds, tmp_path, transport).failures[0][1]


def test_what_is_wanted_stays_wanted_although_nothing_has_come_yet(
    service: tuple[Behaviour, FetchSettings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, settings = service
    bdds, transport = source(settings)
    with monkeypatch.context() as change:
        change.setattr("pipeline.fetch.work.shutil.disk_usage", lambda folder: type("Usage", (), {"free": 1000}))
        assert fetch(bdds, tmp_path, transport, since=EVERYTHING).failures
    assert datetime.fromisoformat(str(Record.read(tmp_path).since)) == EVERYTHING
    assert fetch(bdds, tmp_path, transport).files


def figlake(settings: FetchSettings, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    import os

    overrides = [
        f"--set=fetch.{name}={getattr(settings, name)}" for name in ("bdds_url", "bdds_token_url", "backoff_s")
    ]
    command = [sys.executable, "-m", "jobs.cli", "fetch", *arguments, *overrides]
    return subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **environment}
    )


def test_a_killed_fetch_goes_on_where_it_was(service: tuple[Behaviour, FetchSettings], tmp_path: Path) -> None:
    behaviour, settings = service
    behaviour.faults = ["slow"]
    part = tmp_path / ".EPRTBJV2026000001001001.zip.part"
    process = figlake(settings, "--product", "32", "--to", str(tmp_path))
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size > 0):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    there = part.stat().st_size
    behaviour.requests.clear()
    process = figlake(settings, "--product", "32", "--to", str(tmp_path), "--json")
    printed, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert json.loads(printed)["files"] == [str(tmp_path / "EPRTBJV2026000001001001.zip")]
    assert (tmp_path / "EPRTBJV2026000001001001.zip").read_bytes() == DATA
    assert (f"bytes={there}-") in [part for _, part in behaviour.requests]


def test_the_command_lists_fetches_and_keeps_secrets(service: tuple[Behaviour, FetchSettings], tmp_path: Path) -> None:
    behaviour, settings = service
    behaviour.paid = True
    listed, _ = figlake(settings, "--product", "32", "--to", str(tmp_path), "--list", **ACCOUNT).communicate(timeout=60)
    assert "EPRTBJV2026000001001001.zip" in listed and not names(tmp_path)
    behaviour.faults = [404]
    process = figlake(settings, "--product", "32", "--to", str(tmp_path), **ACCOUNT)
    printed, said = process.communicate(timeout=60)
    assert process.returncode == 1 and "answered 404" in said
    assert PASSWORD not in printed + said and "token-" not in printed + said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--product", "32", "--from", "x"], "either --product N or --from URI"),
        ([], "either --product N or --from URI"),
        (["--product", "full-text"], "a product is a number"),
        (["--product", "32", "--since", "yesterday"], "2026-01-31"),
        (["--from", "nowhere"], "cannot list"),
    ],
)
def test_wrong_usage_ends_with_one_line(
    service: tuple[Behaviour, FetchSettings], tmp_path: Path, arguments: list[str], message: str
) -> None:
    process = figlake(service[1], *arguments, "--to", str(tmp_path))
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2 and message in said and "Traceback" not in said


@pytest.mark.parametrize(
    ("text", "size"),
    [("216.6 MB", 216_600_000), ("17.7 kB", 17_700), ("9.8 GB", 9_800_000_000), ("big", None), (None, None)],
)
def test_sizes_in_words(text: str | None, size: int | None) -> None:
    assert parse_size(text) == size


def test_a_wait_grows_and_is_as_long_as_the_server_asks_but_not_longer_than_the_limit() -> None:
    transport = Transport(FetchSettings(backoff_s=1.0, longest_wait_s=20.0))
    assert transport._wait(1, 7.0) == 7.0
    assert transport._wait(1, 3600.0) == 20.0
    assert 2.0 <= transport._wait(3, 0.0) <= 4.0, "0 is no leave to ask again at once"
    assert 2.0 <= transport._wait(3, None) <= 4.0


def test_a_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after("7") == 7.0
    assert retry_after("soon") is None and retry_after(None) is None
    assert (retry_after("Wed, 21 Oct 2015 07:28:00 GMT") or 0) < 0


def test_a_url_is_said_without_what_may_be_secret() -> None:
    assert safe("https://me:pw@host:8443/a/b?X-Amz-Signature=abc#f") == "https://host:8443/a/b"


@needs_shared
def test_the_recorded_answers_of_the_service_are_understood(tmp_path: Path) -> None:
    assert SHARED is not None
    recorded = json.loads((SHARED / "bdds" / "02-GetProduct.json").read_text())["response"]["body"]
    transport = Transport(FetchSettings())
    bdds = Bdds(recorded["ID"], transport, Login(transport, {}))
    bdds._product = lambda: recorded  # type: ignore[method-assign]
    offers = bdds.offers()
    files = sum(len(delivery["Files"]) for delivery in recorded["Deliveries"])
    assert len(offers) == files and all(offer.about_bytes and len(offer.sha1 or "") == 40 for offer in offers)


def test_waits_grow_and_are_bounded(service: tuple[Behaviour, FetchSettings], tmp_path: Path) -> None:
    behaviour, settings = service
    waits: list[float] = []
    transport = Transport(replace(settings, attempts=6, backoff_s=1.0, longest_wait_s=4.0), sleep=waits.append)
    behaviour.faults = [500] * 6
    fetch(Bdds(32, transport, Login(transport, {})), tmp_path, transport)
    assert len(waits) == 5 and max(waits) <= 4.0 and waits[0] <= 1.0 < waits[2]
