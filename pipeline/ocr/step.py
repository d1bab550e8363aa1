"""ocr on Ray: sheets → regions.

Where there are GPUs each stage of reading is a Ray stage of its own: CPU actors prepare, cut out and finish while the
networks' actors only infer, so a GPU waits for nothing but data. Without GPUs one actor per CPU does all stages of a
batch, and no page ever leaves its process.
"""

from __future__ import annotations

import pickle
import time
from collections import defaultdict
from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.config import Settings
from pipeline.context import StepContext
from pipeline.engines import ray as ray_engine
from pipeline.engines.accelerators import sampled
from pipeline.errors import Reason, Reject
from pipeline.isolation import Isolated
from pipeline.ocr.reading import regions
from pipeline.ocr.stages import STAGES, Call, Stage, guarded
from pipeline.parts import Outcome
from schemas import TABLES

if TYPE_CHECKING:
    import ray.data

_COLUMNS = ("sheet_id", "doc_id", "image")
#: What an actor that dies has to read again, at most.
_SHEETS_PER_TASK = 128
#: Region rows on their way to the sink; a rejected sheet is a row with nothing but its reject.
_ROWS = pa.schema([*(f.with_nullable(True) for f in TABLES["regions"].part_schema), ("reject", pa.string())])
#: A sheet between two stages: what the last stage made of it, pickled.
_BETWEEN = pa.schema([("sheet_id", pa.string()), ("doc_id", pa.string()), ("item", pa.large_binary())])


class Stages:
    """A Ray actor for consecutive stages: batches of sheets in, their items or, after the last stage, region rows out.

    The work is done in a child process, so that a crafted image or a worn engine costs a sheet and not the actor, which
    Ray would restart with the same batch for ever.
    """

    def __init__(self, names: Sequence[str], settings: Settings, capped: bool, counter: Any = None) -> None:
        self.first, self.last = STAGES[0].name in names, STAGES[-1].name in names
        self.settings, self.counter, self.sheets = settings, counter, 0
        cap = settings.ocr.memory_mb << 20 if capped else 0
        self.child = Isolated(_one_call, tuple(names), settings, memory_bytes=cap, limit_s=settings.ocr.limit_s)
        self.child([])  # a model that is not there ends the step, not each sheet

    def __call__(self, batch: pa.Table) -> pa.Table:
        self._renew_if_worn(batch.num_rows)
        sheets = batch.select(["sheet_id", "doc_id"]).to_pylist()
        items = batch["image" if self.first else "item"].to_pylist()
        if not self.first:
            items = [pickle.loads(item) for item in items]  # noqa: S301 - our own
        began = time.perf_counter()
        items = self._done(items)
        if self.counter is not None:
            # A batch's time is shared by its sheets, which are mostly of one document or two.
            share, shares = (time.perf_counter() - began) / max(1, len(sheets)), defaultdict[str, float](float)
            for sheet in sheets:
                shares[sheet["doc_id"]] += share
            self.counter.add.remote(batch.num_rows if self.last else 0, dict(shares), self.child.peak_memory_mb)
        return self._rows(sheets, items) if self.last else _between(sheets, items)

    def _done(self, items: Sequence[Any]) -> list[Any]:
        """The stages' answers. What fails in a batch that memory was short for is done once more, in a fresh process.

        An engine keeps what it prepared for each shape of input: that is no fault of the sheet at hand.
        """
        found = guarded(self.child, items)
        mine = [place for place, item in enumerate(items) if not isinstance(item, Reject)]
        if not any(_is_reject(found[place], Reason.OUT_OF_MEMORY) for place in mine):
            return found
        again = [place for place in mine if _is_reject(found[place], Reason.OUT_OF_MEMORY, Reason.STEP_ERROR)]
        self.child.renew()
        self.sheets = len(items)
        for place, answer in zip(again, guarded(self.child, [items[place] for place in again]), strict=True):
            found[place] = answer
        return found

    def _renew_if_worn(self, sheets: int) -> None:
        if 0 < self.settings.ocr.recycle_after <= self.sheets:
            self.child.renew()
            self.sheets = 0
        self.sheets += sheets

    def _rows(self, sheets: Sequence[dict[str, Any]], items: Sequence[Any]) -> pa.Table:
        rows, rejects = regions(sheets, items, self.settings.ocr.min_confidence)
        return pa.Table.from_pylist([*rows, *({"reject": ray_engine.reject_text(r)} for r in rejects)], schema=_ROWS)


def _is_reject(answer: Any, *reasons: Reason) -> bool:
    return isinstance(answer, Reject) and answer.reason in reasons


def _one_call(names: tuple[str, ...], settings: Settings) -> Call:
    """The stages of these names as one call."""
    calls = [stage.make(settings) for stage in STAGES if stage.name in names]
    return lambda items: reduce(lambda found, call: guarded(call, found), calls, list(items))


def _between(sheets: Sequence[dict[str, Any]], items: Sequence[Any | Reject]) -> pa.Table:
    packed = [pickle.dumps(item, protocol=5) for item in items]
    return pa.Table.from_pylist(
        [{**sheet, "item": item} for sheet, item in zip(sheets, packed, strict=True)], schema=_BETWEEN
    )


def read_sheets(
    sheets: ray.data.Dataset, total: int, groups: Sequence[Sequence[Stage]], settings: Settings, counter: Any
) -> ray.data.Dataset:
    """Region rows of ``total`` sheets (sheet_id, doc_id, image), each group of stages in processes of its own."""
    batches = -(-total // settings.ocr.batch_size)
    pools = sum(_has_network(group) for group in groups)
    gpus = ray_engine.has_gpus(settings)
    rows = sheets
    for group in groups:
        network = _has_network(group)
        model_options = ray_engine.actor_options(settings, batches, settings.ocr.actors, pools)
        rows = rows.map_batches(
            Stages,
            # A cap on private memory is none that CUDA can live with.
            fn_constructor_args=([stage.name for stage in group], settings, not (network and gpus), counter),
            batch_format="pyarrow",
            batch_size=settings.ocr.batch_size,
            **(model_options if network else ray_engine.cpu_options()),
        )
    return rows


def _has_network(group: Sequence[Stage]) -> bool:
    return any(stage.network for stage in group)


def run(ctx: StepContext) -> Outcome:
    """Read every sheet whose role may become a figure."""
    settings = ctx.settings
    where: dict[str, Sequence[str]] = {"role": settings.figures.roles}
    if ctx.only:  # a replay takes in all sheets of a document again: its rows replace those of the whole document
        where["doc_id"] = sorted({sheet_id.split("/", 1)[0] for sheet_id in ctx.only})
    total = ray_engine.count(ctx.lake, "sheets", ctx.archive, where)
    if not total:
        return Outcome()
    sheets = ray_engine.read(ctx.lake, "sheets", ctx.archive, _COLUMNS, where=where, rows_per_task=_SHEETS_PER_TASK)
    groups = [[stage] for stage in STAGES] if ray_engine.has_gpus(settings) else [STAGES]
    with ray_engine.counting(ctx.progress, total) as counter, sampled() as accelerators:
        rows = read_sheets(sheets, total, groups, settings, counter)
        outcome = ray_engine.run(
            ray_engine.sink(rows, ctx.lake, "regions", ctx.archive, settings, rejects_column="reject")
        )
        ray_engine.note(counter, outcome)
    outcome.rows_in = total
    outcome.metrics.update(accelerators)
    return outcome
