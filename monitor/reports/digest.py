"""The managers' letter: one row a week and recipient, so never none and never two.

It leads with the people who still wait. It says what was not seen, and marks small numbers as small. What it says is
fixed when it is queued, so that every attempt sends the same letter under the same Message-ID.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import parseaddr
from ipaddress import ip_address
from urllib.parse import urlsplit

from alerts import Letter, hours
from alerts.email.templates import DigestView, FigureLine, SourceLine, UnansweredLine, VoiceLine, digest_letter
from alerts.wording import count_words, excerpt, span_words
from connectors import Post
from monitor.notify.rendering import no_link
from monitor.reports import formatting, statistics
from monitor.reports.definitions import Share, negative_share
from monitor.settings import overrides
from monitor.settings.rules import Rules
from monitor.store import cases, deliveries, key_values, mentions, report_queries, sources, web
from monitor.store.database import Database, Row, at, instant
from monitor.types import SignedLink

OLDEST = 5
SMALL = 30  # fewer mentions than this, and a share says little
AFTERMATH = timedelta(weeks=4)  # people who were helped write again within weeks, if at all
MOST_VOICES = 40  # looked at for the few that are quoted
MOST_GAPS = 12  # lines of what was not seen


def queue_due(database: Database, rules: Rules, now: datetime, link: SignedLink = no_link) -> int:
    """Queue this week's letter for every recipient who has not had it, once its moment has come; how many.

    After days of downtime it comes late, about the week that it was due for. Who asked for no more gets none.
    """
    settings = rules.settings.digest
    period, moment = hours.due_period(now, settings.weekday, settings.at, rules.settings.zone)
    installed = key_values.fact(database, "installed_at")
    if not settings.to or not installed or at(installed) > moment:
        return 0
    wanted = recipients(database, rules)
    missing = [to for to in wanted if not key_values.has_period(database, f"digest:{period}:{to}")]
    if not missing:
        return 0
    letters = letters_to(database, rules, moment, missing, key=f"digest-{period}", link=link)
    with database.transaction():
        mine = {
            to: each for to, each in letters.items() if key_values.take_period(database, f"digest:{period}:{to}", now)
        }
        queue(database, mine, period, now)
    return len(mine)


BEFORE_A_LETTER = timedelta(hours=1)


def about_to_be_quoted(database: Database, rules: Rules, now: datetime) -> list[str]:
    """The mentions that a letter may quote which is due within the hour, once for each letter: their networks are asked
    first whether they still stand."""
    settings = rules.settings.digest
    if not settings.to:
        return []
    period, moment = hours.due_period(now + BEFORE_A_LETTER, settings.weekday, settings.at, rules.settings.zone)
    if moment <= now or not key_values.take_period(database, f"digest asked:{period}", now):
        return []
    since = _week_before(rules, moment)
    return [
        row["id"]
        for praise in (False, True)
        for row in report_queries.voices(database, since, moment, praise=praise, limit=MOST_VOICES)
    ]


def recipients(database: Database, rules: Rules) -> tuple[str, ...]:
    """Whom the letter goes to: those whom settings name, less those who asked for no more."""
    ended = overrides.ended_letters(web.desk_values(database))
    return tuple(to for to in dict.fromkeys(rules.settings.digest.to) if to not in ended)


def queue(database: Database, letters: Mapping[str, Letter], period: str, now: datetime) -> None:
    """Put letters into the outbox, by recipient, one delivery each."""
    deliveries.queue(
        database,
        [
            deliveries.new_row(
                about=f"digest:{period}",
                target=target,
                now=now,
                due_at=now,
                reason="the week",
                payload={
                    "subject": letter.subject,
                    "html": letter.html,
                    "text": letter.text,
                    "headers": letter.headers,
                },
            )
            for target, letter in letters.items()
        ],
    )


def letter_of(database: Database, rules: Rules, until: datetime, *, key: str) -> Letter:
    """The letter about the week that ended at `until`, to no one in particular."""
    return digest_letter(view(database, rules, until), key)


def letters_to(
    database: Database, rules: Rules, until: datetime, targets: Sequence[str], *, key: str, link: SignedLink
) -> dict[str, Letter]:
    """The same letter for each target, but for its end: a mail says how that recipient gets no more of them."""
    same, (mail, ask) = view(database, rules, until), _whom_to_ask(rules)
    kinds = {channel.name: channel.kind for channel in rules.settings.channels}
    found = {}
    for target in targets:
        mine = same
        url = link("", target, "letters") if _page(rules) else ""
        if kinds.get(target.partition(":")[0]) != "email":
            pass  # anybody in a channel could press it
        elif url:
            # RFC 8058 asks for https; elsewhere the link still opens a page with a button.
            mine = replace(same, unsubscribe_url=url, unsubscribe_one_click=url.startswith("https://"))
        else:
            mine = replace(same, unsubscribe_mail=mail or _sender(rules), unsubscribe_ask=ask)
        found[target] = digest_letter(mine, key)
    return found


def view(database: Database, rules: Rules, until: datetime) -> DigestView:
    """What the letter says, as plain values."""
    zone = rules.settings.zone
    since = _week_before(rules, until)
    before = _week_before(rules, since)
    now_rows, before_rows = (
        report_queries.by_source(database, since, until),
        report_queries.by_source(database, before, since),
    )
    first = instant(report_queries.first_mention_at(database))
    first_week = first is None or first >= since
    installed = instant(key_values.fact(database, "installed_at"))
    whole = not first_week and (installed is None or installed <= before)  # else a part of a week is no measure
    waiting = report_queries.count_unanswered(database, since, until)
    mentions_now = _total(now_rows, "mentions")
    not_seen = _not_seen(database, rules, since, until)
    notes = [*_notes(database, since, until, waiting), *_offers(database, rules)]
    if not whole and not first_week and installed is not None:
        day = installed.astimezone(zone)
        notes.append(
            f"No comparison with the week before, which was incomplete: Earful started on {day:%a} {_day(day)}."
        )
    if not mentions_now and not not_seen:
        names = [name for name, source in rules.sources.items() if source.enabled]
        notes.append(f"All sources were read: {', '.join(names)}.")
    start, end = since.astimezone(zone), (until - timedelta(seconds=1)).astimezone(zone)
    return DigestView(
        title=", ".join(brand.name for brand in rules.settings.brands) + ": your week",
        period_words=f"{start:%a} {_day(start)} to {end:%a} {_day(end)} {end:%Y}",
        brands=tuple(brand.name for brand in rules.settings.brands),
        unanswered=_unanswered(database, report_queries.unanswered(database, until, OLDEST), until),
        unanswered_count=waiting["called"],
        mentions=mentions_now,
        negative_share=_share(now_rows).value,
        judged=_share(now_rows).base,
        mentions_before=_total(before_rows, "mentions") if whole else None,
        negative_share_before=_share(before_rows).value if whole else None,
        small=0 < mentions_now < SMALL,
        by_source=tuple(
            SourceLine(row["source"], int(row["mentions"]), int(row["negative"]), _share([row]).value)
            for row in now_rows
        ),
        voices=_voices(database, rules, since, until),
        figures=_figures(database, rules, since, until, before if whole else None),
        not_seen=not_seen,
        notes=tuple(notes),
        first_week=first_week,
        page_url=rules.settings.earful.page_url,
    )


def _week_before(rules: Rules, moment: datetime) -> datetime:
    """A week earlier by the desk's clock, so that weeks meet without a gap also when the clocks change."""
    local = moment.astimezone(rules.settings.zone)
    return hours.moment_of(local.date() - timedelta(days=7), local.time(), rules.settings.zone)


def _day(local: datetime) -> str:
    return f"{local.day} {local:%b}"


def _total(rows: list[Row], column: str) -> int:
    return sum(int(row[column]) for row in rows)


def _share(rows: list[Row]) -> Share:
    return negative_share(_total(rows, "negative"), _total(rows, "known"))


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


def _unanswered(database: Database, rows: list[Row], until: datetime) -> tuple[UnansweredLine, ...]:
    told = mentions.of_cases(database, [row["id"] for row in rows])
    lines = []
    for row in rows:
        all_posts = told.get(row["id"], [])
        posts = [mention.post for mention in all_posts if mention.verdict.lane != "none"]
        posts = posts or [mention.post for mention in all_posts]
        last = posts[-1] if posts else None
        lines.append(
            UnansweredLine(
                age_words=span_words(until - cases.case_of(row).waits_since),
                headline=f"{row['author'] or 'somebody'} on {row['source']}",
                excerpt=(last.text or last.title) if last else "",
                url=last.url if last else "",
                owner=row["owner"],
            )
        )
    return tuple(lines)


def _voices(database: Database, rules: Rules, since: datetime, until: datetime) -> tuple[VoiceLine, ...]:
    """What people said, each person and each text once; what we say ourselves is no voice."""
    found: list[VoiceLine] = []
    heard: set[str] = set()
    for praise, kind, limit in ((False, "complaint", 3), (True, "praise", 2)):
        left = limit
        for row in report_queries.voices(database, since, until, praise=praise, limit=MOST_VOICES):
            words = excerpt(row["text"] or row["title"], 240)
            post = Post(row["source"], "-", "", row["author"], "", until)
            told = {f"{row['source']}/{row['author']}" if row["author"] else "", words.casefold()[:60]} - {""}
            if not left or not words or told & heard or rules.is_own(post) or rules.is_ignored(post):
                continue
            heard |= told
            left -= 1
            found.append(VoiceLine(words, f"{row['author'] or 'somebody'} on {row['source']}", row["url"], kind))
    return tuple(found)


def _figures(
    database: Database, rules: Rules, since: datetime, until: datetime, before: datetime | None
) -> tuple[FigureLine, ...]:
    now = statistics.whole_span(database, rules, since, until)
    earlier = None if before is None else statistics.whole_span(database, rules, before, since)
    return formatting.lines(now, earlier)


def _not_seen(database: Database, rules: Rules, since: datetime, until: datetime) -> tuple[str, ...]:
    """What was not read in this span, in the desk's zone: gaps, and sources that fail or are paused at its end."""
    zone = rules.settings.zone
    rows = [row for row in sources.gaps_since(database, since) if at(row["start_at"]) < until]
    lines = []
    for row in rows:
        if row["reason"].endswith(sources.READ_AGAIN) and any(_overlap(row, other) for other in rows):
            continue  # the connector says more exactly what is missing
        start, end = at(row["start_at"]).astimezone(zone), at(row["end_at"]).astimezone(zone)
        first = f"{start:%a %H:%M}" if at(row["start_at"]) >= since else f"{start:%a} {_day(start)} {start:%H:%M}"
        last = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%a %H:%M}"
        lines.append(f"{row['source']} not read {first}-{last}: {row['reason']}")
    if len(lines) > MOST_GAPS:
        lines = [*lines[:MOST_GAPS], f"and {len(lines) - MOST_GAPS} more; earful status lists them"]
    for name, health in sources.all_health(database).items():
        source = rules.sources.get(name)
        since_when = health.failing_since or health.paused_at
        if source is not None and source.enabled and since_when is not None and since_when < until:
            begun = since_when.astimezone(zone)
            why = health.last_error if health.failing_since else "paused"
            lines.append(f"{name} not read since {begun:%a} {_day(begun)} {begun:%H:%M}: {why}")
    return tuple(lines)


def _overlap(row: Row, other: Row) -> bool:
    same = row["source"] == other["source"] and not other["reason"].endswith(sources.READ_AGAIN)
    return bool(same and row["start_at"] <= other["end_at"] and other["start_at"] <= row["end_at"])


def _offers(database: Database, rules: Rules) -> list[str]:
    """What staff said "not us" of again and again, so that somebody says yes or no to muting it."""
    rows = key_values.mutes(database, offered=True)
    lines = [f"Mute {overrides.mute_words(row['kind'], row['value'])}? {row['who']}." for row in rows[:OLDEST]]
    if not lines:
        return []
    page = _page(rules)
    where = f"on the page Desk, {page.rstrip('/')}/desk" if page else "on the page Desk, or with earful mute list"
    more = f" {len(rows) - len(lines)} more are listed there." if len(rows) > len(lines) else ""
    return [*lines, f"Accept or decline {where}.{more}"]


def _notes(database: Database, since: datetime, until: datetime, waiting: dict[str, int]) -> list[str]:
    notes = []
    called, wrong = report_queries.called_between(database, since, until)
    if called:
        were = "was" if wrong == 1 else "were"
        relevant = "The one alert was relevant." if called == 1 else f"All {called:,} alerts were relevant."
        notes.append(f"{wrong} of {count_words(called, 'alert')} {were} not relevant." if wrong else relevant)
    if waiting["sweep"]:
        stand = "it is" if waiting["sweep"] == 1 else "they are"
        notes.append(f"{count_words(waiting['sweep'], 'more post')} may need an answer; {stand} in the sweep list.")
    if waiting["praise"]:
        notes.append(f"{count_words(waiting['praise'], 'post')} of praise this week without a thank-you yet.")
    if waiting["late"]:
        late = count_words(waiting["late"], "complaint was", "complaints were")
        notes.append(f"{late} found too late to alert anyone; earful cases lists what is open.")
    unjudged = formatting.unjudged_words(database, since, "the week")
    if unjudged:
        notes.append(unjudged)
    held = formatting.aftermath_words(
        statistics.aftermath(database, until - AFTERMATH, until), " in the last four weeks"
    )
    return [*notes, held] if held else notes
