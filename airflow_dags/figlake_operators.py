"""How a DAG calls figlake: one process per step, in figlake's own environment.

Airflow and PySpark never share an environment, so a task runs the command that the Airflow Variable
``figlake_command`` names. Settings are read when a task runs, not when the file is parsed.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import BaseOperator, Connection, Context, SkipMixin
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from figlake_policy import POOLS
from figlake_runners import PARENT, RUN_ID, Process, Runner

from pipeline.flow import STEPS, covers_lake

#: figlake's exit codes that another try does not change: wrong usage, and more rejects than the limit.
FINAL_EXIT_CODES = (2, 3)
DELIVERIES = "{{ var.value.figlake_archives }}"
#: Where a backfill fetches to: hidden from the night, which would take in what a plan beyond its limits has refused.
BACKFILLED = DELIVERIES + "{{ '/.backfill' if var.value.get('figlake_source', '') else '' }}"
#: Where figlake looks for the account of the EPO's bulk data service.
ACCOUNT = ("FIGLAKE_BDDS_USER", "FIGLAKE_BDDS_PASSWORD")
#: The last step of one archive.
LAST = next(step.name for step in reversed(STEPS) if not covers_lake(step))
_STOP_SECONDS = 30
#: How late the trigger of a deferred task may fire.
TRIGGER_MINUTES = 30


class FiglakeOperator(BaseOperator):
    """Runs ``figlake ARGUMENTS --lake … --profile …``; returns the last line it prints.

    The one way in which a task starts figlake. ``engine`` and the Variable ``figlake_runner`` say where it runs; steps
    on Spark and on Ray wait for a slot of their pools. Nothing passes through a shell. A killed or timed-out task ends
    its process and, with it, the engines; a job of a Ray cluster is stopped.
    """

    template_fields: Sequence[str] = (
        "command", "lake", "profile", "config", "kind", "spark_options", "spark_application", "ray_address",
        "arguments", "gate",
    )  # fmt: skip

    def __init__(
        self, *, arguments: Sequence[Any], engine: str = "driver", needs_lake: bool = True, skip_idle: bool = False,
        gate: str = "open", **kwargs: Any,
    ) -> None:  # fmt: skip
        """``needs_lake``: the command takes ``--lake``. ``skip_idle``: a task with nothing to do counts as skipped.
        ``gate``: a template; the task is skipped where it renders to nothing.
        """
        if engine in POOLS:
            kwargs.setdefault("pool", POOLS[engine])
        super().__init__(**kwargs)
        self.arguments = list(arguments)
        self.engine, self.needs_lake, self.skip_idle, self.gate = engine, needs_lake, skip_idle, gate
        self.command = "{{ var.value.get('figlake_command', 'figlake') }}"
        self.lake = "{{ var.value.figlake_lake }}"
        self.profile = "{{ var.value.get('figlake_profile', 'laptop') }}"
        self.config = "{{ var.value.get('figlake_config', '') }}"
        self.kind = "{{ var.value.get('figlake_runner', 'shell') }}"
        self.spark_options = "{{ var.value.get('figlake_spark_options', '') }}"
        self.spark_application = "{{ var.value.get('figlake_spark_application', '/opt/submit.py') }}"
        self.ray_address = "{{ var.value.get('figlake_ray_address', '') }}"
        self._process, self._job = Process(), ""

    def execute(self, context: Context) -> Any:
        """Run the command. A failure that a retry may mend is retried; wrong usage is not."""
        if not self.gate:
            raise AirflowSkipException("what had to be settled before this step is not")
        lines = self.figlake(context, self.arguments)
        if self.skip_idle and lines[-1].startswith("nothing to do"):
            raise AirflowSkipException(lines[-1])
        return lines[-1]

    def figlake(self, context: Context, arguments: Sequence[Any]) -> list[str]:
        """Run figlake with these arguments and the task's options; returns the last lines that it printed.

        Raises AirflowFailException where another try would end the same way, else AirflowException.
        """
        options = ["--profile", self.profile, *(["--config", self.config] if self.config else [])]
        if self.needs_lake:
            # A process runs in a folder of its own that is removed after it.
            if not (Path(self.lake).is_absolute() or "://" in self.lake):
                raise AirflowFailException(f"figlake_lake must be a URI or an absolute path, not {self.lake!r}")
            options = ["--lake", self.lake, *options]
        ti = context["ti"]
        self._job = job_name(context, ti.try_number)
        if ti.try_number > 1:  # a task that was killed with its machine could not stop its job
            self._stop(job_name(context, ti.try_number - 1))
        shared = {RUN_ID: str(uuid5(NAMESPACE_URL, f"{ti.dag_id}/{ti.run_id}")), **parent_of(ti)}
        given = [str(word) for word in arguments if word != ""]
        try:
            runner = self._runner()
            command = runner.start(self.engine, [*given, *options], self._job, shared)
        except ValueError as error:
            raise AirflowFailException(str(error)) from None
        self.log.info("running %s, run id %s", command, shared[RUN_ID])
        with TemporaryDirectory(prefix="figlake") as folder:
            besides = {**runner.variables(self.engine), **shared, **self.secrets()}
            code, lines = self._process.run(command, folder, self.log.info, besides)
        code, lines = runner.outcome(self.engine, code, lines), runner.said(self.engine, lines)
        if code:
            kind = AirflowFailException if code in FINAL_EXIT_CODES else AirflowException
            raise kind(f"figlake ended with exit code {code}: {lines[-1]}")
        return lines

    def secrets(self) -> dict[str, str]:
        """What the process needs in its environment, and no log may show."""
        return {}

    def ask(self, context: Context, arguments: Sequence[Any]) -> Any:
        """What a command answers in JSON."""
        return json.loads(self.figlake(context, [*arguments, "--json"])[-1])

    def on_kill(self) -> None:
        """End the process group of the command, and the job that outlives it on a Ray cluster."""
        self._process.end()
        self._stop(self._job)

    def _stop(self, job: str) -> None:
        if stop := self._runner().stop(self.engine, job):
            with suppress(subprocess.TimeoutExpired):
                subprocess.run(stop, check=False, timeout=_STOP_SECONDS, env=dict(self._process.environment))

    def _runner(self) -> Runner:
        return Runner(self.kind, self.command, self.spark_options, self.spark_application, self.ray_address)


class DeliveryOperator(FiglakeOperator):
    """What fetch and the wait for it share: where deliveries come from (Variable ``figlake_source``) and go to.

    The source is a product number of the EPO's bulk data service, or a folder or bucket; empty when others fill the
    folder of deliveries. Name and password are those of the connection that the Variable ``figlake_connection`` names,
    else of the environment; they reach figlake's process in its environment and nothing else.
    """

    template_fields: Sequence[str] = (
        *FiglakeOperator.template_fields, "source", "deliveries", "backfilled", "connection",
    )  # fmt: skip

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(arguments=[], **kwargs)
        self.connection = "{{ var.value.get('figlake_connection', '') }}"
        self.backfilled = BACKFILLED
        self.source = "{{ var.value.get('figlake_source', '') }}"
        self.deliveries = DELIVERIES

    def secrets(self) -> dict[str, str]:
        """The account of the connection."""
        if not self.connection:
            return {}
        account = Connection.get(self.connection)
        return {
            name: str(value) for name, value in zip(ACCOUNT, (account.login, account.password), strict=True) if value
        }

    def fetch_arguments(self, folder: str | None = None) -> list[str]:
        """The command that fetches."""
        origin = ["--product" if self.source.isdigit() else "--from", self.source]
        return ["fetch", *origin, "--to", folder or self.deliveries]


class FetchOperator(DeliveryOperator):
    """Fetches what is new; returns the paths. Where others fill the folder of deliveries there is nothing to do."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(needs_lake=False, **kwargs)

    def execute(self, context: Context) -> list[str]:
        """A file that fails does not stop the others, and is tried again with the task; one with a wrong checksum is
        tried again the next night: it may be large."""
        if not self.source:
            raise AirflowSkipException("no figlake_source: others fill the folder of deliveries")
        return list(self.ask(context, self.fetch_arguments())["files"])


class AwaitDeliveryOperator(DeliveryOperator):
    """Waits until something new can be fetched or lies there; returns the names, none when the wait is over.

    Between two looks the task is deferred and holds no slot. The wait ends ``params.wait_hours`` after the run began,
    so that no run hangs; a run for the past (a backfill) does not wait, because nothing new will come for it. The
    trigger is Airflow's own: a triggerer does not import from a folder of DAGs.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(do_xcom_push=True, **kwargs)

    def execute(self, context: Context, event: Any = None) -> list[str]:
        """Look; come back later when there is nothing and time is left."""
        if found := self._new(context):
            self.log.info("there is something new: %s", ", ".join(found))
            return found
        run, params, now = context["dag_run"], context["params"], datetime.now(UTC)
        until = (run.start_date or now) + timedelta(hours=params["wait_hours"])
        if str(getattr(run.run_type, "value", run.run_type)) == "backfill" or now >= until:
            self.log.info("nothing new has come; what else is pending is done all the same")
            return []
        again = min(until, now + timedelta(minutes=params["look_every_minutes"]))
        # A triggerer that is down must not hold the night: what is pending is done when this has failed for good.
        late = again - now + timedelta(minutes=TRIGGER_MINUTES)
        self.defer(trigger=DateTimeTrigger(moment=again), method_name="execute", timeout=late)

    def _new(self, context: Context) -> list[str]:
        if not self.source:
            # A corrected delivery waits for somebody's word, and this is it.
            which = ["--to", LAST] if context["params"].get("replace") else ["--new"]
            return list(self.ask(context, ["pending", *which, "--archives", self.deliveries])["pending"])
        self.needs_lake = False
        offers = self.ask(context, [*self.fetch_arguments(), "--list"])
        return [offer["name"] for offer in offers if not offer.get("rests_until")]


class PendingArchivesOperator(FiglakeOperator, SkipMixin):
    """Returns the names of the archives for which a step is pending: those that the run's parameters name, and so many
    at most. Skips all that follows while there is no archive at all, neither delivered nor in the lake.
    """

    def execute(self, context: Context) -> list[str]:
        """Ask figlake, which knows what is new and what a change of settings made stale."""
        answer = self.ask(context, self.arguments)
        if not answer["archives"]:
            self.log.info("no archive has been delivered yet")
            self.skip(context["ti"], self.get_flat_relatives(upstream=False))
            return []
        params = context["params"]
        pending = [name for name in answer["pending"] if not params["only"] or name in params["only"]]
        if idle := sorted({*params["only"]} - {*pending}):
            self.log.warning("nothing is pending for: %s", ", ".join(idle))
        if (left := len(pending) - params["max_archives"]) > 0:
            self.log.warning("%d archives wait for a later run", left)
        return pending[: params["max_archives"]]


def parent_of(ti: Any) -> dict[str, str]:
    """The task as the parent of what figlake tells in lineage, where Airflow's provider tells of the task as well."""
    from airflow.providers.openlineage import conf
    from airflow.providers.openlineage.plugins.macros import lineage_parent_id

    return {} if conf.is_disabled() else {PARENT: lineage_parent_id(ti)}


def job_name(context: Context, tried: int) -> str:
    """A name that one try of this task has alone, of characters that Spark, Ray and Kubernetes take."""
    ti = context["ti"]
    parts = (ti.dag_id, ti.run_id, ti.task_id, ti.map_index, tried)
    return re.sub(r"[^a-z0-9]+", "-", "-".join(map(str, parts)).lower()).strip("-")
