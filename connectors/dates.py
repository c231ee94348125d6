"""Dates as people and programs write them, in many languages: read whole, or not at all.

A text is taken apart into clock, zone, weekday, month and numbers. Whatever is left over makes it no date: half of a
date that was understood is another date. "03/04/2026" means two days; `readings` gives both, and `order_of` finds out
from the other dates beside it which order they are all written in. Pure; time in proportion to the (short) text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from connectors.date_words import FILLERS, MONTHS, WEEKDAYS, ZONE_AREAS, ZONE_MINUTES, fold

LONGEST = 100  # characters
AHEAD = timedelta(days=2)  # nothing is written later than this; less may be a zone that was left out

Order = Literal["dmy", "mdy", "ymd"]
ORDERS: tuple[Order, ...] = ("dmy", "mdy", "ymd")
# One dissenting date among so many is a slip of the pen, not another order.
FEW = 50
# So many different dates, spread over so many times less in one order than in any other, are written in that order.
ENOUGH, CLOSE, VERY_CLOSE = 3, 5, 50

_ISO = re.compile(
    r"\d{4}-(?:\d\d-\d\d|W\d\d-\d)(?:[Tt _]\d\d(?::\d\d(?::\d\d(?:[.,]\d{1,9})?)?)?(?:[Zz]|[+-]\d\d(?::?\d\d)?)?)?"
    r"|\d{8}(?:[Tt]\d{4}(?:\d\d(?:[.,]\d{1,9})?)?(?:[Zz]|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
_CLOCK = re.compile(
    r"(?:(?P<before>[ap]m|上午|下午|凌晨|早上|晚上|中午|午前|午後|오전|오후)\s*)?"
    r"(?<![\d:+-])(?P<hour>\d{1,2})"
    r"(?::(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,:](?P<fraction>\d{1,9}))?)?(?![\d:])"
    r"|\s?[時时點点시]\s?(?:(?P<minute2>\d{1,2})\s?[分분]\s?(?:(?P<second2>\d{1,2})\s?[秒초])?)?"
    r"|\s?h\s?(?P<minute3>\d{2})(?:\s?m(?:in)?\s?(?P<second3>\d{2})\s?s?)?(?![\w:])"
    r"|(?:[.:](?P<minute4>\d{2}))?(?=\s?(?:uhr|h|[ap]\.?\s?m)(?!\w)))"
    r"(?:\s?(?:uhr|h)(?!\w))?"
    r"(?:\s?(?P<after>[ap]\.?\s?m\b\.?|[πμ]\.?μ\b\.?|[صم](?!\w)))?"
)
# "10.15" is a clock only where a whole date stands beside it.
_DOTTED_CLOCK = re.compile(r"(?<=[\s,])(?P<hour>\d{1,2})\.(?P<minute>\d{2})(?:\.(?P<second>\d{2}))?(?=\s|$)")
_AFTERNOON = {"下午", "晚上", "中午", "午後", "오후", "pm", "p", "μ", "م"}
_OFFSET = re.compile(
    r"\s?\(?(?:(?:utc|gmt|ut|z)\s?)?(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d{2}))?(?::?00)?(?![\d/.])\)?"
)
_ASIDE = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\])\s*$")
_AREA = re.compile(r"\[?\b(?P<area>[a-z]+/[a-z_]+(?:/[a-z_]+)?)\b\]?")
_YEAR_MONTH_DAY = re.compile(
    r"(?P<era>令和|平成|民國|民国)?\s?(?P<year>\d{1,4}|元)\s?[年년]\s?(?P<month>\d{1,2})\s?[月월]\s?(?P<day>\d{1,2})\s?[日号號일]"
)
_ERAS = {"令和": 2018, "平成": 1988, "民國": 1911, "民国": 1911, None: 0}
_ASIAN_WEEKDAY = re.compile(
    r"\(?(?:(?:星期|礼拜|禮拜|周|週)[一二三四五六日天]|[月火水木金土日]曜日?|[월화수목금토일]요일)\)?"
)
_ASIAN_WEEKDAY_SHORT = re.compile(r"\([一二三四五六日月火水木金土월화수목금토일]\)")
_THREE = re.compile(r"(?<![\d.,/-])(\d{1,4})\s?([-/.])\s?(\d{1,2})\s?\2\s?(\d{1,4})(?![\d/-])\.?")
_AMERICAN = re.compile(
    r"\b(?P<first>[ecmp])(?:astern|entral|ountain|acific)(?: standard| daylight)? time\b(?: \(us & canada\))?"
    r"|(?<=[\dm] )(?P<short>[ecmp])t(?!\w)"
)
_TOKENS = re.compile(r"\d+|[^\s\d,;()\[\]|•·@/–—-]+")
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th|er|eme|o|a|º|ª|°|-?го)(?![^\W\d_])")
_BETWEEN = re.compile(r"(?<=\d)[t_](?=\d)|(?<=/\d{4}):(?=\d\d:\d\d)")
_BUDDHIST = 543


def moment(text: str, order: Order | None = None) -> datetime | None:
    """Read a time as aware UTC (without a zone it is UTC); None if it is none, or its order is not known."""
    found = readings(text)
    if len(found) == 1:
        return next(iter(found.values()))
    return found.get(order) if order else None


@lru_cache(maxsize=4_096)
def _readings(text: str) -> tuple[tuple[Order, datetime], ...]:
    return tuple(_read(text).items())


def readings(text: str) -> Mapping[Order, datetime]:
    """Every moment that a text may mean, by the order of its numbers; one that leaves no doubt stands alone."""
    if len(text) > LONGEST:
        return {}
    quick = _iso(text.strip())
    return {"ymd": quick} if quick else dict(_readings(text))


def without_future(found: Mapping[Order, datetime], now: datetime) -> Mapping[Order, datetime]:
    """Leave out the readings that lie ahead, if another one does not."""
    past = {order: at for order, at in found.items() if at <= now + AHEAD}
    return past or found


def order_of(column: Iterable[Mapping[Order, datetime]], now: datetime) -> Order | None:
    """Say in which order the dates of one column are written; None if nothing tells, or they contradict each other.

    What tells: a date that can be read one way only (no 17th month, nothing from the future); failing that, one order
    in which all of them are dates, stand sorted, or lie close together.
    """
    certain: Counter[Order] = Counter()
    doubtful: list[Mapping[Order, datetime]] = []
    for found in column:
        possible = without_future(found, now)
        if len(found) == 1 and "ymd" in found:
            continue  # names its own order
        if len(possible) == 1:
            certain.update(possible.keys())
        elif possible:
            doubtful.append(possible)
    if certain:
        (best, most), *others = certain.most_common()
        return best if sum(count for _, count in others) * FEW <= most else None
    columns = {order: [found[order] for found in doubtful if order in found] for order in ORDERS}
    whole = {order: times for order, times in columns.items() if times and len(times) == len(doubtful)}
    if len(whole) < 2:
        return next(iter(whole), None)
    different = len({tuple(found.values()) for found in doubtful})
    in_order = [order for order, times in whole.items() if times in (sorted(times), sorted(times, reverse=True))]
    if len(in_order) == 1 and different >= ENOUGH:
        return in_order[0]
    (span, nearest), (wider, _), *_ = sorted((max(times) - min(times), order) for order, times in whole.items())
    return nearest if span and wider / span >= (CLOSE if different >= ENOUGH else VERY_CLOSE) else None


def _iso(text: str) -> datetime | None:
    """Much the commonest, and far quicker than taking the text apart."""
    if not _ISO.fullmatch(text):
        return None
    try:
        return _utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None


def _utc(at: datetime) -> datetime | None:
    try:
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if 1971 <= at.year <= 9000 else None  # where 1970 is written, a time is missing


def _read(text: str) -> dict[Order, datetime]:
    folded = fold(text)
    whole = re.fullmatch(r"((?:19|20)\d{6})(\d{4})(\d{2})?", folded)
    if whole:
        return _all({"ymd": _iso(f"{whole[1]}T{whole[2]}{whole[3] or '00'}")})
    rest = _AMERICAN.sub(lambda found: ZONE_AREAS[found["first"] or found["short"]], _BETWEEN.sub(" ", folded))
    for pattern in (_CLOCK, _DOTTED_CLOCK):
        clock = pattern.search(rest)
        if clock is None:
            continue
        found = _at(rest, clock)
        if found or pattern is _CLOCK:
            return found
    return _days(rest, time(), timedelta(), None)


def _at(rest: str, clock: re.Match[str]) -> dict[Order, datetime]:
    """Read a date with its clock found."""
    read = _clock_of(clock)
    if read is None:
        return {}
    at, days = read
    before, after = rest[: clock.start()], rest[clock.end() :]
    zone: tzinfo | timedelta | None = None
    offset = _OFFSET.match(after)
    if offset:
        minutes = int(offset["hours"]) * 60 + int(offset["minutes"] or 0)
        if minutes > 14 * 60:
            return {}
        zone = timedelta(minutes=minutes if offset["sign"] == "+" else -minutes)
        after = _ASIDE.sub("", after[offset.end() :])
    return _days(f"{before} {after}", at, days, zone)


def _clock_of(match: re.Match[str]) -> tuple[time, timedelta] | None:
    """The time of day, and a day more for 24:00; None if there is no such time."""
    parts = match.groupdict()
    hour = int(parts["hour"])
    minute = int(next((parts[name] for name in parts if name.startswith("minute") and parts[name]), "0"))
    second = int(next((parts[name] for name in parts if name.startswith("second") and parts[name]), "0"))
    half = parts.get("before") or (parts.get("after") or "")[:1]
    if half == "μ" and str(parts.get("after")).startswith("μ"):
        half = "μ"
    if half:
        late = half in _AFTERNOON
        if hour > 12 and not late:
            return None
        if half not in {"中午"} and hour <= 12:
            hour = hour % 12 + (12 if late else 0)
    if hour == 24 and not minute and not second:
        return time(), timedelta(days=1)
    try:
        return time(hour, minute, min(second, 59), int((parts.get("fraction") or "0")[:6].ljust(6, "0"))), timedelta()
    except ValueError:
        return None


def _days(rest: str, at: time, days: timedelta, zone: tzinfo | timedelta | None) -> dict[Order, datetime]:
    """Read what is left when the clock is taken out: the day, its month and weekday, and perhaps the zone's name."""
    area = _AREA.search(rest)
    if area:
        place = _place(area["area"])
        zone = place if zone is None else zone
        rest = f"{rest[: area.start()]} {rest[area.end() :]}"
        if place is None:
            return {}
    asian = _YEAR_MONTH_DAY.search(rest)
    if asian:
        rest = _ASIAN_WEEKDAY_SHORT.sub(" ", _ASIAN_WEEKDAY.sub(" ", f"{rest[: asian.start()]} {rest[asian.end() :]}"))
    rest = _ASIAN_WEEKDAY.sub(" ", _ASIAN_WEEKDAY_SHORT.sub(" ", rest))
    three = None if asian else _numbers_alone(rest)
    if three:
        rest = rest.replace(three.group(), " ", 1)
    words, numbers = _words(_ORDINAL.sub(" ", rest))
    named = _named(words)
    if named is None:
        return {}
    month, zone_name, vietnamese = named
    if zone is None and zone_name:
        zone = timedelta(minutes=ZONE_MINUTES[zone_name])
    dates: dict[Order, date | None] = {}
    if asian and not numbers and not month:
        year = 1 if asian["year"] == "元" else int(asian["year"])
        dates["ymd"] = _date(_ERAS[asian["era"]] + year, int(asian["month"]), int(asian["day"]))
    elif three and not numbers and not month:
        dates = _orders(three[1], three[3], three[4], three[2])
    elif month and len(numbers) == 2 and not three:
        dates["ymd"] = _with_month(month, *numbers)
    elif vietnamese and len(numbers) == 3 and not three:
        dates["ymd"] = _date(_year(numbers[2]), int(numbers[1]), int(numbers[0]))
    return _all({order: _moment(day, at, days, zone) for order, day in dates.items()})


def _place(area: str) -> tzinfo | None:
    try:
        return ZoneInfo(area.title())
    except (KeyError, ValueError, OSError):
        return None


def _numbers_alone(rest: str) -> re.Match[str] | None:
    """Three numbers with one kind of sign between them, and nothing but words around."""
    found = _THREE.search(rest)
    return found if found and not re.search(r"\d", rest[: found.start()] + rest[found.end() :]) else None


def _words(rest: str) -> tuple[list[str], list[str]]:
    words, numbers = [], []
    for token in _TOKENS.findall(rest):
        if token[0].isdigit():
            numbers.append(token)
        elif token.strip(".'’:،"):
            words.append(token.strip(".'’:،"))
    return words, numbers


def _named(words: list[str]) -> tuple[int, str, bool] | None:
    """The month, the zone and whether it is Vietnamese's "ngày 28 tháng 11"; None if one of the words is unknown."""
    months = [word for word in words if word in MONTHS]
    if len(months) > 1:
        # "mar. 3 mar. 2026": what is both is the weekday where it comes first.
        months = [word for word in months if word not in WEEKDAYS] or months[-1:]
    month = MONTHS[months[0]] if months else 0
    if len({MONTHS[word] for word in months}) > 1:
        return None
    zone = ""
    for word in words:
        if (months and word == months[0]) or word in WEEKDAYS or word in FILLERS:
            continue
        if word in ZONE_MINUTES:
            zone = zone or word
            continue
        return None
    return month, zone, "thang" in words


def _orders(first: str, second: str, third: str, sign: str) -> dict[Order, date | None]:
    a, b, c = int(first), int(second), int(third)
    if len(first) == 4:
        return {"ymd": _date(a, b, c, western=sign == "-")} if len(third) <= 2 else {}
    if len(first) == 3 or len(third) not in {2, 4} or (len(third) == 2 and len(first) == 1 and sign == "."):
        return {}
    found: dict[Order, date | None] = {"dmy": _date(_year(third), b, a)}
    if sign != ".":
        found["mdy"] = _date(_year(third), a, b)
    if len(third) == len(first) == 2:
        found["ymd"] = _date(_year(first), b, c)
    return found


def _with_month(month: int, first: str, second: str) -> date | None:
    if len(first) == 4:
        return _date(int(first), month, int(second))
    return _date(_year(second), month, int(first)) if len(second) in {2, 4} and len(first) <= 2 else None


def _year(digits: str) -> int:
    number = int(digits)
    if len(digits) > 2:
        return number
    return number + (2000 if number < 69 else 1900)


def _date(year: int, month: int, day: int, *, western: bool = False) -> date | None:
    if 2500 < year < 2700 and not western:  # the Buddhist calendar
        year -= _BUDDHIST
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _moment(day: date | None, at: time, days: timedelta, zone: tzinfo | timedelta | None) -> datetime | None:
    if day is None:
        return None
    try:
        if isinstance(zone, timedelta):
            return _utc(datetime.combine(day, at) + days - zone)
        return _utc((datetime.combine(day, at) + days).replace(tzinfo=zone or UTC))
    except OverflowError:
        return None


def _all(found: Mapping[Order, datetime | None]) -> dict[Order, datetime]:
    """Keep what is a moment; two orders that mean the same moment are one."""
    kept: dict[Order, datetime] = {}
    for order, at in found.items():
        if at is not None and at not in kept.values():
            kept[order] = at
    return kept
