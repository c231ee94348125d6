"""One case: what was said, by whom, what happened before, what to do. Answering from here is in replying.py."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.responses import JSONResponse, RedirectResponse, Response

from alerts import case_policy
from alerts.case import Case, never_answered
from monitor.assistant.redaction import People
from monitor.assistant.translation import Translation
from monitor.cases import actions, do_not_contact, expiry
from monitor.ingest import asking
from monitor.notify import case_words, rendering
from monitor.people.actors import NotPossible
from monitor.settings import overrides
from monitor.store import case_log, cases, holds, key_values, mentions, pages, read_marks, web
from monitor.store.database import Row, at
from monitor.store.replies import mark_of
from monitor.store.stories import candidate_stories
from monitor.text import tone
from monitor.text.language import name_of
from monitor.text.similarity import alike, bands
from monitor.trackers.clients import Subject
from monitor.types import Mention
from monitor.web.case_timeline import entries, words_of
from monitor.web.causes import CHOICES, of_case
from monitor.web.charts import sparkline
from monitor.web.dates import moment_of
from monitor.web.html import page
from monitor.web.identity import Refusal
from monitor.web.inbox import OUTCOMES, WHYS, clock_of, ids_of, lines, people_of
from monitor.web.issues import box_of as issues_of
from monitor.web.presence import words_of as who_else
from monitor.web.reply_box import box_of
from monitor.web.routing import RequestContext, get, post
from monitor.web.translations import Foreign, foreign, language_of, people_in, spoken_by

# How many characters a reply may have, by kind of source; what is not here has no bound that a reply would meet.
LIMITS = {"x": 280, "bluesky": 300, "mastodon": 500, "reddit": 10_000}
REPLY = 10_000


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was said in the conversation."""

    at: datetime
    author: str
    text: str
    title: str
    url: str
    ours: bool
    mention: Mention | None = None
    case_id: str = ""
    remarks: tuple[tone.Remark, ...] = ()
    note: str = ""
    rating: float | None = None
    edited_at: datetime | None = None
    reply: str = ""  # of ours: its id, why it was taken as what it is, and whether it ended the wait
    why: str = ""
    counts: bool = False
    post_id: str = ""  # here, where it is a post that we keep
    names: tuple[str, ...] = ()  # of whoever said it, beside their handle
    foreign: Foreign | None = None


def conversation(context: RequestContext, row: Row, told: Sequence[Mention]) -> list[Said]:
    """The customer's posts, what others said in the same thread, and our replies with remarks on their tone."""
    asking.show(context.database, context.settings, [each.id for each in told], context.now)
    case = cases.case_of(row)
    found: dict[str, Said] = {}
    for mention in told:
        post = mention.post
        found[post.native_id or mention.id] = Said(
            post.posted_at, post.author, post.text, post.title, post.url, False, mention, case.id, rating=post.rating,
            edited_at=post.edited_at, names=(post.author_name,),
            post_id=mentions.post_key(context.database, post.source, post.native_id),
        )  # fmt: skip
        if post.reply_text and post.replied_at:
            found[f"reply to {post.native_id or mention.id}"] = _ours(
                case, post.replied_at, "", post.reply_text, post.url
            )
    for other in pages.thread(context.database, case.source, case.thread, case.last_posted_at):
        if other["native_id"] not in found:
            ours = context.rules.accounts.owns(case.source, other["author"])
            found[other["native_id"]] = Said(
                at(other["posted_at"]), other["author"], other["text"], other["title"], other["url"], ours,
                case_id=other["case_id"] or "", names=(other["author_name"],),
                post_id=mentions.post_key(context.database, case.source, other["native_id"]),
            )  # fmt: skip
    for own in key_values.own_posts_of_case(context.database, case.id):
        said = _ours(case, at(own["posted_at"]), own["author"], own["text"], own["url"], _NOTES.get(own["kind"], ""))
        found[own["native_id"]] = replace(
            said, reply=own["native_id"], why=own["reason"], counts=own["kind"] in {"answer", "sent_on"}
        )
    people = people_in(context, case, names_in(found.values()))
    return [
        replace(each, foreign=_foreign(context, case, native_id, each, people))
        for native_id, each in sorted(found.items(), key=lambda pair: pair[1].at)
    ]


def _too_many(context: RequestContext, case: Case) -> int:
    """How many posts a thread has that is too long to be shown whole; else 0."""
    size = pages.thread_size(context.database, case.source, case.thread)
    return size if size > pages.OF_THREAD else 0


def names_in(talk: Iterable[Said]) -> list[str]:
    """Everybody who speaks in a conversation, by handle and name."""
    return list(dict.fromkeys(name for each in talk for name in (each.author, *each.names)))


def _foreign(context: RequestContext, case: Case, native_id: str, said: Said, people: People) -> Foreign | None:
    language = said.mention.verdict.language if said.mention is not None else ""
    return foreign(context, case, native_id, said.text, language, people, said.post_id)


_NOTES = {
    "automatic": "automatic: did not stop the clock",
    "holding": "a first reply: the answer is still due",
    "sent_on": "moved to private messages",
    "withdrawn": "deleted on the network",
}
FOLDED = 3  # as many others in a row, or more, stand behind one line


def runs(talk: Sequence[Said]) -> list[list[Said]]:
    """The conversation in order; what strangers say one after another is one run, so that it can be folded."""
    found: list[list[Said]] = []
    strangers = False
    for each in talk:
        other = each.mention is None and not each.ours
        if found and other and strangers:
            found[-1].append(each)
        else:
            found.append([each])
        strangers = other
    return [part for run in found for part in ([run] if len(run) >= FOLDED else [[each] for each in run])]


def _ours(case: Case, moment: datetime, author: str, text: str, url: str, note: str = "") -> Said:
    remarks = tone.check(text, we_failed=_we_failed(case)) if not note.startswith("automatic") else ()
    return Said(moment, author, text, "", url, True, remarks=remarks, note=note, case_id=case.id)


def _we_failed(case: Case) -> bool:
    return case.priority in {"critical", "urgent"} and case.lane == "ping"


@get("/cases/{id}")
def show(context: RequestContext) -> Response:
    """The whole case. Who of the staff opens an entry of the list has looked at it."""
    row = _row(context)
    if context.looks:
        if row["lane"] == "sweep":
            expiry.looked_at(context.database, [row["id"]], context.now)
        with context.database.transaction():
            read_marks.note(context.database, ids_of(context)[0], [row["id"]], context.now)
        context.site.presence.come(row["id"], context.who.actor.id, context.who.name, context.now)
    return show_case(context)


def _row(context: RequestContext) -> Row:
    row = cases.row_of(context.database, context.path("id")[:40])
    if row is None:
        raise Refusal(404, "There is no such case", "It may have been deleted, along with its posts, after a year.")
    return row


def show_case(
    context: RequestContext,
    *,
    fault: str = "",
    status: int = 200,
    reply: str = "",
    checked: bool = False,
    typed: bool = False,
    in_theirs: Translation | None = None,
    drafted: str = "",
    no_draft: str = "",
    again: int = 0,
) -> Response:
    """The page, with what went wrong; `typed`: the form of a reply came, and stands there as it was.

    `in_theirs` is that reply in the language of whoever it answers. `drafted` says what a draft in the box rests on,
    where it is kept nowhere else, `no_draft` why there is none; `again` counts these drafts.
    """
    row = _row(context)
    case, database, now = cases.case_of(row), context.database, context.now
    context.site.presence.look(now)
    told = mentions.of_case(database, case.id)
    earlier = rendering.history_of(database, [row], now).get(case.id, [])
    worst = case_words.worst_of(told)
    box = box_of(context, case, text=reply, typed=context.form if typed or checked else None)
    limit = box.longest if box is not None and box.longest else limit_of(context, case)
    log = case_log.of_case(database, case.id)
    line = lines(database, context.rules, [row], now, context.zone)[0]
    alike_cases = similar(context, row)
    solved = sum(1 for each in alike_cases if each.case.outcome == "solved")
    return page(
        context, "case.html", title=f"Case {case.id}", status=status, case=case, row=row, line=line,
        state=case.state_at(now), standing=case_words.standing(context.rules, case, now, context.zone),
        clock=clock_of(context.rules, case, now),
        talk=runs(conversation(context, row, told)), in_thread=_too_many(context, case),
        worst=worst, author=author_card(context, case, earlier),
        history=history_line(context, earlier), log=entries(log), similar=alike_cases,
        solved=solved, folded=FOLDED, choices=CHOICES,
        people=people_of(context), undoable=actions.undoable(log, now), outcomes=OUTCOMES, whys=WHYS,
        replies=[(each.name, _fill(context, each, case, told)) for each in _replies(context)],
        reply=box.text if box is not None else reply, limit=limit, box=box,
        remarks=tone.check(reply, we_failed=_we_failed(case), limit=limit) if checked else None,
        drafts=context.assembly.assistant.is_on, drafted=drafted, no_draft=no_draft[:1].upper() + no_draft[1:],
        drafted_mark=mark_of(reply) if drafted else "",
        again=box.again if box is not None else again, said=context.query("said"), fault=fault,
        tags=pages.own_tags(database),
        here=who_else(context.site.presence.others(context.who.actor.id, now).get(case.id, ())),
        hold=holds.of_case(database, case.id), no_contact=_no_contact(context, case),
        causes=of_case(context, row), issues=issues_of(context, Subject(case_id=case.id)),
        open_url=worst.post.url if worst else "", words_of=words_of,
        in_theirs=in_theirs, theirs=_theirs(context, told),
    )  # fmt: skip


def _theirs(context: RequestContext, told: Sequence[Mention]) -> str:
    """The language that a reply can be translated into, in English words; "" where none is needed or possible."""
    if not context.assembly.assistant.is_on:
        return ""
    language = language_of(told)
    spoken = spoken_by(context.settings, context.who.name)
    return name_of(language) if language and language not in spoken else ""


def _no_contact(context: RequestContext, case: Case) -> Row | None:
    return do_not_contact.standing(context.database, case.source, case.author) if case.author else None


def limit_of(context: RequestContext, case: Case) -> int | None:
    """How many characters a reply may have on this network; None where that is no matter."""
    source = context.rules.sources.get(case.source)
    return LIMITS.get(source.kind) if source is not None else None


def _replies(context: RequestContext) -> tuple[overrides.SavedReply, ...]:
    return overrides.replies(web.desk_values(context.database))


def _fill(context: RequestContext, reply: overrides.SavedReply, case: Case, told: Sequence[Mention]) -> str:
    name = next((each.post.author_name for each in told if each.post.author_name), "")
    first = name.split()[0] if name.split() else ""
    handle = case.author if case.author.startswith(("@", "u/")) else f"@{case.author}" if case.author else "Hello"
    return overrides.filled(reply, name=first[:40] or handle[:60], brand=case.brand, me=context.who.name)


def author_card(context: RequestContext, case: Case, earlier: Sequence[Row]) -> dict[str, Any] | None:
    """What we know of this author on this network, and on no other: networks forbid to join handles."""
    if not case.author:
        return None
    posts = pages.by_author(context.database, case.source, case.author)
    named = next((each.post.author_name for each in posts if each.post.author_name), "")
    theirs = pages.cases_of_author(context.database, case.source, case.author)
    heard = [each for each in reversed(posts) if each.verdict.label != "unknown"]
    return {
        "handle": case.author,
        "name": named if named.casefold() != case.author.casefold() else "",
        "reach": next((each.post.reach for each in posts if each.post.reach is not None), None),
        "posts": posts,
        "negative": sum(1 for each in posts if each.verdict.label == "negative"),
        "mood": sparkline([each.verdict.sentiment for each in heard]) if len(heard) > 1 else "",
        "moods": [(each.post.posted_at, each.verdict.sentiment) for each in heard],
        "cases": [(cases.case_of(row), row) for row in theirs if row["id"] != case.id],
        "earlier": len(earlier),
        "notes": pages.notes_of_author(context.database, case.source, case.author),
    }


def history_line(context: RequestContext, earlier: Sequence[Row]) -> str:
    """ "Third time in 30 days; the first, 3 Nov, was never answered." """
    if not earlier:
        return ""
    times = case_policy.ordinal(len(earlier) + 1)
    words = f"{times[:1].upper()}{times[1:]} time in 30 days"
    never = [each for each in earlier if never_answered(each["answered_at"], each["outcome"])]
    if never:
        day = at(never[0]["first_posted_at"]).astimezone(context.zone)
        which = "the first" if never[0]["id"] == earlier[0]["id"] else "one"
        words += f"; {which}, {day.day} {day:%b}, was never answered"
    return words + "."


def similar(context: RequestContext, row: Row) -> list[Any]:
    """Other people's cases of the brand that say nearly the same, or stand in the same story."""
    mine, mine_is = row["fingerprint"], (row["source"], row["author"])
    alike_now = [(bands(mine) if mine else (), context.now)]
    stories = candidate_stories(context.database, [row["thread"]], alike_now, timedelta(days=180))
    ids = [
        each["id"]
        for each in stories
        if each["brand"] == row["brand"]
        and (each["id"] == row["story_id"] or (mine and each["fingerprint"] and alike(mine, each["fingerprint"])))
    ]
    rows = [
        each
        for each in cases.rows_of_stories(context.database, [row["story_id"], *ids][:30])
        if each["id"] != row["id"] and (not row["author"] or (each["source"], each["author"]) != mine_is)
    ]
    unique = {each["id"]: each for each in rows}
    return lines(context.database, context.rules, list(unique.values())[-8:], context.now, context.zone)


_SPANS = {"1h": 1, "4h": 4, "1d": 24, "3d": 72, "7d": 168}


@post("/cases/{id}", role="staff")
def say(context: RequestContext) -> Response:
    """Say something of this case."""
    case_id, verb = context.path("id")[:40], context.form.get("verb")
    if verb == "tone":
        return show_case(context, reply=context.form.raw("reply")[:REPLY], checked=True)
    fields = ("outcome", "why", "owner", "on", "text", "url", "reply", "line")
    detail: dict[str, Any] = {key: context.form.get(key)[:2000] for key in fields if context.form.get(key)}
    if verb == "tag":
        detail["text"] = context.form.get("tag")[:200]
    if verb in {"snooze", "wait"}:
        detail["until"] = _until(context)
    if verb == "dismiss" and not context.form.get("why"):
        return show_case(context, fault="Choose why it needs no answer; Earful learns from it.", status=409)
    if verb == "close" and not context.form.get("outcome"):
        return show_case(context, fault="Choose an outcome, then close it.", status=409)
    try:
        said = actions.say(
            context.database,
            context.rules,
            case_id,
            verb,
            who=context.who.actor,
            way=context.who.way,
            now=context.now,
            detail=detail,
            zone=context.zone,
        )
    except NotPossible as error:
        return show_case(context, fault=str(error), status=409)
    return RedirectResponse(f"/cases/{case_id}?" + urlencode({"said": said.text[:200]}), 303)


def _until(context: RequestContext) -> datetime:
    """When a case comes back: a span, or a moment in the reader's zone."""
    if typed := context.form.get("until_at"):
        return moment_of(context, typed)
    return context.now + timedelta(hours=_SPANS.get(context.form.get("until"), 1))


@post("/cases/{id}/contact", role="staff")
def contact(context: RequestContext) -> Response:
    """The author is not to be contacted, or a lead ends that."""
    case = cases.case_of(_row(context))
    ends = context.form.get("verb") == "end"
    if ends and not context.who.may("lead"):
        raise Refusal(403, "Only a lead can end this", "Ask a lead; they also find it on the page Desk.")
    with context.database.transaction():
        change = do_not_contact.end_for if ends else do_not_contact.set_for
        done = change(context.database, case, context.who.actor, context.who.way, context.now)
    words = "they may be contacted again" if ends else "nobody is asked to contact them any more"
    said = words if done else "it was so already"
    return RedirectResponse(f"/cases/{case.id}?" + urlencode({"said": said}), 303)


@post("/tone", role="staff")
def check_tone(context: RequestContext) -> Response:
    """Remarks on a reply that is being written, as JSON for the little script. Nothing is kept."""
    row = cases.row_of(context.database, context.form.get("case")[:40])
    case = cases.case_of(row) if row is not None else None
    limit = limit_of(context, case) if case is not None else None
    remarks = tone.check(
        context.form.raw("reply")[:REPLY], we_failed=case is not None and _we_failed(case), limit=limit
    )
    return JSONResponse(
        {"remarks": [{"kind": each.kind, "words": each.words, "advice": each.advice} for each in remarks]},
        headers={"cache-control": "no-store"},
    )
