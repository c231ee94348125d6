"""The managers' letter: one row a week, brand and recipient, so never none and never two.

It is about the week that ended for its recipient, by their own clocks. What it says (`letter/`) is fixed when it is
queued, so that every attempt sends the same letter under the same Message-ID.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from email.utils import parseaddr
from hashlib import blake2b
from ipaddress import ip_address
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from alerts import Letter, hours
from alerts.email.digest import DigestView, digest_letter
from monitor.notify.rendering import no_link
from monitor.reports.letter import contents, quotes, week
from monitor.reports.letter.contents import Reader, brands_of, reader_of
from monitor.settings import overrides
from monitor.settings.rules import Rules
from monitor.store import deliveries, key_values, report_queries, web
from monitor.store.database import Database, at
from monitor.types import SignedLink

BEFORE_A_LETTER = timedelta(hours=1)
_WEEK = re.compile(r"([0-9]{4})-W([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Owed:
    """One letter: the brand it is about ("" where there is only one), whom it goes to, and its week."""

    brand: str
    target: str
    period: str
    moment: datetime

    @property
    def about(self) -> str:
        """What its delivery is about: every letter of a week begins alike."""
        return f"digest:{self.period}" + (f":{self.brand}" if self.brand else "")

    @property
    def key(self) -> str:
        """What its Message-ID is made of."""
        mark = blake2b(self.brand.encode(), digest_size=4).hexdigest()
        return f"digest-{self.period}" + (f"-{mark}" if self.brand else "")


@dataclass(frozen=True, slots=True)
class Written:
    """A letter, and the ids of the posts that it quotes, so that each of these can be forgotten."""

    letter: Letter
    posts: tuple[str, ...]


def queue_due(database: Database, rules: Rules, now: datetime, link: SignedLink = no_link) -> int:
    """Queue this week's letters that their recipients have not had, once the moment has come for them; how many.

    After days of downtime they come late, about the week that they were due for. Who unsubscribed gets none.
    """
    installed = key_values.fact(database, "installed_at")
    if not rules.settings.digest.to or not installed:
        return 0
    owed = [
        each
        for each in _owed(rules, recipients(database, rules), now)
        if at(installed) <= each.moment and not _had(database, rules, each)
    ]
    if not owed:
        return 0
    letters = {each: letter_to(database, rules, each, now, link=link) for each in owed}
    with database.transaction():
        mine = {
            each: letter
            for each, letter in letters.items()
            if key_values.take_period(database, f"{each.about}:{each.target}", now)
        }
        for each in mine:
            key_values.take_period(database, _day(each), now, json.dumps(brands_of(rules)))
        queue(database, mine, now)
    return len(mine)


def _owed(rules: Rules, targets: tuple[str, ...], now: datetime) -> list[Owed]:
    """Every letter whose moment came last, by the clocks of each recipient."""
    settings = rules.settings.digest
    found = []
    for target in targets:
        period, moment = hours.due_period(now, settings.weekday, settings.at, reader_of(rules, target).zone)
        found += [Owed(brand, target, period, moment) for brand in _several(rules)]
    return found


def _several(rules: Rules) -> tuple[str, ...]:
    """The brands that letters name; one alone is not named, for it may be renamed."""
    brands = brands_of(rules)
    return tuple(brands) if len(brands) > 1 else ("",)


def _had(database: Database, rules: Rules, owed: Owed) -> bool:
    """Whether this letter was queued: under this name of its brand, a former one, or before brands had their own.

    A brand that came after its day has none of that week: nobody looked for it then.
    """
    brands = [brand for brand in rules.settings.brands if owed.brand in ("", brand.name)]
    names = {name for brand in brands for name in (brand.name, *brand.was)}
    keys = {f"digest:{owed.period}", *(replace(owed, brand=name).about for name in names)}
    if any(key_values.has_period(database, f"{key}:{owed.target}") for key in keys):
        return True
    told = key_values.detail_of_period(database, _day(owed))
    return bool(told) and names.isdisjoint(json.loads(told))


def _day(owed: Owed) -> str:
    """The key under which is kept of which brands a recipient had letters of a week."""
    return f"digest of:{owed.period}:{owed.target}"


def about_to_be_quoted(database: Database, rules: Rules, now: datetime) -> list[str]:
    """The mentions that a letter may quote which is due within the hour, once for each letter: their networks are asked
    first whether they still stand."""
    found: list[str] = []
    for zone in dict.fromkeys(reader_of(rules, target).zone for target in rules.settings.digest.to):
        found += _quoted_in(database, rules, zone, now)
    return list(dict.fromkeys(found))


def _quoted_in(database: Database, rules: Rules, zone: ZoneInfo, now: datetime) -> list[str]:
    settings = rules.settings.digest
    period, moment = hours.due_period(now + BEFORE_A_LETTER, settings.weekday, settings.at, zone)
    key = f"digest asked:{period}" + ("" if zone == rules.settings.zone else f":{zone}")
    if moment <= now or not key_values.take_period(database, key, now):
        return []
    since = week.before(moment, zone)
    return [
        row["id"]
        for brand in brands_of(rules)
        for praise in (False, True)
        for row in report_queries.voices(database, since, moment, praise=praise, limit=quotes.MOST, brand=brand)
    ]


def recipients(database: Database, rules: Rules) -> tuple[str, ...]:
    """Whom the letter goes to: those whom settings name, less those who unsubscribed."""
    ended = overrides.ended_letters(web.desk_values(database))
    return tuple(to for to in dict.fromkeys(rules.settings.digest.to) if to not in ended)


def now_for(rules: Rules, targets: tuple[str, ...], now: datetime) -> list[Owed]:
    """A letter about the last seven days for each brand and target, outside the weekly order."""
    return [Owed(brand, to, f"now-{now:%Y%m%dT%H%M%S}", now) for to in targets for brand in _several(rules)]


def queue(database: Database, letters: Mapping[Owed, Written], now: datetime) -> None:
    """Put letters into the outbox, one delivery each, with the posts that they quote."""
    deliveries.queue(
        database,
        [
            deliveries.new_row(
                about=owed.about,
                target=owed.target,
                now=now,
                due_at=now,
                reason="the week",
                payload={
                    "subject": written.letter.subject,
                    "html": written.letter.html,
                    "text": written.letter.text,
                    "headers": written.letter.headers,
                    "posts": list(written.posts),
                },
            )
            for owed, written in letters.items()
        ],
    )


def letter_of(
    database: Database,
    rules: Rules,
    until: datetime,
    *,
    key: str,
    brand: str = "",
    reader: Reader | None = None,
    now: datetime | None = None,
) -> Letter:
    """The letter about the week that ended at `until`, to no one in particular; written `now`, where that is later."""
    return digest_letter(contents.view(database, rules, until, brand=brand, reader=reader, now=now), key)


def letter_to(database: Database, rules: Rules, owed: Owed, now: datetime, *, link: SignedLink) -> Written:
    """One recipient's letter: in their zone, in their languages first, and by mail with the way to end it."""
    # Of one brand alone, too, only its own week: another may have been in the settings until this one.
    brand = owed.brand or next(iter(brands_of(rules)), "")
    view = contents.view(database, rules, owed.moment, brand=brand, reader=reader_of(rules, owed.target), now=now)
    return Written(digest_letter(_with_an_end(rules, view, owed.target, link), owed.key), view.posts)


def _with_an_end(rules: Rules, view: DigestView, target: str, link: SignedLink) -> DigestView:
    kinds = {channel.name: channel.kind for channel in rules.settings.channels}
    if kinds.get(target.partition(":")[0]) != "email":
        return view  # anybody in a channel could press it
    url = link("", target, "letters") if _page(rules) else ""
    if url:
        # RFC 8058 asks for https; elsewhere the link still opens a page with a button.
        return replace(view, unsubscribe_url=url, unsubscribe_one_click=url.startswith("https://"))
    mail, ask = _whom_to_ask(rules)
    return replace(view, unsubscribe_mail=mail or _sender(rules), unsubscribe_ask=ask)


def end_of_week(rules: Rules, name: str, zone: ZoneInfo) -> datetime | None:
    """When the letter about a week ("2026-W48") is due: the seven days before it hold that week's Thursday.

    None where that is not the name of a week.
    """
    found = _WEEK.fullmatch(name)
    try:
        thursday = date.fromisocalendar(int(found[1]), int(found[2]), 4) if found else None
    except ValueError:
        thursday = None
    if thursday is None:
        return None
    settings = rules.settings.digest
    noon = hours.moment_of(thursday, time(12), zone)
    _, moment = hours.due_period(noon + timedelta(days=7), settings.weekday, settings.at, zone)
    return moment


def _page(rules: Rules) -> str:
    """The page's address, if somebody else than this machine can open it."""
    host = urlsplit(rules.settings.earful.page_url).hostname or ""
    try:
        local = ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost" or host.endswith(".localhost")
    return "" if local else rules.settings.earful.page_url


def _sender(rules: Rules) -> str:
    """Whom the letter comes from, where it goes by mail: a mail there asks for no more of them."""
    channels = {channel.name: channel for channel in rules.settings.channels}
    for target in rules.settings.digest.to:
        channel = channels.get(target.partition(":")[0])
        if channel is not None and channel.kind == "email":
            return parseaddr(str(channel.options.sender))[1]
    return ""


def _whom_to_ask(rules: Rules) -> tuple[str, str]:
    """(mail address or "", words) of who can take somebody off the letter: the operator, else who leads, by a mail."""
    channels = {channel.name: channel.kind for channel in rules.settings.channels}
    for target in rules.settings.operator:
        name, _, address = target.partition(":")
        if channels.get(name) == "email" and address:
            return address, f"write to {address}, who runs Earful for you"
    for role in ("admin", "lead"):
        for person in rules.settings.people:
            if person.role == role:
                where = f" ({person.email})" if person.email else ""
                return person.email, f"ask {person.name}{where}, who can take you off"
    return "", "ask whoever runs Earful for you; your address is in its settings, under [digest] to"
