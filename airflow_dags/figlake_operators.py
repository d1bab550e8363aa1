"""How a DAG calls figlake: one process per step, in figlake's own environment.

Airflow and PySpark never share an environment, so a task runs the command that the Airflow Variable
``figlake_command`` names. Settings are read when a task runs, not when the file is parsed.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import BaseOperator, Context, SkipMixin
from airflow.sdk.exceptions import AirflowException, AirflowFailException

#: figlake's exit codes that another try does not change: wrong usage, and more rejects than the limit.
FINAL_EXIT_CODES = (2, 3)
#: Airflow's own settings and libraries are nothing for figlake's process to see.
PRIVATE_PREFIXES = ("AIRFLOW", "_AIRFLOW", "PYTHON", "VIRTUAL_ENV")


class FiglakeOperator(BaseOperator):
    """Runs ``figlake ARGUMENTS --lake … --profile …``; returns the last line it prints.

    The Variables ``figlake_command``, ``figlake_lake``, ``figlake_profile`` and ``figlake_config`` say
    how; ``arguments`` and these are templates. Nothing passes through a shell. A killed or timed-out
    task ends its process and, with it, the engines.
    """

    template_fields: Sequence[str] = ("command", "lake", "profile", "config", "arguments")

    def __init__(self, *, arguments: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.arguments = list(arguments)
        self.command = "{{ var.value.get('figlake_command', 'figlake') }}"
        self.lake = "{{ var.value.figlake_lake }}"
        self.profile = "{{ var.value.get('figlake_profile', 'laptop') }}"
        self.config = "{{ var.value.get('figlake_config', '') }}"
        self._process = SubprocessHook()

    def execute(self, context: Context) -> Any:
        """Run the command. A failure that a retry may mend is retried; wrong usage is not."""
        # A process runs in a folder of its own that is removed after it.
        if not (Path(self.lake).is_absolute() or "://" in self.lake):
            raise AirflowFailException(f"figlake_lake must be a URI or an absolute path, not {self.lake!r}")
        options = ["--lake", self.lake, "--profile", self.profile]
        options += ["--config", self.config] if self.config else []
        environment = {name: value for name, value in os.environ.items() if not name.startswith(PRIVATE_PREFIXES)}
        result = self._process.run_command(
            [*shlex.split(self.command), *map(str, self.arguments), *options], env=environment
        )
        if result.exit_code in FINAL_EXIT_CODES:
            raise AirflowFailException(f"figlake ended with exit code {result.exit_code}: {result.output}")
        if result.exit_code:
            raise AirflowException(f"figlake ended with exit code {result.exit_code}: {result.output}")
        return result.output

    def on_kill(self) -> None:
        """End the process group of the command."""
        self._process.send_sigterm()


class PendingArchivesOperator(FiglakeOperator, SkipMixin):
    """Returns the names of the archives for which a step is pending, those of ``params`` only.

    Skips all that follows while there is no archive at all, neither delivered nor in the lake.
    """

    def execute(self, context: Context) -> list[str]:
        """Ask figlake, which knows what is new and what a change of settings made stale."""
        answer = json.loads(super().execute(context))
        if not answer["archives"]:
            self.log.info("no archive has been delivered yet")
            self.skip(context["ti"], self.get_flat_relatives(upstream=False))
            return []
        params = context["params"]
        pending = [name for name in answer["pending"] if not params["only"] or name in params["only"]]
        if len(pending) > params["max_archives"]:
            self.log.warning("%d archives wait for a later run", len(pending) - params["max_archives"])
        return pending[: params["max_archives"]]
