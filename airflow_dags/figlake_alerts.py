"""Who is told when a task fails for good or a run is late: the log, and the address in ``figlake_alert_url``."""

from __future__ import annotations

import json
import logging
import urllib.request
from typing import Any

from airflow.sdk import Variable

log = logging.getLogger(__name__)
_SECONDS = 10


def announce_failure(context: Any) -> None:
    """A task has used up its tries."""
    ti = context["ti"]
    which = f" [{ti.map_index}]" if ti.map_index is not None and ti.map_index >= 0 else ""
    announce(
        f"figlake: {ti.dag_id}.{ti.task_id}{which} failed after {ti.try_number} tries "
        f"in {ti.run_id}: {context.get('exception')}"
    )


def announce_lateness(hours: float, context: Any = None) -> None:
    """A run is not done although its time is over."""
    run = (context or {}).get("dag_run") or {}
    name = run.get("dag_run_id", "a run") if isinstance(run, dict) else run
    announce(f"figlake: {name} was queued {hours:g} hours ago and is not done")


def announce(text: str) -> None:
    """Log it, and POST ``{"text": …}``, which chat services take. An alert that cannot be sent fails nothing."""
    log.error(text)
    url = Variable.get("figlake_alert_url", default="")
    if not url.startswith(("http://", "https://")):
        return
    body = json.dumps({"text": text}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS):  # noqa: S310
            pass
    except OSError as error:
        log.warning("the alert was not taken: %s", error)  # the address may hold a secret, so it is not named
