from tests.indexing.conftest import one_faiss_thread

__all__ = ["one_faiss_thread"]
