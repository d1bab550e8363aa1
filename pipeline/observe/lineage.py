"""OpenLineage events of every step: what it read and wrote, which columns came from which (https://openlineage.io)."""

from __future__ import annotations

import atexit
import os
import queue
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from pipeline import observe, registry
from pipeline.flow import Step
from pipeline.lake import Lake
from pipeline.ledger import Run
from pipeline.observe import run_id
from pipeline.observe.secrecy import hide
from schemas import TABLES

PRODUCER = "https://github.com/figlake/figlake"
#: Each column of ``links``: the columns that it is made of, as (table, column).
LINK_COLUMNS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "figure_id": (("figures", "figure_id"),),
    "doc_id": (("figures", "doc_id"),),
    "sign": (("regions", "sign"), ("passages", "text")),
    "passage_id": (("passages", "passage_id"),),
    "term": (("passages", "text"),),
    "region_ordinal": (("regions", "ordinal"),),
    "match": (("regions", "text"), ("passages", "text")),
    "ocr_confidence": (("regions", "confidence"),),
    "score": (("regions", "text"), ("passages", "text"), ("figures", "label")),
    "text": (("passages", "text"),),
}
_EVENTS = {"started": "START", "done": "COMPLETE", "failed": "FAIL", "aborted": "ABORT"}
#: Events that wait for a listener that is slow; a backfill of some hundred archives has not more.
_QUEUE = 10_000
#: Seconds that a process waits at its end for a listener that does not answer.
_LAST_WAIT_S = 10.0
#: ``namespace/job/run``, as Airflow's provider and Spark's integration spell a parent.
_PARENT = "OPENLINEAGE_PARENT_ID"


def is_configured() -> bool:
    """Whether the environment tells the client where events go; its own documentation lists the variables."""
    if os.environ.get("OPENLINEAGE_DISABLED", "").lower() == "true":
        return False
    return any(
        name in ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG") or name.startswith("OPENLINEAGE__TRANSPORT")
        for name in os.environ
    )


class Lineage:
    """Hands events to a thread of this process, which sends them as the client is configured to."""

    def take(self, lake: Lake, step: Step, run: Run) -> None:
        """Queue one event; a step never waits for whoever listens."""
        _sender(_configuration()).put(event_of(lake, step, run))


class _Sender:
    """One client and one thread for the process, so that events leave in order and connections last.

    The client's own asynchronous transport keeps no order between clients and sends nothing once the process ends.
    """

    def __init__(self) -> None:
        self._waiting: queue.Queue[Any] = queue.Queue(_QUEUE)
        self._unsent = 0
        threading.Thread(target=self._send, daemon=True, name="figlake-lineage").start()
        atexit.register(self.close)

    def put(self, event: Any) -> None:
        """Queue an event; where the queue is full it is counted as lost."""
        try:
            self._waiting.put_nowait(event)
        except queue.Full:
            self._unsent += 1

    def settle(self, seconds: float) -> bool:
        """Wait so long at most until all is sent that was queued; whether it was."""
        end = time.monotonic() + seconds
        while self._waiting.unfinished_tasks and time.monotonic() < end:
            time.sleep(0.02)
        return not self._waiting.unfinished_tasks

    def close(self) -> None:
        """At the end of the process: a last wait, and what was lost."""
        with suppress(queue.Full):
            self._waiting.put_nowait(None)
        if not self.settle(_LAST_WAIT_S):
            self._unsent += self._waiting.unfinished_tasks
        if self._unsent:
            observe.say(f"figlake: {self._unsent} lineage events were not sent\n")

    def _send(self) -> None:
        from openlineage.client import OpenLineageClient

        client, told = None, False
        while True:
            event = self._waiting.get()
            try:
                client = client or OpenLineageClient()
                if event is not None:
                    client.emit(event)
                else:
                    client.close(_LAST_WAIT_S)  # a transport may keep events back
            except Exception as error:  # lineage that cannot be sent is no reason to lose a night
                self._unsent += 1
                if not told:
                    observe.say(hide(f"figlake: lineage could not be sent: {type(error).__name__}: {error}\n", {}))
                told = True
            finally:
                self._waiting.task_done()


@cache
def _sender(_configured: tuple[tuple[str, str], ...]) -> _Sender:
    return _Sender()


def _configuration() -> tuple[tuple[str, str], ...]:
    """What the client is configured with by the environment: another configuration asks for another client."""
    return tuple(sorted((n, v) for n, v in os.environ.items() if n.startswith("OPENLINEAGE") and n != _PARENT))


def settle(seconds: float = _LAST_WAIT_S) -> bool:
    """Wait so long at most until the events queued so far are sent; whether they were."""
    return _sender(_configuration()).settle(seconds)


def event_of(lake: Lake, step: Step, run: Run) -> Any:
    """A RunEvent: the job is ``figlake.<step>`` in the lake's namespace, the run this generation of this archive.

    Data sets have the names that OpenLineage's specification gives to files, so that they meet those of others.
    """
    from openlineage.client import event_v2, facet_v2

    facets: dict[str, Any] = {}
    if parent := _parent():
        facets["parent"] = parent
    if run.state == "failed":
        message = str(run.detail.get("error", ""))
        facets["errorMessage"] = facet_v2.error_message_run.ErrorMessageRunFacet(message, "python")
    job: dict[str, Any] = {"documentation": facet_v2.documentation_job.DocumentationJobFacet(step.summary)}
    name = f"{run_id()}/{run.step}/{run.archive}/{run.generation}"
    return event_v2.RunEvent(
        eventTime=datetime.now(UTC).isoformat(), eventType=getattr(event_v2.RunState, _EVENTS[run.state]),
        run=event_v2.Run(str(uuid.uuid5(uuid.NAMESPACE_URL, name)), facets),
        job=event_v2.Job(_namespace(lake), f"figlake.{run.step}", job), producer=PRODUCER,
        inputs=_inputs(lake, step, run),
        outputs=[_output(lake, table, run) for table in step.writes],
    )  # fmt: skip


def _inputs(lake: Lake, step: Step, run: Run) -> list[Any]:
    """The tables that a step reads; the first step reads the delivery."""
    from openlineage.client import event_v2

    if step.reads:
        return [event_v2.InputDataset(*_table(lake, table), facets=_schema(table)) for table in step.reads]
    known = registry.known_one(lake, run.archive) if step.scope == "archive" else None
    return [event_v2.InputDataset(*_dataset(known.uri))] if known else []


def _output(lake: Lake, table: str, run: Run) -> Any:
    from openlineage.client import event_v2
    from openlineage.client.facet_v2 import column_lineage_dataset as columns
    from openlineage.client.facet_v2 import output_statistics_output_dataset as statistics

    facets = _schema(table)
    if table == "links":
        fields = {
            column: columns.Fields([columns.InputField(*_table(lake, t), c) for t, c in sources])
            for column, sources in LINK_COLUMNS.items()
        }
        facets["columnLineage"] = columns.ColumnLineageDatasetFacet(fields)
    found: dict[str, Any] = {}
    if run.state == "done":
        rows = run.rows_out.get(table, 0)
        found["outputStatistics"] = statistics.OutputStatisticsOutputDatasetFacet(rowCount=rows)
    return event_v2.OutputDataset(*_table(lake, table), found, facets=facets)


def _schema(table: str) -> dict[str, Any]:
    from openlineage.client.facet_v2 import schema_dataset as schema

    fields = [
        schema.SchemaDatasetFacetFields(
            field.name, str(field.type), (field.metadata or {}).get(b"description", b"").decode() or None
        )
        for field in TABLES[table].schema
    ]
    return {"schema": schema.SchemaDatasetFacet(fields)}


def _parent() -> Any:
    from openlineage.client.facet_v2 import parent_run

    parts = os.environ.get(_PARENT, "").rsplit("/", 2)
    if len(parts) != 3 or not all(parts):  # namespace, job, run
        return None
    namespace, job, parent = parts
    return parent_run.ParentRunFacet(parent_run.Run(parent), parent_run.Job(namespace, job))


def _namespace(lake: Lake) -> str:
    root = lake.storage.root
    return root if "://" in root else f"file://{root}"


def _table(lake: Lake, table: str) -> tuple[str, str]:
    return _dataset(lake.storage.uri("tables", table))


def _dataset(uri: str) -> tuple[str, str]:
    """(namespace, name) of a file or folder: ``s3://bucket`` and the key, or ``file`` and the path."""
    split = urlsplit(uri)
    if not split.scheme or split.scheme == "file":
        return "file", split.path if split.scheme else uri
    scheme = "s3" if split.scheme == "s3a" else split.scheme
    return f"{scheme}://{split.netloc.rpartition('@')[2]}", split.path.strip("/")
