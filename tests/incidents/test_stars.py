"""When the stars of reviews have dropped, and when it is only a bad day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from monitor.incidents.stars import fallen

NOW = datetime(2026, 3, 30, 15, 0, tzinfo=UTC)


def days(back: int, n: int = 20, low: int = 2, stars: float = 84.0) -> list[dict[str, object]]:
    """So many days before today, each with these reviews."""
    return [
        {"day": f"{NOW - timedelta(days=ago):%Y-%m-%d}", "n": n, "low": low, "stars": stars}
        for ago in range(back, 0, -1)
    ]


def today(n: int, low: int, stars: float) -> dict[str, object]:
    return {"day": f"{NOW:%Y-%m-%d}", "n": n, "low": low, "stars": stars}


def test_many_more_bad_reviews_than_usual_and_a_star_less_is_an_incident_since_midnight() -> None:
    since = fallen([*days(28), today(24, 14, 50.0)], NOW)
    assert since is not None
    assert NOW - timedelta(days=1) < since < NOW.replace(hour=0)


def test_it_is_none_with_few_people_or_the_usual_stars_or_a_week_that_is_not_known() -> None:
    assert fallen([*days(28), today(7, 7, 7.0)], NOW) is None
    assert fallen([*days(28), today(100, 10, 420.0)], NOW) is None, "more of all, and as many stars as ever"
    assert fallen([*days(28, low=10), today(24, 14, 50.0)], NOW) is None, "it is always so"
    assert fallen([*days(3), today(24, 14, 50.0)], NOW) is None
    assert fallen(days(28), NOW) is None
    assert fallen([], NOW) is None


def test_until_four_weeks_are_known_it_takes_five_times_as_many() -> None:
    assert fallen([*days(10, low=2), today(24, 9, 50.0)], NOW) is None
    assert fallen([*days(10, low=2), today(24, 10, 50.0)], NOW) is not None
