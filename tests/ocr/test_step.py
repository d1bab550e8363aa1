"""The ocr step on Ray."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest

from pipeline.config import OcrSettings, RaySettings, Settings
from pipeline.context import StepContext
from pipeline.engines import ray as ray_engine
from pipeline.errors import Reason, Reject
from pipeline.isolation import Isolated
from pipeline.ocr.stages import STAGES, guarded
from pipeline.ocr.step import Stages, _one_call, read_sheets, run
from tests.ocr.drawn import sheet, tiff
from tests.ocr.sheets import lake_with, sheet_row

SETTINGS = Settings(ray=RaySettings(num_cpus=2, object_store_mb=100), ocr=OcrSettings(batch_size=2, actors=1))


@pytest.mark.slow
def test_sheets_become_regions_and_a_bad_sheet_a_reject(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, {
        "sheets": [
            sheet_row("EP1A1", "imgf0001.tif", sheet([("FIG. 1", 300, 500, 0), ("12a", 100, 100, 0)], 800, 600)),
            sheet_row("EP1A1", "imgf0002.tif", b"not an image"),
            sheet_row("EP1A1", "imgb0001.tif", sheet([("99", 100, 100, 0)], 400, 300), role="in-text"),
            sheet_row("EP2A1", "imgf0001.tif", sheet([("34", 200, 100, 0)], 400, 300)),
        ]
    })  # fmt: skip
    seen: list[int] = []
    context = StepContext(lake, SETTINGS, "week", None, 1, lambda done, total: seen.append(done))
    with ray_engine.session(SETTINGS):
        outcome = run(context)
        again = run(replace(context, only=frozenset({"EP2A1/imgf0001.tif"})))
    assert [(r.item, r.reason) for r in outcome.rejects] == [("EP1A1/imgf0002.tif", Reason.IMAGE_UNREADABLE)]
    assert (outcome.rows_in, seen[-1]) == (3, 1)
    assert outcome.peak_memory_mb > 300  # of the child that reads, with its networks, not of the actor before it
    slowest = dict(outcome.metrics["slowest"])
    assert slowest and set(slowest) <= {"EP1A1", "EP2A1"} and all(0 < seconds < 600 for seconds in slowest.values())
    assert (again.rows_in, again.rows_out(["regions"])) == (1, {"regions": 1})
    lake.commit("regions", "ocr", "week", 1, outcome.parts)
    rows = lake.read("regions", ["sheet_id", "ordinal", "text", "role", "sign"]).sort_by(
        [("sheet_id", "ascending"), ("ordinal", "ascending")]
    )
    assert [
        (r["sheet_id"], r["ordinal"], r["text"].replace(" ", ""), r["role"], r["sign"]) for r in rows.to_pylist()
    ] == [
        ("EP1A1/imgf0001.tif", 0, "12a", "sign", "12a"),
        ("EP1A1/imgf0001.tif", 1, "FIG.1", "figure label", None),
        ("EP2A1/imgf0001.tif", 0, "34", "sign", "34"),
    ]


def numbered(count: int) -> list[dict[str, object]]:
    """Sheets that print one number each, 110 onwards, every other one turned."""
    return [
        sheet_row(f"EP{n}A1", "imgf0001.tif", sheet([(f"{110 + n}", 200, 100, 270 * (n % 2))], 500, 400))
        for n in range(count)
    ]


def signs(rows: list[dict[str, object]]) -> list[str]:
    return sorted(str(row["sign"]) for row in rows)


@pytest.mark.slow
def test_stages_apart_read_what_one_process_reads(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, {"sheets": [*numbered(6), sheet_row("EP9A1", "imgf0001.tif", b"not an image")]})
    settings = replace(SETTINGS, ray=RaySettings(num_cpus=4, object_store_mb=200))
    found = []
    with ray_engine.session(settings):
        for groups in ([STAGES], [[stage] for stage in STAGES]):
            sheets = ray_engine.read(lake, "sheets", "week", ["sheet_id", "doc_id", "image"])
            rows = read_sheets(sheets, 7, groups, settings, None).take_all()
            found.append(sorted(rows, key=lambda row: (row["sheet_id"] or "", row["ordinal"] or 0)))
    together, apart = ([{k: v if k != "polygon" else list(v or []) for k, v in row.items()} for row in rows]
                       for rows in found)  # fmt: skip
    assert together == apart
    assert signs([row for row in apart if row["sign"]]) == ["110", "111", "112", "113", "114", "115"]
    assert [row["reject"] for row in apart if row["reject"]] and apart[0]["sheet_id"] is None


@pytest.mark.slow
def test_a_worn_process_makes_room_for_a_fresh_one_and_no_sheet_is_lost(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, {"sheets": numbered(10)})
    settings = replace(SETTINGS, ocr=OcrSettings(batch_size=2, actors=1, recycle_after=4))
    context = StepContext(lake, settings, "week", None, 1, lambda done, total: None)
    seen: set[str] = set()
    stop = Event()
    watch = Thread(target=lambda: [seen.update(spawned()) for _ in iter(lambda: stop.wait(0.05), True)])
    watch.start()
    with ray_engine.session(settings):
        outcome = run(context)
    stop.set()
    watch.join()
    lake.commit("regions", "ocr", "week", 1, outcome.parts)
    assert signs(lake.read("regions", ["sign"]).to_pylist()) == [str(110 + n) for n in range(10)]
    assert outcome.rows_in == 10 and len(seen) == 3


def spawned() -> set[str]:
    """Children of this process's Ray actors that are alive and read."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            spawn = b"spawn_main" in (folder / "cmdline").read_bytes()
            if (
                spawn
                and b"Stages" in Path(f"/proc/{parent(folder.name)}/cmdline").read_bytes()
                and is_ours(folder.name)
            ):
                found.add(folder.name)
    return found


def parent(process: str) -> str:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1]


def is_ours(process: str) -> bool:
    """Whether this process is among its ancestors: Ray's daemons are children of the driver that starts them."""
    while process not in ("0", "1", str(os.getpid())):
        process = parent(process)
    return process == str(os.getpid())


class Worn:
    """A child process that memory is short for until it is renewed; a sheet named "huge" never fits."""

    def __init__(self) -> None:
        self.renewed = 0

    def __call__(self, items: list[str]) -> list[str]:
        if not self.renewed or "huge" in items:
            raise MemoryError("Unable to allocate")
        if "odd" in items:
            raise ValueError("of two lengths")
        return [item.upper() for item in items]

    def renew(self) -> None:
        self.renewed += 1


def test_what_memory_was_short_for_is_read_again_in_a_fresh_process() -> None:
    stages = object.__new__(Stages)
    stages.child = worn = Worn()  # type: ignore[assignment]
    rejected = Reject("", Reason.IMAGE_UNREADABLE, "no image")
    found = stages._done(["a", "huge", rejected, "odd", "b"])
    assert [found[0], found[4], found[2]] == ["A", "B", rejected]
    assert [found[1].reason, found[3].reason] == [Reason.OUT_OF_MEMORY, Reason.STEP_ERROR]
    assert worn.renewed == 1
    early = Reject("", Reason.OUT_OF_MEMORY, "too large to decode")
    assert stages._done(["a", early])[1] is early
    assert worn.renewed == 1, "what an earlier stage had no memory for is nothing that this process is worn by"
    assert stages._done(["a", "odd"])[0] == "A"
    assert worn.renewed == 1, "an error that memory has no part in is no reason to start anew"


@pytest.mark.slow
def test_sheets_of_many_sizes_stay_within_the_limit_of_memory() -> None:
    """What an engine keeps for each shape of input must not add up: fifty sheets, each of another size."""

    def drawn(number: int) -> bytes:
        words = "a line of words " * (1 + number % 5)
        texts = [(f"{100 + number}", 200, 100, 0), (words, 200, 300, 0)]
        return tiff(sheet(texts, 1900 + 46 * number, 1300 + 34 * number))

    sheets = [drawn(number) for number in range(50)]
    settings = Settings()
    child = Isolated(
        _one_call, tuple(stage.name for stage in STAGES), settings, memory_bytes=settings.ocr.memory_mb << 20
    )
    try:
        answers = [answer for at in range(0, 50, 8) for answer in guarded(child, sheets[at : at + 8])]
    finally:
        child.renew()
    assert [answer for answer in answers if isinstance(answer, Reject)] == []
