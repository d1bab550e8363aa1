"""One synthetic week end to end, then a second night: rates per step, overhead, growth, and one worker against two.

    python -m benchmarks.nightly [--documents 2000] [--compared 200] [--turns 2] [--only-compared] [--reference]

Each run is `figlake run` with the laptop profile. Printed: documents and figures per minute and the processors' load in
each step; what an engine's start-up takes of its steps (start-up: from the end of the step before to the first step's
start, for both of Spark's and Ray's processes; the load tells how much a step waits); a second night with a new archive
of a twentieth as many documents, against the first; and the steps bound by processors on one worker against two, on
``--compared`` documents (0: not at all), the extract on the week's, in turns; of few it is mostly the loading of models
that is compared.

Handling: what an engine takes to bring a step's rows to workers that do nothing with them, and back what they made of
them: reading, joining, sorting, and the serialisation between Java, Python and Ray's object store. It is timed apart,
over the week, once its engine is warm; of the steps that have rows brought to them at all.

What getting ready costs besides the engines (models and their libraries, actors, compilers) lies inside the steps. A
night of one document, in a lake of its own, says how much it is: whatever a second night costs for what the lake
already holds is not in it. The second night is given with and without.

The load is the machine's: run it on an idle one. ``--reference`` writes the rates that `figlake plan` falls back on.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import ray.data

from pipeline import registry
from pipeline.archives import discover
from pipeline.config import Settings, load_settings
from pipeline.context import StepContext
from pipeline.engines import ray as ray_engine
from pipeline.engines import spark
from pipeline.figures import step as figures
from pipeline.flow import BY_NAME, STEPS, engine_groups
from pipeline.lake import Lake
from pipeline.linking import step as linking
from pipeline.local import run_all
from pipeline.parts import result_batch
from pipeline.planning.rates import REFERENCE, Rates, rates_of, read_reference
from pipeline.synth import draw_archive
from pipeline.worker import engine_session

SEED = 20190213
BOUND = ("extract", "ocr", "figures", "link", "embed")


@dataclass
class Watch:
    """Times and load of a run's steps, taken from its events."""

    last: float = field(default_factory=time.perf_counter)
    busy: tuple[float, float, float] = field(default_factory=lambda: processor_seconds())
    startup: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    load: dict[str, float] = field(default_factory=dict)
    kernel: dict[str, float] = field(default_factory=dict)

    def take(self, event: dict[str, Any]) -> None:
        """An event of the local runner."""
        now, busy = time.perf_counter(), processor_seconds()
        if event["event"] == "start":
            self.startup[event["step"]] = self.startup.get(event["step"], 0.0) + now - self.last
        elif event["event"] == "report":
            if event["state"] == "failed":
                raise SystemExit(f"{event['step']} failed: {event['error']}")
            name, (took, whole, kernel) = event["step"], (b - a for a, b in zip(self.busy, busy, strict=True))
            self.seconds[name] = self.seconds.get(name, 0.0) + now - self.last
            self.load[name] = took / whole if whole else 0.0
            self.kernel[name] = kernel / whole if whole else 0.0
        else:
            return
        self.last, self.busy = now, busy

    @property
    def work(self) -> float:
        """Seconds inside the steps."""
        return sum(self.seconds.values())

    @property
    def figures(self) -> tuple[dict[str, float], ...]:
        """All by step."""
        return self.startup, self.seconds, self.load, self.kernel

    @property
    def waiting(self) -> float:
        """Seconds of start-up."""
        return sum(self.startup.values())


def processor_seconds() -> tuple[float, float, float]:
    """Busy, all, and the kernel's seconds of the machine's processors since it started."""
    values = [float(value) for value in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    ticks = os.sysconf("SC_CLK_TCK")
    return (sum(values) - values[3] - values[4]) / ticks, sum(values) / ticks, values[2] / ticks


def night(lake: Lake, settings: Settings, archive: Path, last: str | None = None) -> Watch:
    """Bring an archive in, up to a step."""
    names = [registry.register(lake, source).name for source in discover([str(archive)], {})]
    steps = STEPS if last is None else STEPS[: [step.name for step in STEPS].index(last) + 1]
    watch = Watch()
    run_all(lake, settings, names, steps, watch.take)
    if rejected := sum(file.rows for file in lake.files("rejects")):
        raise SystemExit(f"{rejected:,} items of a drawn archive were rejected: what is left undone takes no time")
    return watch


def main() -> None:
    """Draw the week, run it, print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--compared", type=int, default=200, help="documents on which one worker is compared with two")
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    parser.add_argument("--only-compared", action="store_true", help="leave out the two nights")
    parser.add_argument("--turns", type=int, default=2, help="how often one worker and two are compared")
    parser.add_argument("--reference", action="store_true", help="write the rates that figlake ships with")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="figlake-", dir=arguments.folder) as name:
        folder = Path(name)

        def drawn(place: str, number: int, documents: int) -> Path:
            processes = os.cpu_count() or 1
            return draw_archive(folder / place, documents, SEED + number, week=number + 1, processes=processes)

        week = drawn("week", 0, arguments.documents)
        if not arguments.only_compared:
            lake = two_nights(folder, week, arguments.documents, drawn)
            if arguments.reference:
                write_reference(rates_of(lake))
        if arguments.compared:
            two_workers(folder, week, drawn("compared", 2, arguments.compared), arguments.turns)


def two_nights(folder: Path, week: Path, documents: int, drawn: Callable[[str, int, int], Path]) -> Lake:
    """The week's night and the one after it; returns their lake."""
    settings = load_settings("laptop", overrides=["publish.recall_at_10=0.5"])
    small = Lake.at(folder / "least")
    least = night(small, settings, drawn("single", 3, 1))
    if not sum(file.rows for file in small.files("sheets")):
        raise SystemExit("the night of one document had no sheet to read: change SEED")
    more = max(2, documents // 20)
    next_week = drawn("next", 1, more)
    lake = Lake.at(folder / "lake")
    first = night(lake, settings, week)
    show(lake, first, documents, handling(lake, settings))
    before = sum(file.rows for file in lake.files("sheets"))
    second = night(lake, settings, next_week)
    sheets = sum(file.rows for file in lake.files("sheets")) - before
    second_night(first, second, least, more, sheets / before)
    return lake


class Idle:
    """A Ray actor that takes batches and makes nothing of them."""

    def __call__(self, batch: pa.Table) -> pa.Table:
        """One row, whatever came."""
        return pa.Table.from_batches([result_batch(rows_in=batch.num_rows)])


def idle(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """A Spark worker that takes batches and makes nothing of them."""
    yield result_batch(rows_in=sum(batch.num_rows for batch in batches))


def handling(lake: Lake, settings: Settings) -> dict[str, float]:
    """Seconds that the engines take to hand out the rows of the lake's archive, by step."""
    found: dict[str, float] = {}
    archive = lake.files("documents")[0].partition["archive"]
    with engine_session("spark", settings) as session:
        ctx = StepContext(lake, settings, archive, None, 0, lambda done, total: None, session)
        for name, frame in (("figures", figures._documents), ("link", linking._documents)):
            found[name] = quickest(lambda frame=frame: spark.run(frame(ctx), idle))
    with engine_session("ray", settings):
        moved = {
            "ocr": (("sheets", ["sheet_id", "doc_id", "image"]), ("regions", None)),
            "embed": (("sheets", ["sheet_id", "image"]), ("figure_vectors", None)),
        }
        row = ray.data.from_arrow(pa.table({"sheet_id": ["one"]}))
        started = quickest(lambda: through_ray(row, settings))  # actors that start, which the load of models would hide
        for name, tables in moved.items():
            rows = [ray_engine.read(lake, table, archive, columns) for table, columns in tables]
            found[name] = sum(max(0.0, quickest(partial(through_ray, each, settings)) - started) for each in rows)
    return found


def through_ray(rows: ray.data.Dataset, settings: Settings) -> None:
    """Bring rows to as many actors as a step of models has."""
    options = ray_engine.actor_options(settings, os.cpu_count() or 1)
    ray_engine.run(rows.map_batches(Idle, batch_format="pyarrow", batch_size=settings.ocr.batch_size, **options))


def quickest(call: Callable[[], object]) -> float:
    """Seconds of the quicker of two calls."""
    found = []
    for _ in range(2):
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return min(found)


def show(lake: Lake, watch: Watch, documents: int, handled: dict[str, float]) -> None:
    """The first night, step by step."""
    figures = sum(file.rows for file in lake.files("figures"))
    sheets = sum(file.rows for file in lake.files("sheets"))
    print(f"{documents:,} documents, {sheets:,} sheets, {figures:,} figures on {os.cpu_count()} processors")
    print(
        f"{'step':9} {'seconds':>8} {'documents/min':>14} {'figures/min':>12} {'load':>6} {'start-up':>9} "
        f"{'handling':>9} {'share':>6}"
    )
    for group in engine_groups(STEPS):
        whole = sum(watch.seconds.get(step.name, 0.0) + watch.startup.get(step.name, 0.0) for step in group)
        for step in group:
            seconds, startup = watch.seconds.get(step.name, 0.0), watch.startup.get(step.name, 0.0)
            # What neighbours share of an engine's start is theirs together.
            inside = sum(handled.get(step.name, 0.0) for step in group)
            share = f"{(startup + inside) / whole:6.1%}" if step is group[0] else ""
            handled_s = f"{handled[step.name]:9.1f}" if step.name in handled else " " * 9
            print(
                f"{step.name:9} {seconds:8.1f} {60 * documents / seconds:14,.0f} {60 * figures / seconds:12,.0f} "
                f"{watch.load[step.name]:6.0%} {startup:9.1f} {handled_s} {share}"
            )
    total, lost = watch.work + watch.waiting, watch.waiting + sum(handled.values())
    print(
        f"{'all':9} {total:8.1f} {60 * documents / total:14,.0f} {60 * figures / total:12,.0f}        "
        f"{watch.waiting:9.1f} {sum(handled.values()):9.1f} {lost / total:6.1%} asked: < 15%"
    )


def second_night(first: Watch, second: Watch, least: Watch, documents: int, sheets: float) -> None:
    """The second night against the first, as it is and without what getting ready costs; ``sheets``: of the first's."""
    print(f"\nsecond night, {documents:,} documents more, with {sheets:.1%} as many sheets as the first night's")
    print(f"{'step':9} {'first':>8} {'second':>8} {'least':>8}  seconds of work; least: one document, in its own lake")
    for name in second.seconds:
        print(f"{name:9} {first.seconds[name]:8.1f} {second.seconds[name]:8.1f} {least.seconds[name]:8.1f}")
    print(f"{'work':9} {first.work:8.1f} {second.work:8.1f} {least.work:8.1f}")
    print(f"{'start-up':9} {first.waiting:8.1f} {second.waiting:8.1f} {least.waiting:8.1f}")
    # The night of one document holds one document's work, which the second night's remainder then lacks.
    rest = (second.work - least.work) * documents / (documents - 1)
    print(
        f"of the first night's work: {second.work / first.work:.1%} as it is, {rest / first.work:.1%} without what one "
        "document costs (asked: <= 8% plus start-up)"
    )


def two_workers(folder: Path, week: Path, archive: Path, turns: int) -> None:
    """The steps that processors bound, on one worker and on two, each held to one thread as where there are many.

    The extract, of the whole week, for it is done with a small archive before its workers are warm. In turns, the least
    time of each step counts: a virtual machine is lent its memory and its processors unevenly.
    """
    found: dict[int, list[Watch]] = {1: [], 2: []}
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENCV_FOR_THREADS_NUM": "1"}
    for turn in range(turns):
        for workers, nights in found.items():
            settings = load_settings("laptop", overrides=[f"spark.master=local[{workers}]", f"ray.num_cpus={workers}"])
            whole = night(Lake.at(folder / f"week-{workers}-{turn}"), settings, week, BOUND[0])
            watch = night(Lake.at(folder / f"workers-{workers}-{turn}"), settings, archive, BOUND[-1])
            for given, taken in zip(whole.figures, watch.figures, strict=True):
                taken |= given
            nights.append(watch)
    print("\none worker against two (asked: at least 1.5 times); load and the kernel's share of it are the machine's")
    for name in BOUND:
        one, two = (min(nights, key=lambda watch: watch.seconds[name]) for nights in found.values())
        print(
            f"{name:9} {one.seconds[name]:8.1f} s  {two.seconds[name]:8.1f} s  "
            f"{one.seconds[name] / two.seconds[name]:5.2f} times   load {one.load[name]:4.0%} {two.load[name]:4.0%}   "
            f"kernel {one.kernel[name]:4.0%} {two.kernel[name]:4.0%}  ({BY_NAME[name].engine}; "
            f"all turns {', '.join(f'{w.seconds[name]:.1f}' for nights in found.values() for w in nights)})"
        )
    one_s, two_s = (sum(min(w.seconds[n] for w in nights) for n in BOUND[1:]) for nights in found.values())
    print(f"{'others':9} {one_s:8.1f} s  {two_s:8.1f} s  {one_s / two_s:5.2f} times")


def write_reference(rates: Rates) -> None:
    """The file that ships with figlake."""
    before = read_reference()
    lines = [
        "# Rates that `figlake plan` falls back on where a lake has no runs of its own; for one document.",
        f"# Written by: python -m benchmarks.nightly --reference   (figures of {time.strftime('%Y-%m-%d')})",
        f'machine = "{before.reference}"', f"cpus = {os.cpu_count()}", "gpus = 0",
        f"package_documents = {before.package_documents}",
    ]  # fmt: skip
    for name, rate in rates.steps.items():
        lines += ["", f"[steps.{name}]", f"seconds = {rate.seconds:.3g}", f"memory_mb = {rate.memory_mb:.0f}"]
        lines += [f"fixed = {rate.fixed:.3g}"] if rate.fixed else []
    for title, table in (
        ("table_bytes", rates.table_bytes),
        ("vectors", rates.vectors),
        ("dimensions", rates.dimensions),
    ):
        lines += ["", f"[{title}]", *(f"{key} = {value:.4g}" for key, value in sorted(table.items()))]
    REFERENCE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
