"""How busy accelerators are, by the driver's own counter (NVML): one that idles costs as much as one that works."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

#: The driver looks back over a second at most, so more samples would know little more.
INTERVAL_S = 1.0


@dataclass(frozen=True)
class Use:
    """Samples of some accelerators: each is the percent of the time just before in which a kernel ran."""

    samples: int = 0
    percent: int = 0
    zeros: int = 0

    def __add__(self, other: Use) -> Use:
        return Use(self.samples + other.samples, self.percent + other.percent, self.zeros + other.zeros)

    def metrics(self) -> dict[str, float]:
        """``accelerator_utilisation``, the mean, and ``accelerator_idle``, the share of zeros; {} when not known."""
        if not self.samples:
            return {}
        return {
            "accelerator_utilisation": round(self.percent / self.samples / 100, 4),
            "accelerator_idle": round(self.zeros / self.samples, 4),
        }


class Sampler:
    """Looks in a thread at the accelerators that this process may see, until the process ends."""

    def __init__(self) -> None:
        self._use = Use()
        threading.Thread(target=self._look, daemon=True).start()

    def use(self) -> Use:
        """The samples so far."""
        return self._use

    def _look(self) -> None:
        import pynvml

        try:
            pynvml.nvmlInit()
            devices = _visible()
        except pynvml.NVMLError:  # no driver, or it does not know these devices
            return
        while True:
            time.sleep(INTERVAL_S)
            for device in devices:
                with suppress(pynvml.NVMLError):  # a slice of a GPU (MIG) is not counted by itself
                    percent = pynvml.nvmlDeviceGetUtilizationRates(device).gpu
                    self._use += Use(1, percent, int(percent == 0))


def _visible() -> list[Any]:
    """Handles of the devices of CUDA_VISIBLE_DEVICES, without it of all. Raises NVMLError for one that is not there."""
    import pynvml

    if (named := os.environ.get("CUDA_VISIBLE_DEVICES")) is None:
        return [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
    return [
        pynvml.nvmlDeviceGetHandleByIndex(int(name)) if name.isdigit() else pynvml.nvmlDeviceGetHandleByUUID(name)
        for name in (part.strip() for part in named.split(","))
        if name
    ]
