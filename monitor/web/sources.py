"""Sources: how each stands, when it was last read, what was not seen, what it cost; read now, pause. Channels too."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from monitor.reports.at_work import named, notes
from monitor.setup.kinds import all_kinds
from monitor.store import channel_health, deliveries_owed, sources, unjudged, workers
from monitor.store.database import at
from monitor.web.html import page
from monitor.web.identity import Refusal
from monitor.web.routing import RequestContext, get, post


@get("/sources")
def show_sources(context: RequestContext) -> Response:
    """Every source and channel, and the gaps of a week."""
    health = sources.all_health(context.database)
    states = []
    for source in context.settings.sources:
        each = health.get(source.name)
        state, tone = "not read yet", ""
        if not source.enabled:
            state = "switched off in the settings"
        elif each is None:
            pass
        elif each.paused_at is not None:
            state, tone = "paused", "warn"
        elif each.refused:
            state, tone = "refused; needs attention", "critical"
        elif each.failing_since is not None:
            state, tone = "failing", "urgent"
        elif each.last_success_at is not None:
            state, tone = "reading", "good"
        states.append((source, each, state, tone))
    standing = channel_health.standing(context.database)
    gaps = [
        (row["source"], at(row["start_at"]), at(row["end_at"]), row["reason"])
        for row in sources.gaps_since(context.database, context.now - timedelta(days=7))
    ]
    database = context.database
    now, found, hands = database.time(), workers.all_of(database), workers.works_on(database)
    if len(found) < 2 and all(each.roles == workers.ROLES for each in found):
        found = []  # one daemon that does everything is not worth a table
    at_work = [
        (
            named(each, found), each.is_gone(now), now - each.seen, now - each.since,
            "everything" if each.roles == workers.ROLES else ", ".join(each.roles), hands.get(each.name, []),
        )
        for each in found
    ]  # fmt: skip
    to_judge = unjudged.waiting(database)
    return page(
        context, "sources.html", title="Sources", states=states, gaps=gaps[-60:], aside=sources.aside_counts(database),
        channels=[(each, standing.of(each.name), standing.down(each.name)) for each in context.settings.channels],
        kinds=all_kinds(context.settings, health), targets=standing.failing_targets(),
        waiting=deliveries_owed.waiting(database), owed=channel_health.owed(database),
        workers=at_work, notes=notes(database),
        to_judge=to_judge, pages_to_judge=sum(each.pages for each in to_judge.values()),
        said=context.query("said"),
    )  # fmt: skip


@post("/sources/{name}", role="lead")
def change_source(context: RequestContext) -> Response:
    """Read a source now, pause it, or go on with it."""
    name, verb = context.path("name"), context.form.get("verb")
    if name not in context.rules.sources:
        raise Refusal(404, "There is no such source")
    with context.database.transaction():
        if verb == "read":
            sources.read_now(context.database, name, context.now)
            said = f"{name} will be read next."
        elif verb == "pause":
            sources.pause(context.database, name, context.now, context.who.name)
            said = f"{name} is paused: nothing is read until someone resumes it."
        elif verb == "resume":
            sources.pause(context.database, name, None, "")
            said = f"{name} is resumed."
        else:
            raise Refusal(400, "Choose what to do")
    return RedirectResponse("/sources?" + urlencode({"said": said}), 303)
