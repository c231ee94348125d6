"""Microsoft Teams, by the webhook of a workflow: each message is one Adaptive Card with links.

The workflow ("When a Teams webhook request is received") answers 202 as soon as it has a message, and posts it
afterwards: one that Teams refuses is lost without a word to us. So a card is kept far below the 28 KB that Teams takes.
It cannot be changed, answered below or found again, and nothing in it can be pressed but links.
https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using (the message)
https://learn.microsoft.com/connectors/teams/#microsoft-teams-webhook and its known issues (the size)
https://github.com/MicrosoftDocs/msteams-docs/issues/11274 (28,672 bytes, counted with what quotes are escaped by)
https://adaptivecards.io/explorer/RichTextBlock.html (a TextRun knows no Markdown: foreign words stay words)
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from alerts import Alert, ChannelError, Entry, Letter, Line, Receipt, wording
from alerts.http import Answer, WireError, exchange

LARGEST = 22_000  # bytes of a card, twice encoded as Teams counts it; it takes 28,672
_BUTTONS = 6  # links below a case; Teams hides more
_LETTER = 9_000  # characters
_FORMS = ((280, 3_000), (140, 1_000), (60, 0))  # characters of somebody's words, and of the lines for further cases
_COLOURS = {"critical": "attention", "urgent": "warning"}  # a colour only where it means: hurry
_RETIRED = (".webhook.office.com", "outlook.office.com", "outlook.office365.com")
_OFF = re.compile(rb'"code"\s*:\s*"(?:Workflow|Trigger|[A-Za-z]*Authorization)')  # inside a text its quotes are escaped
_REMEDY = "copy the workflow's address again, and check in Teams under Workflows that it is switched on"

Block = dict[str, Any]


class Settings(BaseModel):
    """[[channels]] of kind "teams". One workflow posts to one chat or channel; make a channel for each."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: SecretStr = Field(description="the workflow's address; a secret, since whoever knows it can post there")
    proxy: SecretStr | None = Field(
        None, description="a proxy for all calls; proxies set in the environment are ignored"
    )
    timeout: float = Field(15.0, gt=0, le=120, description="time limit in seconds for one call")
    wakes: bool = Field(False, description="true if people let Teams notify them at night")

    @model_validator(mode="after")
    def _usable(self) -> Self:
        url = self.url.get_secret_value()
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
            sound = parts.scheme in {"http", "https"} and bool(host) and parts.port != 0
        except ValueError:
            sound, host = False, ""
        if not sound or not url.isascii() or not url.isprintable() or " " in url:
            raise ValueError("url is not an http(s) address; copy it from the workflow")
        if host.endswith(_RETIRED):
            raise ValueError("url is that of an Office connector, which Microsoft has ended; make a workflow instead")
        return self


class Teams:
    """Staff are told in one chat or channel; `target` says nothing."""

    seconds_between = 1.0

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.wakes = settings.wakes

    def send(self, message: Alert | Letter, target: str, *, plain: bool = False) -> Receipt:  # noqa: ARG002
        """Give one card to the workflow."""
        made = _letter(message, plain=plain) if isinstance(message, Letter) else card(message, plain=plain)
        self._post([{"contentType": "application/vnd.microsoft.card.adaptive", "content": made}])
        return Receipt()

    def check(self) -> str:
        """Give the workflow a message without a card: it posts one message for each, so none."""
        self._post([])
        return "the workflow answers; it can't edit a message, and has links instead of buttons"

    def _post(self, cards: list[Block]) -> None:
        body = _encoded({"type": "message", "attachments": cards})
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Earful"}
        request = urllib.request.Request(self.settings.url.get_secret_value(), body, headers)  # noqa: S310
        proxy = self.settings.proxy.get_secret_value() if self.settings.proxy else ""
        try:
            answer = exchange(request, self.settings.timeout, proxy=proxy)
        except WireError as error:
            raise ChannelError(f"teams: {error.reason}", outcome_unknown=error.left, remedy=error.remedy) from None
        if not 200 <= answer.status < 300:
            raise _refused(answer)


def card(alert: Alert, *, plain: bool = False) -> Block:
    """An alert as a card that Teams takes: where it is too large, with fewer words, and then with fewer cases."""
    if plain:
        lines = wording.alert_lines(alert, budget=1_200, words=140)
        return _card([_text([line]) for line in lines if line], wording.summary(alert), _links(alert))
    for words, budget in _FORMS:
        for shown in range(len(alert.entries), 0, -1):
            if shown < len(alert.entries) and (words, budget) != _FORMS[-1]:
                break  # fewer words before fewer cases
            made = _whole(alert, words, wording.fitting(alert.also, budget), shown)
            if size(made) <= LARGEST:
                return made
    return card(alert, plain=True)


def size(made: Block) -> int:
    """How large a card is for Teams, which keeps it as a text inside its own document."""
    return len(_encoded(_encoded(made).decode()))


def _encoded(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _whole(alert: Alert, words: int, also: Sequence[Line], shown: int) -> Block:
    single = len(alert.entries) == 1 and not alert.more and not alert.also
    body: list[Block] = []
    for_whom = ", ".join(name for each in alert.ping[:10] if (name := wording.excerpt(each, 60)))
    if for_whom:
        body.append(_text([f"For {for_whom}"], weight="Bolder"))
    if not single:
        body.append(_text([wording.title(alert)], weight="Bolder", size="Medium"))
    for entry in alert.entries[:shown]:
        body += _entry(entry, words, single=single)
    body += [_line(line) for line in also]
    left = len(alert.entries) - shown
    behind = left + max(alert.more, len(alert.also)) - len(also)
    rest = f"{wording.count_words(behind, 'more case')} on the page" if left else wording.rest_line(alert, len(also))
    last = [rest, wording.excerpt(alert.footer, 300), wording.title(alert) if single else ""]
    body += [_text([line], subtle=True) for line in last if line]
    for above, block in pairwise(body):
        if above["type"] == "ActionSet" and not block.get("separator"):
            block["spacing"] = "Medium"
    return _card(body, wording.summary(alert), [] if single else _links(alert))


def _entry(entry: Entry, words: int, *, single: bool) -> list[Block]:
    """One case: who and where, the words, why now, and below them its links."""
    head, *lines = wording.entry_lines(entry, words=words) or ("",)
    colour = _COLOURS.get(entry.priority, "default")
    page = f"Case {wording.excerpt(entry.case_id, 20)}" if entry.case_id else "Show them"
    found = [("The post", entry.url), (page, entry.page_url)]
    if single:  # with several, the links of each would bury the cases
        found += [(action.label, action.url) for action in entry.actions]
    made = [_text([head], weight="Bolder", color=colour, separated=True), *(_text([line]) for line in lines)]
    links = _buttons(found)
    return [*made, {"type": "ActionSet", "actions": links}] if links else made


def _links(alert: Alert) -> list[Block]:
    """The links below a whole card: what can be done about it, everything, or what there is of the first case."""
    entry = alert.entries[0] if alert.entries else None
    first = [("The post", entry.url), ("The case", entry.page_url)] if entry is not None and not alert.page_url else []
    acted = [(action.label, action.url) for action in alert.actions]
    return _buttons([*acted, ("Show all", alert.page_url), *first])


def _buttons(found: Sequence[tuple[str, str]]) -> list[Block]:
    sound = [(wording.excerpt(label, 40), address) for label, url in found if (address := wording.link(url))]
    return [{"type": "Action.OpenUrl", "title": label or "Open", "url": url} for label, url in sound[:_BUTTONS]]


def _line(line: Line) -> Block:
    """One case in one line, which opens where it is answered."""
    made = _text([line.text], separated=False)
    if address := line.url or line.page_url:
        made["inlines"][0]["selectAction"] = {"type": "Action.OpenUrl", "url": address}
    return made


def _text(lines: Sequence[str], *, separated: bool = False, subtle: bool = False, **looks: str) -> Block:
    run = {"type": "TextRun", "text": "\n".join(lines), **looks, **({"isSubtle": True} if subtle else {})}
    block: Block = {"type": "RichTextBlock", "inlines": [run]}
    return {**block, "separator": True, "spacing": "Medium"} if separated else {**block, "spacing": "Small"}


def _card(body: list[Block], summary: str, actions: list[Block]) -> Block:
    made: Block = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": summary,
        "msteams": {"width": "Full"},
        "body": body,
    }
    return {**made, "actions": actions} if actions else made


def _letter(letter: Letter, *, plain: bool) -> Block:
    subject = wording.excerpt(letter.subject, 150)
    text = letter.text[: 1_000 if plain else _LETTER]
    lines = [line for each in text.splitlines() if (line := wording.clean_line(each))]
    if len(text) < len(letter.text):
        lines.append(wording.MARK)
    made = _card([_text([subject], weight="Bolder", size="Medium"), *(_text([line]) for line in lines)], subject, [])
    return made if plain or size(made) <= LARGEST else _letter(letter, plain=True)


def _refused(answer: Answer) -> ChannelError:
    """Why a message was not taken. That a workflow is switched off is a 400, like a message that can't be read.

    Only the code tells them apart: what is said beside it may repeat the message, and with it anybody's words.
    """
    status, said = answer.status, f"teams: the workflow answered {answer.status}"
    if status in {408, 429} or status >= 500:
        wait = answer.headers.get("retry-after", "")
        after = float(min(max(int(wait), 1), 3600)) if wait.isascii() and wait.isdecimal() and len(wait) < 10 else None
        return ChannelError(said, retry_after=after, outcome_unknown=status == 504)
    if status == 413:
        return ChannelError(said, too_large=True)
    if 300 <= status < 400 or status in {401, 403, 404, 405, 410} or _OFF.search(answer.body):
        return ChannelError(said, channel_broken=True, remedy=_REMEDY)
    return ChannelError(said, permanent=status in {400, 422})
