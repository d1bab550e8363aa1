"""The accelerators of a Ray cluster, sampled on their own nodes while a step runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pipeline.observe.accelerators import Sampler, Use

#: Seconds that the nodes are given to say what they saw.
_PATIENCE_S = 10


@contextmanager
def sampled() -> Iterator[dict[str, float]]:
    """Metrics of the accelerators' use, there when the block has ended; none where no driver tells.

    All accelerators count that the cluster has when the block begins, not only those that an actor asks for: what has
    to be noticed is one that nobody uses.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    actor = ray.remote(num_cpus=0)(Sampler)
    samplers = [
        actor.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote()
        for node in ray.nodes()
        if node["Alive"] and node["Resources"].get("GPU")
    ]
    found: dict[str, float] = {}
    try:
        yield found
        found.update(_use(samplers).metrics())
    finally:
        for sampler in samplers:
            ray.kill(sampler)


def _use(samplers: list[Any]) -> Use:
    """What all of them saw; a node that has died takes its samples along."""
    import ray

    answers = [sampler.use.remote() for sampler in samplers]
    ready = ray.wait(answers, num_returns=len(answers), timeout=_PATIENCE_S)[0] if answers else []
    total = Use()
    for answer in ready:
        with suppress(ray.exceptions.RayActorError):
            total += ray.get(answer)
    return total
