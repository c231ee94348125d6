"""Asking in words about what was found: the answer in claims, each with the posts that it rests on."""

from __future__ import annotations

from starlette.responses import Response

from monitor.assistant import questions
from monitor.assistant.answers import Unavailable
from monitor.assistant.questions import Answered, NotEnough
from monitor.web.html import page
from monitor.web.identity import Refusal
from monitor.web.routing import RequestContext, get, post

SPANS = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "a year"}


@get("/mentions/ask")
def show(context: RequestContext) -> Response:
    """The form; nothing is asked."""
    return _page(context)


@post("/mentions/ask", role="staff")
def ask(context: RequestContext) -> Response:
    """Ask, and show the answer below the question."""
    question = context.form.get("question")[: questions.LONGEST]
    brand, days = context.form.get("brand")[:64], context.form.get("days")
    found = questions.ask(
        context.assembly.assistant, context.database, question, now=context.now, brand=brand,
        days=int(days) if days in SPANS else questions.DAYS,
    )  # fmt: skip
    return _page(context, question, brand, days, found)


def _page(
    context: RequestContext, question: str = "", brand: str = "", days: str = "",
    found: Answered | NotEnough | Unavailable | None = None,
) -> Response:  # fmt: skip
    if not context.assembly.assistant.is_on:
        raise Refusal(404, "No assistant is set up", "See [assistant] in the settings.")
    return page(
        context, "ask.html", title="Ask", question=question, brand=brand, days=days or str(questions.DAYS), spans=SPANS,
        answer=found if isinstance(found, Answered) else None, longest=questions.LONGEST,
        sorry=found.words if isinstance(found, NotEnough | Unavailable) else "",
        model=context.settings.assistant.model, elsewhere=context.settings.assistant.elsewhere,
    )  # fmt: skip
