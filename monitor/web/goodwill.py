"""The good side on the page: who deserves thanks, and who came back from anger. Two views beside the mentions."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import Response

from monitor.reports import goodwill
from monitor.reports.surveys import of_span as surveys_of_span
from monitor.store import mentions
from monitor.web.html import environment, page
from monitor.web.routing import RequestContext, get

DAYS = 28
MOST = 60  # rows of one list


@get("/mentions/thanks")
def show_thanks(context: RequestContext) -> Response:
    """Praise of four weeks that nobody thanked for, people who came back, and what was rated."""
    since = context.now - timedelta(days=DAYS)
    brand = context.query("brand")
    found = goodwill.of_span(context.database, since, context.now, brand, most=MOST)
    praised = mentions.of_cases(context.database, [each.case for each in found.owed])
    owed = [
        (each, next((one for one in praised.get(each.case, ()) if one.verdict.praise), None)) for each in found.owed
    ]
    back = [(each, mentions.one(context.database, each.mention)) for each in found.came_back[-MOST:][::-1]]
    return page(
        context, "thanks.html", title="Thanks", found=found, owed=owed, back=back, days=DAYS,
        surveys=surveys_of_span(context.database, context.rules, since, context.now, brand),
    )  # fmt: skip


def views(context: RequestContext) -> list[tuple[str, str]]:
    """The views of the mentions: (name, address). Competitors and the assistant only where settings name one."""
    found = [("All", "/mentions"), ("Thanks", "/mentions/thanks")]
    if context.settings.competitors:
        found.append(("Competitors", "/mentions/competitors"))
    return [*found, ("Ask", "/mentions/ask")] if context.assembly.assistant.is_on else found


environment().globals.update(views_of_mentions=views)
