"""Commands that show cases, and the one that says something of a case."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.cells import cell_len
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from alerts import hours
from alerts.wording import excerpt, span_words
from connectors.durations import span
from connectors.text import clean
from monitor.cases import actions, do_not_contact, expiry, verbs
from monitor.cli import assistant, drafting, issues, replying
from monitor.cli.base import AsJson, Failed, Limit, app, console, opened, print_json, settings_path, speaker
from monitor.cli.mentions import Brand, Since, SourceName, must_be_known, since_of, tell_nothing, when
from monitor.notify import case_words
from monitor.people.identity import Actor, Directory, settings_name
from monitor.service.console_view import command
from monitor.service.scheduler import utc_now
from monitor.store import case_log, cases, deliveries, key_values, mentions
from monitor.store.database import Row, at, stamp
from monitor.text.normalize import safe_line
from monitor.types import Mention
from monitor.web import case_timeline
from monitor.wiring import Assembly

_BEYOND = ("reply", "draft", "issue")  # what speaks to somebody else, and needs secrets for it
_MORE_VERBS = (*_BEYOND, "translate", "do-not-contact", "may-contact")


def case_json(assembly: Any, row: Row, told: list[deliveries.Delivery]) -> dict[str, Any]:
    """A case as the JSON object that scripts read."""
    case = cases.case_of(row)
    moments = (
        "opened_at", "first_posted_at", "last_posted_at", "due_at", "acknowledged_at", "answered_at", "closed_at",
        "snoozed_until", "waiting_until", "next_step_at", "claim_expires_at",
    )  # fmt: skip
    return {
        "id": case.id,
        "brand": case.brand,
        "source": case.source,
        "author": case.author,
        "thread": case.thread,
        "state": case.state_at(utc_now()),
        "lane": case.lane,
        "priority": case.priority,
        "priority_reasons": list(case.priority_reasons),
        "need": row["need"],
        **{name: row[name] or None for name in moments},
        "owner": case.owner or None,
        "owner_id": case.owner_id or None,
        "answered_by": case.answered_by or None,
        "sent_on": case.sent_on,
        "outcome": case.outcome or None,
        "why": case.why or None,
        "wants": case.wants or None,
        "tags": list(case.own_tags),
        "story": case.story_id,
        "quiet": case.quiet,
        "mentions": [mention.id for mention in mentions.of_case(assembly.database, case.id)],
        "deliveries": [
            {
                "channel": each.channel,
                "target": each.target,
                "step": each.step,
                "state": each.state,
                "attempts": each.attempts,
                "sent_at": stamp(each.sent_at) or None,
                "error": each.error or None,
            }
            for each in told
        ],
    }


@app.command("cases")
def cases_(
    brand: Brand = "",
    source: SourceName = "",
    flagged: Annotated[bool, typer.Option("--flagged", help="Only flagged posts.")] = False,
    only_open: Annotated[bool, typer.Option("--open", help="Only open cases.")] = False,
    owner: Annotated[str, typer.Option("--owner", help="Only this person's cases.")] = "",
    since: Since = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List cases, the most urgent unanswered one first."""
    with opened() as assembly:
        must_be_known(assembly, brand, source)
        directory = Directory(assembly.database, assembly.settings)
        person = directory.find(owner)
        if owner and person is None and not cases.find(assembly.database, cases.Filter(owner=owner, limit=1)):
            raise Failed(f"--owner: {directory.nobody(clean(owner))}")
        wanted = cases.Filter(
            brand=brand, source=source, lane="ping" if flagged else "",
            owner=person.id if person is not None else owner, only_open=only_open,
            since=since_of(since), limit=limit,
        )  # fmt: skip
        rows = cases.find(assembly.database, wanted)
        if as_json:
            told = deliveries.of_cases(assembly.database, {row["id"]: row["story_id"] for row in rows})
            for row in rows:
                print_json(case_json(assembly, row, told[row["id"]]))
            return
        in_list = 0 if flagged else cases.count(assembly.database, replace(wanted, lane="sweep"))
        _case_table(assembly, rows, in_list)


def _case_table(assembly: Any, rows: list[Row], in_list: int) -> None:
    """One line a case; what may need an answer apart, below those that people are called for."""
    if not rows:
        tell_nothing("case")
        return
    called = [row for row in rows if row["lane"] != "sweep"]
    listed = [row for row in rows if row["lane"] == "sweep"]
    if called:
        console.print(_table_of(assembly, called))
    if listed:
        first = f", the first {len(listed):,}" if in_list > len(listed) else ""
        head = f"May need an answer ({in_list:,}{first}):"
        console.print(Text(f"{'' if not called else chr(10)}{head}", "dim"))
        console.print(_table_of(assembly, listed))
    console.print(Text(f"{len(rows)} shown. Details of a case: {command(settings_path())} case ID", "dim"))


def _table_of(assembly: Any, rows: list[Row]) -> Table:
    now, zone = utc_now(), assembly.settings.zone
    words = mentions.of_cases(assembly.database, [row["id"] for row in rows])
    several = len({row["source"] for row in rows}) > 1 and console.width >= 76  # else the words have no room
    wide = console.width >= 110
    most = {"state": 18 if wide else 12, "source": 12, "who": 24 if wide else 14}
    names = ["case", "urgency", "state", *(["since"] if wide else []), "due", *(["source"] if several else []), "who"]
    lines = [_cells(row, words.get(row["id"], []), now, zone, wide=wide, several=several) for row in rows]
    told = [at for at, _ in enumerate(names) if any(str(line[at]) for line in lines)]  # what no case has is no column
    names, lines = [names[at] for at in told], [[*(line[at] for at in told), line[-1]] for line in lines]
    taken = [
        min(max(cell_len(name), *(cell_len(str(line[at])) for line in lines)), most.get(name, 40))
        for at, name in enumerate(names)
    ]
    left = max(console.width - sum(taken) - 2 * len(names), 20)  # so that a case is one line
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        table.add_column(name, justify="right" if name == "case" else "left", no_wrap=True, max_width=most.get(name))
    table.add_column("says", ratio=1 if console.width < 60 else None)
    for line in lines:
        table.add_row(*line[:-1], Text(excerpt(str(line[-1]), left)))
    return table


_PRIORITY_STYLES = {"critical": "bold red", "urgent": "red", "normal": "", "gentle": "dim"}


def _cells(
    row: Row, said: list[Mention], now: datetime, zone: ZoneInfo, *, wide: bool, several: bool
) -> list[Text | str]:
    case = cases.case_of(row)
    told = [each for each in said if each.flagged] or said
    state = case.state_at(now)
    waits = state in {"open", "taken"} and case.due_at is not None
    late = waits and case.due_at is not None and case.due_at < now
    return [
        case.id,
        Text("" if case.lane == "sweep" else case.priority, _PRIORITY_STYLES[case.priority]),
        Text(safe_line(f"{state} {case.owner}" if state == "taken" else state)),
        *([when(case.first_posted_at, now, zone)] if wide else []),
        Text(when(case.due_at, now, zone) if waits and case.due_at else "", "red" if late else ""),
        *([Text(safe_line(case.source))] if several else []),
        Text(safe_line(case.author) or "somebody"),
        _why(row, said) + (case_words.words_of(told[-1]) if told else "(deleted by its author)"),
    ]


def _why(row: Row, said: list[Mention]) -> str:
    """Of an entry of the list the reason why it is there, before its words; the others have their urgency."""
    worst = case_words.worst_of(said)
    if row["lane"] != "sweep" or worst is None:
        return ""
    return f"{case_words.why_listed(worst)[0].partition(': ')[0]} · "


def _contact(assembly: Any, case_id: str, verb: str, who: Actor, now: datetime) -> str:
    """Set that the author of a case is not to be contacted, or end it."""
    found = cases.one(assembly.database, case_id)
    if found is None or not found.author:
        raise Failed(f"there is no case {case_id} of anybody by name; earful cases lists all cases")
    sets = verb == "do_not_contact"
    with assembly.database.transaction():
        change = do_not_contact.set_for if sets else do_not_contact.end_for
        done = change(assembly.database, found, who, "command line", now)
    name = do_not_contact.key_of(found.source, found.author)
    if not done:
        return f"{name} is {'already' if sets else 'not'} set as not to be contacted"
    if not sets:
        return f"{name} may be contacted again"
    return f"{name} is not to be contacted; end it with: earful case {case_id} may-contact. The case stays open"


def _beyond(assembly: Assembly, case_id: str, verb: str, name: str, text: str, now: datetime) -> None:
    match verb:
        case "reply":
            show = partial(_conversation, assembly, case_id, assembly.settings.zone)
            replying.reply(assembly, case_id, name, text, now, show)
        case "draft":
            drafting.draft(assembly, case_id, name, now)
        case "issue":
            issues.issue(assembly, case_id, name, text, now)


@app.command()
def case(
    case_id: Annotated[str, typer.Argument(metavar="ID", help="The case's number.")],
    verb: Annotated[
        str,
        typer.Argument(metavar="[VERB]", help=f"The action: {', '.join((*verbs.VERBS, *_MORE_VERBS))}."),
    ] = "",
    as_: Annotated[str, typer.Option("--as", help="Act as this person. Default: you.")] = "",
    outcome: Annotated[str, typer.Option(help=f"Required with close: {', '.join(verbs.OUTCOMES)}.")] = "",
    why: Annotated[str, typer.Option(help=f"With close or dismiss: {', '.join(verbs.WHYS)}.")] = "",
    until: Annotated[str, typer.Option(help='With snooze or wait: a duration ("2h") or a time with its zone.')] = "",
    on: Annotated[str, typer.Option(help="With wait: who you are waiting for.")] = "",
    owner: Annotated[str, typer.Option(help="With assign: the new owner.")] = "",
    text: Annotated[str, typer.Option(help="With note, wants, tag, reply or issue: the text.")] = "",
    to: Annotated[str, typer.Option("--to", help='With translate: the language, such as "en" or "de".')] = "en",
    as_json: AsJson = False,
) -> None:
    """Show a case or act on it (take, close, ...)."""
    verb = verb.strip().casefold().replace("-", "_").replace(" ", "_")  # "not answered", as people write it
    with opened(secrets=verb in _BEYOND) as assembly:
        now = utc_now()
        if verb in _BEYOND:
            _beyond(assembly, case_id, verb, as_, text, now)
            return
        if verb == "translate":
            assistant.translate_case(assembly, case_id, to, now)
            return
        if verb:
            if verb in {"do_not_contact", "may_contact"}:
                typer.echo(
                    _contact(
                        assembly,
                        case_id,
                        verb,
                        speaker(assembly, as_, "mute" if verb == "do_not_contact" else "desk"),
                        now,
                    )
                )
                return
            if verb in {"close", "dismiss"} and not (outcome or why):
                raise Failed(_ended_how(case_id, verb))
            who = speaker(assembly, as_)
            moment: Any = until
            if until and until[-1:].isalpha() and "T" not in until:
                try:
                    moment = now + span(until)
                except ValueError as error:
                    raise Failed(f"--until: {error}") from None
                except OverflowError:
                    raise Failed("--until: write a shorter duration, such as 2d") from None
            detail = {"outcome": outcome, "why": why, "until": moment, "on": on, "owner": owner, "text": text}
            said = actions.say(
                assembly.database, assembly.rules, case_id, verb, who=who, way="command line", now=now,
                detail={key: value for key, value in detail.items() if value},
            )  # fmt: skip
            typer.echo(f"case {case_id}: {said.text}")
            has = said.case.owner_id if said.case is not None else ""
            if verb == "assign" and has != who.id and not settings_name(has):
                typer.echo(f"! {safe_line(owner)} is not listed under [[people]], and was not alerted", err=True)
            return
        row = cases.row_of(assembly.database, case_id)
        if row is None:
            raise Failed(f"there is no case {case_id}; earful cases lists all cases")
        if as_json:
            told = deliveries.of_cases(assembly.database, {row["id"]: row["story_id"]})
            print_json(case_json(assembly, row, told[row["id"]]))
            return
        if row["lane"] == "sweep":
            expiry.looked_at(assembly.database, [row["id"]], utc_now())
        _one_case(assembly, row)


def _ended_how(case_id: str, verb: str) -> str:
    """Which words to choose from: an outcome teaches, so none is assumed."""
    what, option = "how it ended", "--outcome"
    choices: tuple[str, ...] = verbs.OUTCOMES
    if verb == "dismiss":
        what, option, choices = "why it needs no answer", "--why", verbs.WHYS
    ways = "\n".join(f"  {command(settings_path())} case {case_id} {verb} {option} {each}" for each in choices)
    return f"say {what}; one of:\n{ways}"


def _one_case(assembly: Any, row: Row) -> None:
    now, zone, one = utc_now(), assembly.settings.zone, cases.case_of(row)
    warning = assembly.rules.name_warning(one.source, one.author)
    author = f"{safe_line(one.author)} ({warning})" if warning else safe_line(one.author) or "somebody"
    head = f"case {one.id} · {one.brand} · {author} on {one.source}"
    console.print(Text(head, "bold"))
    how = case_words.standing(assembly.rules, one, now) or "open: nobody has taken it"
    why = f" ({', '.join(one.priority_reasons)})" if one.priority_reasons else ""
    console.print(Text(f"{one.priority}{why} · {how}"))
    if one.due_at is not None and one.state_at(now) in {"open", "taken"}:
        opening = assembly.rules.hours_for(one.priority)
        left = hours.elapsed(now, one.due_at, opening) if one.due_at > now else None
        of_what = "" if opening.always_open else " of opening hours"
        console.print(
            Text(
                f"answer by {one.due_at.astimezone(zone):%a %d %b %H:%M}"
                + (f", {span_words(left)}{of_what} left" if left else ", overdue"),
                "" if left else "red",
            )
        )
    console.print()
    _conversation(assembly, one.id, zone)
    console.print()
    log = Table(box=None, pad_edge=False, show_header=False, style="dim")
    log.add_column(no_wrap=True)
    log.add_column(ratio=1, overflow="fold")  # an address that is cut leads nowhere
    lines = case_log.of_case(assembly.database, one.id)
    for entry in case_timeline.entries(lines, len(lines)):
        log.add_row(when(entry.at, now, zone), Text(_happened(entry, now, zone)))
    console.print(log)


def _happened(entry: case_timeline.Entry, now: datetime, zone: ZoneInfo) -> str:
    """One line of the log in words: what, by whom and how, until when, what was written, and where the answer is."""
    by = "" if not entry.who else f" {entry.who}" if entry.what.endswith("from") else f" by {entry.who}"
    until = f" until {when(entry.until, now, zone)}" if entry.until else ""
    times = f", {entry.times} times" if entry.times > 1 else ""
    way = f" ({entry.way})" if entry.way else ""
    line = safe_line(f"{entry.what}{by}{until}{times}{way}{' (undone)' if entry.undone else ''}")[:300]
    return "\n".join([line, *(safe_line(each)[:500] for each in (entry.text, entry.url) if each)])


def _conversation(assembly: Any, case_id: str, zone: ZoneInfo) -> None:
    """What the person wrote and what we said, in the order in which it was written."""
    told: list[tuple[datetime, Mention | Row]] = [
        (mention.post.posted_at, mention) for mention in mentions.of_case(assembly.database, case_id)
    ]
    told += [(at(own["posted_at"]), own) for own in key_values.own_posts_of_case(assembly.database, case_id)]
    for moment, each in sorted(told, key=lambda pair: pair[0]):
        when = f"{moment.astimezone(zone):%d %b %H:%M}"
        if not isinstance(each, Mention):
            console.print(Text(f"{when}  {safe_line(each['author'])} (us)", "bold green"))
            console.print(Padding(Text(excerpt(each["text"], 1000)), (0, 0, 0, 2)))
            continue
        console.print(Text(f"{when}  {safe_line(each.post.author) or 'somebody'}", "bold"))
        console.print(Padding(Text(excerpt(case_words.words_of(each), 1000)), (0, 0, 0, 2)))
        if each.verdict.reasons:
            console.print(Padding(Text(" · ".join(each.verdict.reasons), "dim"), (0, 0, 0, 2)))
        if each.post.url:
            console.print(Text("  " + each.post.url, "dim"), soft_wrap=True)
