"""Which week a delivery is of, as ``2026-W07``; such names sort as time does."""

from __future__ import annotations

import re
from datetime import date, datetime

#: The EPO names its deliveries by year and week, the USPTO by day.
_EPO = re.compile(r"EPRTBJV(\d{4})(\d{6})\d{6}", re.IGNORECASE)
_USPTO = re.compile(r"(?:I|ipg|ipa)(\d{4})(\d{2})(\d{2})\b", re.IGNORECASE)


def week_of(name: str, published: str | None = None) -> str | None:
    """The week that the file name says, else that of the time of publication (ISO 8601), else None."""
    if found := _EPO.match(name):
        return f"{found[1]}-W{int(found[2]):02}"
    try:
        if found := _USPTO.match(name):
            return iso_week(date(int(found[1]), int(found[2]), int(found[3])))
        return iso_week(datetime.fromisoformat(published).date()) if published else None
    except ValueError:
        return None


def iso_week(day: date) -> str:
    """The week of ISO 8601 that the day is in."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def monday(week: str) -> date:
    """Its first day. Raises ValueError for a week that the year does not have."""
    year, number = week.split("-W")
    return date.fromisocalendar(int(year), int(number), 1)
