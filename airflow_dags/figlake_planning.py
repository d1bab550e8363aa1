"""What a backfill does before it starts: choose by week, fetch, reckon, and stop at a limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow.sdk import Context, SkipMixin
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from figlake_operators import DeliveryOperator, FiglakeOperator
from figlake_weeks import monday, week_of

#: For the steps of the lake, which run whatever failed before them: nothing unless the plan stands.
PLANNED = "{{ ti.xcom_pull(task_ids='plan') or '' }}"


def weeks(params: Mapping[str, Any]) -> tuple[str, str]:
    """First and last week. Raises AirflowFailException when there are no such weeks."""
    first, last = str(params["first_week"]), str(params["last_week"])
    try:
        monday(first), monday(last)
    except ValueError as error:
        raise AirflowFailException(f"{first} to {last}: {error}") from None
    if last < first:
        raise AirflowFailException(f"last_week {last} is before first_week {first}")
    return first, last


class FetchWeeksOperator(DeliveryOperator):
    """Fetches what the source offers of these weeks; a dry run names it only. Returns the names.

    Into a folder of its own: what lies there is nothing for the night, whatever becomes of the plan.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(needs_lake=False, **kwargs)

    def execute(self, context: Context) -> list[str]:
        """Skipped where others fill the folder of deliveries."""
        params = context["params"]
        first, last = weeks(params)
        if not self.source:
            raise AirflowSkipException("no figlake_source: others fill the folder of deliveries")
        since = ["--since", monday(first).isoformat()]
        night, fetch = [*self.fetch_arguments(), *since], [*self.fetch_arguments(self.backfilled), *since]
        if "://" not in self.backfilled:  # the steps look there, also where nothing is fetched
            Path(self.backfilled).mkdir(parents=True, exist_ok=True)
        known = {offer["name"] for offer in self.ask(context, [*night, "--list"])}
        offers = [offer for offer in self.ask(context, [*fetch, "--list"]) if offer["name"] in known]
        of_weeks = [(week_of(offer["name"], offer["published"]) or "", offer) for offer in offers]
        of_weeks.sort(key=lambda found: found[0])
        chosen = [offer for week, offer in of_weeks if first <= week <= last]
        resting = [offer["name"] for offer in chosen if offer.get("rests_until")]
        wanted = [offer for offer in chosen if offer["name"] not in resting][: params["max_archives"]]
        size = sum(offer["about_bytes"] or 0 for offer in wanted)
        names = [offer["name"] for offer in wanted]
        self.log.info("to fetch: %d files, about %.1f GB: %s", len(names), size / 1e9, ", ".join(names) or "none")
        if size > params["max_gigabytes"] * 1e9:
            raise AirflowFailException(
                f"{size / 1e9:,.1f} GB are to be fetched, more than max_gigabytes; take fewer weeks, or raise it"
            )
        if names and not params["dry_run"]:
            self.ask(context, [*fetch, *(word for name in names for word in ("--match", name))])
        if resting:
            why = f"not fetched, because their checksums were wrong within the last half day: {', '.join(resting)}"
            if not params["dry_run"]:
                raise AirflowFailException(why)
            self.log.warning("%s", why)
        return names


class WeeksOperator(FiglakeOperator):
    """Returns the names of the pending archives of these weeks, the oldest first, ``params.max_archives`` at most."""

    def execute(self, context: Context) -> list[str]:
        """Names that say no week are left out."""
        params = context["params"]
        first, last = weeks(params)
        # A file whose name says no week was chosen by the day of its publication, which its name does not tell here.
        fetched = tuple(context["ti"].xcom_pull(task_ids="fetch") or ())
        pending = [
            (week_of(name) or (first if any(file.startswith(f"{name}.") for file in fetched) else None), name)
            for name in self.ask(context, self.arguments)["pending"]
        ]
        if unknown := [name for week, name in pending if week is None]:
            self.log.warning("left out, because their names say no week: %s", ", ".join(unknown))
        found = [name for week, name in sorted((w, n) for w, n in pending if w is not None) if first <= week <= last]
        if len(found) > params["max_archives"]:
            self.log.warning("%d archives are left for another backfill", len(found) - params["max_archives"])
        return found[: params["max_archives"]]


class PlanOperator(FiglakeOperator, SkipMixin):
    """Logs what the chosen archives will take, and lets them start only within the limits and when it is no dry run."""

    template_fields: Sequence[str] = (*FiglakeOperator.template_fields, "names")

    def __init__(self, *, names: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.names = names

    def execute(self, context: Context) -> dict[str, float]:
        """Returns hours, bytes and cost. Raises AirflowFailException for a plan beyond a limit."""
        params = context["params"]
        if not self.names:
            self.log.info("no archive of these weeks is pending")
            if params["dry_run"]:
                self.skip(context["ti"], self.get_flat_relatives(upstream=False))
            # A backfill that was broken off after its archives has the steps of the lake left.
            return dict.fromkeys(("hours", "bytes", "cost"), 0.0)
        only = [word for name in self.names for word in ("--only", name)]
        plan = self.ask(context, [*self.arguments, *only])
        for name, step in plan["steps"].items():
            self._say(name, step, plan["currency"])
        total = plan["total"]
        self._say(f"all of {plan['documents']:,} documents in {len(self.names)} archive(s)", total, plan["currency"])
        for line in plan["assumptions"]:
            self.log.info("%s", line)
        limits = {"hours": params["max_hours"], "bytes": params["max_gigabytes"] * 1e9, "cost": params["max_cost"]}
        if over := [
            f"{name} {total[name]:,.2f} of {limit:,.2f}" for name, limit in limits.items() if total[name] > limit
        ]:
            why = "; ".join(over)
            raise AirflowFailException(f"the plan is beyond its limits: {why}. Take fewer weeks, or raise them")
        if params["dry_run"]:
            self.skip(context["ti"], self.get_flat_relatives(upstream=False))
        return {name: total[name] for name in limits}

    def _say(self, what: str, numbers: Mapping[str, float], currency: str) -> None:
        hours, size, cost = numbers["hours"], numbers["bytes"], numbers["cost"]
        self.log.info("plan: %s: %.2f hours, %.3f GB, %.2f %s", what, hours, size / 1e9, cost, currency)
