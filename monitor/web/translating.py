"""Having something translated on the page of a case: what was said there, or a reply that is being written."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from alerts.case import Case
from monitor.assistant.answers import Unavailable
from monitor.store import cases, mentions
from monitor.types import Mention
from monitor.web.case import REPLY, Said, conversation, names_in, show_case
from monitor.web.identity import Refusal
from monitor.web.routing import RequestContext, post
from monitor.web.translations import language_of, people_in, spoken_by, translated


@post("/cases/{id}/translate", role="staff")
def translate(context: RequestContext) -> Response:
    """Translate one thing that was said into the reader's language, or the written reply into the author's."""
    row = cases.row_of(context.database, context.path("id")[:40])
    if row is None:
        raise Refusal(404, "There is no such case", "It may have been deleted, along with its posts, after a year.")
    case, told = cases.case_of(row), mentions.of_case(context.database, row["id"])
    talk = conversation(context, row, told)
    if context.form.get("part") == "reply":
        return _reply(context, case, told, talk)
    said = next(
        (each for each in talk
         if each.foreign is not None and each.foreign.key == context.form.get("part")[:16]),
        None,
    )  # fmt: skip
    if said is None:
        return show_case(context, fault="that post was deleted, or needs no translation", status=409)
    wanted = spoken_by(context.settings, context.who.name)[0]
    assert said.foreign is not None
    made = translated(context, case, said.text, wanted, said.foreign.people, said.post_id)
    if isinstance(made, Unavailable):
        return show_case(context, fault=f"Not translated: {made.words}", status=409)
    return RedirectResponse(f"/cases/{case.id}?" + urlencode({"said": "translated"}) + f"#said-{said.foreign.key}", 303)


def _reply(context: RequestContext, case: Case, told: list[Mention], talk: list[Said]) -> Response:
    """The reply as it stands in the box, in the language of whoever wrote last; nothing of it is kept as a reply."""
    text = context.form.raw("reply")[:REPLY].replace("\r\n", "\n").strip()
    wanted = language_of(told)
    if not text or not wanted:
        return show_case(
            context, fault="Write the reply first, then have it translated.", status=409, reply=text, typed=True
        )
    people = people_in(context, case, names_in(talk))
    made = translated(context, case, text, wanted, people, "")
    if isinstance(made, Unavailable):
        return show_case(context, fault=f"Not translated: {made.words}", status=409, reply=text, typed=True)
    return show_case(context, reply=text, typed=True, in_theirs=made)
