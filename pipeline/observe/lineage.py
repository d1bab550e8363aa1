"""OpenLineage events of every step: what it read and wrote, which columns came from which (https://openlineage.io)."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pipeline.flow import Step
from pipeline.lake import Lake
from pipeline.ledger import Run
from pipeline.observe import run_id
from schemas import TABLES

if TYPE_CHECKING:
    from openlineage.client import OpenLineageClient

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
_EVENTS = {"started": "START", "done": "COMPLETE", "failed": "FAIL"}
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
    """Sends events through the official client, by the transport that it is configured with."""

    def take(self, lake: Lake, step: Step, run: Run) -> None:
        """One event; raises what the transport raises."""
        self._client.emit(event_of(lake, step, run))

    @cached_property
    def _client(self) -> OpenLineageClient:
        from openlineage.client import OpenLineageClient

        return OpenLineageClient()


def event_of(lake: Lake, step: Step, run: Run) -> Any:
    """A RunEvent: the job is ``figlake.<step>`` in the lake's namespace, the run this generation of this archive."""
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
        inputs=[event_v2.InputDataset(_namespace(lake), _name(table), facets=_schema(table)) for table in step.reads],
        outputs=[_output(lake, table, run) for table in step.writes],
    )  # fmt: skip


def _output(lake: Lake, table: str, run: Run) -> Any:
    from openlineage.client import event_v2
    from openlineage.client.facet_v2 import column_lineage_dataset as columns
    from openlineage.client.facet_v2 import output_statistics_output_dataset as statistics

    facets = _schema(table)
    if table == "links":
        fields = {
            column: columns.Fields([columns.InputField(_namespace(lake), _name(t), c) for t, c in sources])
            for column, sources in LINK_COLUMNS.items()
        }
        facets["columnLineage"] = columns.ColumnLineageDatasetFacet(fields)
    found: dict[str, Any] = {}
    if run.state == "done":
        rows = run.rows_out.get(table, 0)
        found["outputStatistics"] = statistics.OutputStatisticsOutputDatasetFacet(rowCount=rows)
    return event_v2.OutputDataset(_namespace(lake), _name(table), found, facets=facets)


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


def _name(table: str) -> str:
    return f"tables/{table}"
