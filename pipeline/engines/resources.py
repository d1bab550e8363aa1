"""What a step had at hand: asked of the engine while it runs."""

from __future__ import annotations

import os
from typing import Any


def resources(engine: str, session: Any) -> dict[str, float]:
    """``cpus`` (processors) and ``gpus`` of the whole cluster, or of this machine for a step on the driver."""
    if engine == "spark":
        return {"cpus": float(session.sparkContext.defaultParallelism), "gpus": 0.0}
    if engine == "ray":
        import ray

        if ray.is_initialized():
            found = ray.cluster_resources()
            return {"cpus": found.get("CPU", 0.0), "gpus": found.get("GPU", 0.0)}
    return {"cpus": float(len(os.sched_getaffinity(0))), "gpus": 0.0}
