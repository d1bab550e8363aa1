"""Tasks about the lake's codebooks: has it drifted, and train anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException
from figlake_operators import FiglakeOperator


class DriftOperator(FiglakeOperator):
    """Returns the modalities to train anew: those that drifted, or those that ``params`` name."""

    def execute(self, context: Context) -> list[str]:
        """Skipped when every codebook fits."""
        params = context["params"]
        found = self.ask(context, self.arguments)["modalities"]
        for name, one in sorted(found.items()):
            verdict = "train anew" if one["retrain"] else "fits"
            self.log.info("%s: %s of %s vectors: %s", name, one["codebook"], one["rows"], verdict)
        wanted = [
            name
            for name, one in sorted(found.items())
            if (one["retrain"] or params["force"]) and (not params["modalities"] or name in params["modalities"])
        ]
        if not wanted:
            raise AirflowSkipException("every codebook fits")
        return wanted


class RetrainOperator(FiglakeOperator):
    """Trains the codebooks of these modalities and encodes. Publishing needs no engine: it is a task of its own."""

    template_fields: Sequence[str] = (*FiglakeOperator.template_fields, "modalities")

    def __init__(self, *, modalities: Any, **kwargs: Any) -> None:
        super().__init__(arguments=["retrain"], engine="ray", **kwargs)
        self.modalities = modalities

    def execute(self, context: Context) -> Any:
        """Killed between training and publishing, the retry trains again; the codebooks in force stay meanwhile."""
        words = [word for name in self.modalities for word in ("--modality", name)]
        return self.figlake(context, [*self.arguments, "--no-publish", *words])[-1]
