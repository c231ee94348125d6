"""Who is on now, and "away until Monday" in one press: a block of the inbox, for everybody who sees it."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from monitor.cases import handing_over
from monitor.people import duty
from monitor.people.identity import Actor
from monitor.web.html import environment
from monitor.web.routing import RequestContext, post


def on_now(context: RequestContext) -> duty.OnNow:
    """What the block shows."""
    return duty.on_now(context.database, context.rules, context.now, context.zone)


def mine(context: RequestContext) -> str:
    """The id under which whoever asks says that they are away."""
    return context.directory.resolve(context.who.actor).id


@post("/duty", role="staff")
def say(context: RequestContext) -> Response:
    """Say that one is away, or back; a lead says it of others."""
    person = context.form.get("person")
    whom = next((each for each in context.directory.everyone if each.id == person), None) if person else None
    if person and whom is None:  # they have left every list, and are still called away
        whom = Actor(person, person.partition(":")[2])
    who, way = context.who.actor, context.who.way
    with context.database.transaction():
        if context.form.get("verb") == "back":
            said = handing_over.come_back(context.database, context.rules, who, way=way, now=context.now, whom=whom)
        else:
            until = context.form.get("until") or context.form.get("day") or "mon"
            said = handing_over.go_away(
                context.database, context.rules, who, until, way=way, now=context.now, whom=whom
            )
    return RedirectResponse("/?" + urlencode({"said": f"{said}."[:300]}), 303)


environment().globals.update(on_now=on_now, my_id=mine)
