from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="session")
def one_faiss_thread() -> None:
    """Indexes of a few hundred vectors train slower on several threads than on one."""
    import faiss

    faiss.omp_set_num_threads(1)
