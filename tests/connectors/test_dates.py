"""Dates: what people and programs write, in their languages, read whole or not at all."""

# ruff: noqa: E501 (wide letters count twice)

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import dates
from connectors.text import parse_time

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
AT = datetime(2026, 11, 28, 14, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-28 14:15:00 UTC", "2026/11/28 14:15", "2026/11/28 14:15:00", "2026.11.28 14:15", "28.11.2026 14:15",
        "28-Nov-2026 02:15PM", "Nov 28, 2026 2:15 PM", "November 28th, 2026 at 2:15pm", "28 Nov '26, 14:15",
        "Sat Nov 28 14:15:00 UTC 2026", "Sat, 28 Nov 26 14:15:00 +0000", "Saturday, 28-Nov-26 14:15:00 GMT",
        "Sat Nov 28 2026 15:15:00 GMT+0100 (Central European Standard Time)", "2026-11-28 15:15:00 +0100 CET",
        "2026-11-28T15:15:00+01:00[Europe/Berlin]", "2026-11-28 15:15 Europe/Berlin", "11/28/2026 09:15:00 AM EST",
        "11/28/2026 6:15 AM PT", "Nov 28, 2026, 6:15:00 AM Pacific Time", "20261128141500", "202611281415",
        "2026年11月28日 14時15分", "2026年11月28日 星期六 下午2:15", "令和8年11月28日(土) 午後2時15分", "民國115年11月28日 14:15",
        "2026년 11월 28일 오후 2:15", "2026. 11. 28. 오후 2:15:00", "28 พ.ย. 2569 เวลา 14:15 น.", "28/11/2569 14:15", "２０２６/１１/２８ １４:１５",
        "28 ноября 2026 г. в 14:15", "сб, 28 лист. 2026 14:15", "sob., 28 lis 2026 14:15", "28 listopada 2026 r. 14:15",
        "sábado, 28 de noviembre de 2026 14:15", "28 de nov. de 2026, 2:15 p. m.", "sam. 28 nov. 2026 à 14h15",
        "Samstag, 28. November 2026 um 14:15 Uhr", "Sa, 28.11.2026, 14.15 Uhr", "28 november 2026 kl. 14.15",
        "28 Kasım 2026 Cumartesi 14:15", "2026. november 28., szombat 14:15", "28 Νοεμβρίου 2026, 2:15 μ.μ.",
        "28. marraskuuta 2026 klo 14.15", "28 tháng 11, 2026 14:15", "٢٨ نوفمبر ٢٠٢٦ ٢:١٥ م", "28 नवंबर 2026 14:15",
        "28/Nov/2026:14:15:00 +0000", "2026-11-28 PM 2:15", "2026-11-28 14.15", "Saturday, November 28, 2026 - 14:15",
        "2:15 PM · Nov 28, 2026", "29 Nov 2026, 00:15 (UTC+10)", "20261128T141500Z", "2026-W48-6 14:15",
        "1795875300", "1795875300000", "1795875300000000", "/Date(1795875300000)/",
    ],
)  # fmt: skip
def test_a_date_is_read_in_whatever_shape_and_language_it_is_written(written: str) -> None:
    assert parse_time(written) == AT


@pytest.mark.parametrize(
    "written",
    [
        "yesterday", "3 days ago", "28 Nov", "Nov 2026", "14:15", "2026-13-45", "30/02/2026", "v1.2.2026", "2026/28/11",
        "2026-11-28 foo", "28/11/2026 to 29/11/2026", "1/2/3/2026", "2026-11-28 14:15 XYZ", "Sat, 28 Nov 2026 25:15 GMT",
        "Call me on 28/11/2026 please", "28 Nov Dec 2026", "2026-11-28 13:15 AM", "２", "9" * 400, "11月28日",
    ],
)  # fmt: skip
def test_half_of_a_date_is_none(written: str) -> None:
    assert parse_time(written) is None


def test_midnight_has_two_names() -> None:
    assert parse_time("2026-11-28T24:00:00Z") == parse_time("2026-11-29 00:00") == datetime(2026, 11, 29, tzinfo=UTC)


def test_noon_and_midnight_by_the_twelve_hour_clock() -> None:
    assert [parse_time(f"Nov 28, 2026 {clock}") for clock in ("12:05 AM", "12:05 PM")] == [
        datetime(2026, 11, 28, hour, 5, tzinfo=UTC) for hour in (0, 12)
    ]


def test_a_date_that_two_orders_read_differently_is_nobodys_guess() -> None:
    assert parse_time("03/04/2026") is None
    assert dates.moment("03/04/2026", "dmy") == datetime(2026, 4, 3, tzinfo=UTC)
    assert dates.moment("03/04/2026", "mdy") == datetime(2026, 3, 4, tzinfo=UTC)
    assert dates.moment("05/05/2026") == datetime(2026, 5, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("column", "order"),
    [
        (["11/03/2026", "11/17/2026"], "mdy"),
        (["03/11/2026", "17/11/2026"], "dmy"),
        (["26/11/03", "26/11/28"], "ymd"),
        (["26.11.03", "26.11.17", "26.10.30"], "ymd"),  # of one year, not of fifteen
        (["03/11/26", "17/11/26"], "dmy"),
        (["11/03/2026", "12/24/2026"], "mdy"),
        (["12/10/2026", "01/11/2026"], "dmy"),  # the other way, the first lies ahead
        (["11/03/2026", "28/11/2026", "11/28/2026"], None),
        (["11/03/2026", "04/05/2026"], None),
        (["11/03/2026", "11/05/2026", "11/09/2026"], "mdy"),  # a week, not half a year
        (["03/11/2026", "05/11/2026", "09/11/2026"], "dmy"),
        (["11/03/2026", "11/05/2026"], None),
        (["02/01/2026", "02/09/2026", "03/01/2026", "03/02/2026"], "mdy"),  # sorted, the one way
        (["01/02/2026", "05/01/2026", "09/03/2026"], "mdy"),  # sorted, though it takes longer
        (["2026-11-03", "11/03/2026"], None),
        ([], None),
    ],
)
def test_a_column_is_read_one_way_by_its_own_evidence(column: list[str], order: str | None) -> None:
    assert dates.order_of(map(dates.readings, column), NOW) == order


def test_one_slip_among_many_is_not_another_order() -> None:
    column = [f"11/{day}/2026" for day in range(13, 28)] * 5
    assert dates.order_of(map(dates.readings, [*column, "27/11/2026"]), NOW) == "mdy"
    assert dates.order_of(map(dates.readings, [*column[:20], "27/11/2026"]), NOW) is None


@given(st.datetimes(datetime(1980, 1, 1), datetime(2060, 1, 1)))
def test_every_day_is_the_same_day_in_all_shapes(at: datetime) -> None:
    at = at.replace(microsecond=0, tzinfo=UTC)
    shapes = (
        f"{at:%Y/%m/%d %H:%M:%S}", f"{at:%d.%m.%Y %H:%M:%S}", f"{at:%B %d, %Y %I:%M:%S %p}", f"{at:%a, %d %b %Y %H:%M:%S} Z",
        f"{at.year}年{at.month}月{at.day}日 {at:%H:%M:%S}", f"{at + timedelta(hours=9):%d-%b-%Y %H:%M:%S} JST",
        f"{at:%a %b %d %H:%M:%S} +0000 {at.year}",
    )  # fmt: skip
    assert [parse_time(shape) for shape in shapes] == [at] * len(shapes)
    assert dates.moment(f"{at:%m/%d/%Y %I:%M:%S %p}", "mdy") == at
    assert dates.moment(f"{at:%d/%m/%Y %H:%M:%S}", "dmy") == at


@given(st.text(max_size=120) | st.from_regex(r"[\d/.: -]{1,40}", fullmatch=True))
def test_nothing_written_is_an_error(text: str) -> None:
    for found in dates.readings(text).values():
        assert found.tzinfo is UTC
        assert 1971 <= found.year <= 9000


@pytest.mark.parametrize("text", ["1:" * 49, "a" * 99, "(" * 99, "28/" * 33, " " * 99 + "x", "\u0301" * 99])
def test_no_text_takes_long(text: str) -> None:
    assert dates.readings(text) == {}
