"""### figlake: codebooks trained anew when the vectors have drifted

Asks every week how far the vectors have drifted from those that each codebook was trained on (`figlake drift`). When a
codebook no longer fits, trains it on today's vectors, encodes every archive with it (`figlake retrain`) and publishes.
The release that stands goes on answering until the new one is whole and has passed its gates.

Training is a task on Ray and takes a slot of the pool of GPUs. `force` trains although everything fits; `modalities`
names which, none being all.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param
from figlake_lake import DriftOperator, RetrainOperator
from figlake_operators import FiglakeOperator
from figlake_policy import RELEASE, TABLES, common, deadline
from figlake_tasks import watch

PARAMS = {
    "force": Param(False, type="boolean", title="Train in any case", description="Although the codebooks still fit."),
    "modalities": Param([], type="array", items={"type": "string", "enum": ["image", "text", "passage", "region"]},
                        title="Only these modalities", description="Empty: those that have drifted."),
}  # fmt: skip

with DAG(
    dag_id="figlake_retrain",
    description="Codebooks trained anew when the vectors have drifted from them",
    schedule="0 10 * * 6",
    params=PARAMS,
    deadline=deadline(48),
    **common(__doc__, "retrain"),
) as dag:
    drift = DriftOperator(task_id="drift", arguments=["drift"])
    retrain = RetrainOperator(
        task_id="retrain", modalities=drift.output, outlets=[TABLES["codebooks"], TABLES["shards"]]
    )
    publish = FiglakeOperator(task_id="publish", arguments=["step", "publish"], skip_idle=True, outlets=[RELEASE])
    drift >> retrain >> publish
    list(dag.tasks) >> watch()
