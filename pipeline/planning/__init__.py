"""What a run will take, before it starts: hours, memory, bytes and cost from what earlier runs took."""

from pipeline.planning.plan import Plan, plan_archives, plan_documents, standing_documents
from pipeline.planning.rates import Rates, rates_of

__all__ = ["Plan", "Rates", "plan_archives", "plan_documents", "rates_of", "standing_documents"]
