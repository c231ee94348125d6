"""The command that says where a case goes, or where the case of a text would go."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated

import typer

from alerts.case_policy import Gravity
from connectors import Post
from monitor.cases.opening import urgency
from monitor.cli.base import AsJson, Failed, app, opened, print_json
from monitor.cli.mentions import when
from monitor.notify.gathering import asked
from monitor.notify.order import UNDER_WAY, WAITING, hold
from monitor.service.scheduler import utc_now
from monitor.settings.rules import Routed
from monitor.store import cases, deliveries, mentions
from monitor.store.database import Row
from monitor.text.normalize import safe_line
from monitor.text.query.matching import brands_in
from monitor.text.query.subject import Subject
from monitor.wiring import Assembly

_HOW = {
    "message": "a message of its own",
    "thread": "a line in its story's thread",
    "edit": "an edit of the existing message",
    "brief": "part of a brief",
    "wait": "it waits",
}
_LANES = {
    "ping": "needs an answer: people are alerted",
    "sweep": "may need an answer: it is listed, and nobody is alerted",
    "none": "needs no answer: no case is opened",
}


@app.command()
def route(
    case_id: Annotated[str, typer.Argument(metavar="[CASE]", help="The case's number.")] = "",
    text: Annotated[str, typer.Option("--text", help="Instead of a case: the text of a post.")] = "",
    source: Annotated[str, typer.Option("--source", help="With --text: its source.")] = "",
    brand: Annotated[
        str, typer.Option("--brand", help="With --text: the brand. Default: the brands it mentions.")
    ] = "",
    stars: Annotated[float | None, typer.Option("--stars", min=0, max=5, help="With --text: its star rating.")] = None,
    reach: Annotated[
        int | None, typer.Option("--reach", min=0, help="With --text: its author's follower count.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show which rule decides where a case goes.

    Also shows how the case's next message would be sent, and why each pending message
    has not been sent yet. With --text: where a post with this text would go.
    """
    if bool(case_id) == bool(text):
        raise Failed('name a case, or a text: earful route 12, or earful route --text "the words of a post"')
    with opened() as assembly:
        if case_id:
            _route_of_case(assembly, case_id)
            return
        if source and source not in assembly.rules.sources:
            raise Failed(f"--source {source!r}: write one of {', '.join(assembly.rules.sources)}")
        if brand and brand not in assembly.queries:
            raise Failed(f"--brand {brand!r}: write one of {', '.join(assembly.queries)}")
        post = Post(source or "command line", "-", "", "", text, utc_now(), rating=stars, reach=reach)
        found = brands_in(Subject(text, source=source), assembly.queries)
        brands = {brand: found.get(brand, ())} if brand else found
        if not brands:
            raise Failed(f"no query matches this text; name a brand with --brand: {', '.join(assembly.queries)}")
        for name, words in brands.items():
            _route_of_text(assembly, post, name, words, as_json)


def _route_of_case(assembly: Assembly, case_id: str) -> None:
    row = cases.row_of(assembly.database, case_id)
    told = mentions.of_case(assembly.database, case_id)
    if row is None or not told:
        raise Failed(f"there is no case {case_id}; earful cases lists all cases")
    routed = assembly.rules.route(told[0].post, row["brand"], told[0].verdict)
    then = ", ".join(json.loads(row["targets"] or "[]"))
    typer.echo(f"when it opened: {row['route']} -> {then}")
    typer.echo(f"by today's settings: {_words_of(routed)}")
    now = utc_now()
    if cases.case_of(row).state_at(now) in {"answered", "closed"}:
        return
    for target in json.loads(row["targets"] or "[]") or routed.notify:
        if target.partition(":")[0] in assembly.alerting.channels:
            answer = asked(assembly.database, assembly.rules, assembly.alerting.channels, row, target, now)
            until = f", {when(answer.until, now, assembly.settings.zone)}" if answer.until is not None else ""
            typer.echo(f"a message to {target} now: {_HOW[answer.how]} ({answer.why}){until}")
    _owed(assembly, row, now)


def _owed(assembly: Assembly, row: Row, now: datetime) -> None:
    """Each message of a case that has not left yet, and why; then its next step."""
    zone = assembly.settings.zone
    told = deliveries.of_cases(assembly.database, {row["id"]: row["story_id"]})[row["id"]]
    for each in told:
        if each.action != "post" or each.state not in {*WAITING, *UNDER_WAY}:
            continue
        what = f"step {each.step}, {each.reason}" if each.step else each.reason or "the first message"
        why = hold(assembly.database, assembly.rules, each, now)
        if not why:
            moment = "now" if each.due_at <= now else f"at {when(each.due_at, now, zone)}"
            why = f"Earful will retry {moment} ({each.error})" if each.state == "retry" else f"it is due {moment}"
        typer.echo(f"pending for {each.target} ({safe_line(what)}): {safe_line(why)}")
    following = cases.case_of(row).next_step_at
    if following is not None:
        typer.echo(f"next step: {when(following, now, zone)}")


def _route_of_text(assembly: Assembly, post: Post, brand: str, words: tuple[str, ...], as_json: bool) -> None:
    """One brand's part of it: the lane, how urgent it is and why, the rule, and whom that tells."""
    verdict = assembly.intake.judge.verdict(post, brand, words)
    routed = assembly.rules.route(post, brand, verdict)
    priority, reasons = urgency(
        Gravity(
            critical=verdict.critical, sentiment=verdict.sentiment, needs_answer=verdict.needs_answer,
            churn=verdict.churn, matters=verdict.tags, stars=post.rating, reach=post.reach, praise=verdict.praise,
        ),
        routed,
    )  # fmt: skip
    if as_json:
        print_json(
            {
                "brand": brand, "lane": verdict.lane, "language": verdict.language, "priority": priority,
                "priority_reasons": list(reasons), "rule": routed.rule, "notify": list(routed.notify),
                "owner": routed.owner or None,
            }
        )  # fmt: skip
        return
    typer.echo(f"{brand}: {_LANES[verdict.lane]}")
    if verdict.lane == "none":
        return
    because = f" ({', '.join(reasons)})" if reasons else ""
    typer.echo(f"  {priority}{because}, language {verdict.language or 'unknown'}")
    typer.echo(f"  {_words_of(routed)}")


def _words_of(routed: Routed) -> str:
    return f"{routed.rule} -> {', '.join(routed.notify)}" + (f", owner {routed.owner}" if routed.owner else "")
