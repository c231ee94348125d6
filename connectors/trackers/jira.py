"""Issues in Jira: Jira Cloud with an address and an API token, Data Center with a personal access token alone.

Cloud: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/ (texts are documents, ADF).
Data Center: REST API 2 (texts are text), https://confluence.atlassian.com/enterprise/using-personal-access-tokens-1026032365.html
The mark is a label. Jira's search may show an issue seconds after it was created, so that what is not found at once is
looked for again. A webhook is only believed to say of which issue it speaks: how that stands is asked.
"""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field, SecretStr

from connectors import Nonsense, Refused
from connectors.answers import Answer
from connectors.http import Http
from connectors.inbound.proof import JIRA, Proof
from connectors.text import clean
from connectors.trackers import Issue, IssueState, Unseen, document_of, inner, mark
from connectors.writing import Unsure, send, sound_object

NETWORK = "Jira"
_KEY = re.compile(r"[A-Z][A-Z0-9_]{1,30}-[0-9]{1,12}", re.ASCII)
_LINK = re.compile(r"https?://[^\s<>\"]+")
_RENEW = "Make a new token for an account that may create issues in this project, put it into earful.env, reload."


class Settings(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """[[trackers]] of kind "jira"."""

    api_url: str = Field(
        pattern=r"^https?://[^\s?#@]+$", description="the site's address, such as https://acme.atlassian.net"
    )
    project: str = Field(pattern=r"^[A-Z][A-Z0-9_]{1,30}$", description="where issues are created: the project's key")
    token: SecretStr = Field(description="an API token (Cloud, with email), or a personal access token (Data Center)")
    email: str = Field("", description="Cloud: the address of the token's account; empty for Data Center")
    type: str = Field("Task", min_length=1, max_length=60, description="the type of the issues, by its name there")
    fixed: tuple[str, ...] = Field(
        ("Done", "Fixed"), description="the resolutions that mean it is fixed; any other is closed, and not fixed"
    )
    webhook_secret: SecretStr | None = Field(
        None, min_length=16, description="of the webhook: an issue that is closed there is known here at once"
    )


class JiraTracker:
    """The issues of one project."""

    network = NETWORK
    longest_title = 255
    longest = 32_000  # Jira takes 32,767

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._site = settings.api_url.rstrip("/")
        self._cloud = bool(settings.email)
        self._address = f"{self._site}/rest/api/{3 if self._cloud else 2}"
        self._fixed = {each.casefold() for each in settings.fixed}
        self.place = settings.project

    @property
    def proof(self) -> Proof:
        """X-Hub-Signature over the body: https://developer.atlassian.com/cloud/jira/platform/webhooks/"""
        secret = self._settings.webhook_secret
        return Proof(JIRA, secret.get_secret_value() if secret is not None else "")

    def create(self, title: str, text: str, key: str, _now: datetime) -> Issue:
        """POST /issue: 201 with id and key; 400 with what is wrong, by field."""
        fields = {
            "project": {"key": self.place},
            "issuetype": {"name": self._settings.type},
            "summary": title,
            "description": document(text) if self._cloud else without_mentions(text),
            "labels": [mark(key)],
        }
        headers = {**self._headers(), "Content-Type": "application/json"}
        refuses = (
            "Check project, type and the account's rights; Labels and Description have to be on the screen that "
            "creates such an issue, and no other field may be required."
        )
        body = json.dumps({"fields": fields}).encode()
        found, answer = send(self._http, "POST", f"{self._address}/issue", headers, body, refuses=refuses)
        made = inner(found, "key") if answer.status == 201 else None
        if not isinstance(made, str) or not _KEY.fullmatch(made):
            raise Unsure(f"{NETWORK} took it and answered with something that is not an issue")
        return Issue(made, f"{self._site}/browse/{made}", "open")

    def look_up(self, key: str, _since: datetime, now: datetime) -> Issue | None:
        """GET /search/jql (Cloud) or /search (Data Center), by the label."""
        path = "/search/jql" if self._cloud else "/search"
        params: dict[str, str | int] = {
            "jql": f'labels = "{mark(key)}"',
            "fields": "status,resolution",
            "maxResults": 2,
        }
        listed = self._read(self._get(path, params), now).get("issues")
        if not isinstance(listed, list):
            raise Nonsense(f"{NETWORK} answered with something that is not a list of issues", "Check api_url.")
        return next((found for each in listed if (found := self._issue(each)) is not None), None)

    def ask(self, native_id: str, now: datetime) -> Issue:
        """GET /issue/KEY; one that was moved to another project answers to its former key."""
        if not _KEY.fullmatch(native_id):
            raise Unseen
        answer = self._get(f"/issue/{native_id}", {"fields": "status,resolution"})
        _known(answer)
        if answer.status == 404:
            raise Unseen
        found = self._issue(self._read(answer, now))
        if found is None:
            raise Nonsense(f"{NETWORK} answered with something that is not an issue", "Check api_url.")
        return Issue(native_id, found.url, found.state, found.said)

    def name_of(self, url: str) -> str:
        """https://acme.atlassian.net/browse/KET-12"""
        rest = url.strip().partition("?")[0].partition("#")[0].rstrip("/")
        key = rest[len(self._site) :].removeprefix("/browse/") if rest.startswith(f"{self._site}/browse/") else ""
        return key if _KEY.fullmatch(key) and key.rpartition("-")[0] == self.place else ""

    def check(self, now: datetime) -> str:
        """GET /project/KEY; what the token may create shows at a press only."""
        shown = self._read(self._get(f"/project/{self.place}"), now)
        name = shown.get("name")
        called = f" ({clean(name)[:60]})" if isinstance(name, str) else ""
        return f"issues are created in {self.place}{called}, when a person presses"

    def named(self, body: bytes) -> str:
        """https://developer.atlassian.com/cloud/jira/platform/webhooks/ (jira:issue_updated and others)"""
        key = inner(document_of(body), "issue", "key")
        return key if isinstance(key, str) and _KEY.fullmatch(key) else ""

    def _issue(self, shown: Any) -> Issue | None:
        key, fields = inner(shown, "key"), inner(shown, "fields")
        category = inner(fields, "status", "statusCategory", "key")
        if not isinstance(key, str) or not _KEY.fullmatch(key) or not isinstance(category, str):
            return None
        state: IssueState = "open"
        said = ""
        if category == "done":
            name = inner(fields, "resolution", "name")
            said = clean(name)[:60] if isinstance(name, str) else "without a resolution"
            state = "fixed" if said.casefold() in self._fixed else "declined"
        return Issue(key, f"{self._site}/browse/{key}", state, said)

    def _headers(self) -> dict[str, str]:
        token = self._settings.token.get_secret_value()
        if not self._cloud:
            return {"Accept": "application/json", "Authorization": f"Bearer {token}"}
        both = base64.b64encode(f"{self._settings.email}:{token}".encode()).decode()
        return {"Accept": "application/json", "Authorization": f"Basic {both}"}

    def _get(self, path: str, params: dict[str, str | int] | None = None) -> Answer:
        return self._http.get(self._address + path, params=params, headers=self._headers())

    def _read(self, answer: Answer, now: datetime) -> dict[str, Any]:
        _known(answer)
        return sound_object(answer, NETWORK, now, _RENEW)


def _known(answer: Answer) -> None:
    """Refuse what Jira answered to a stranger: an expired token is served with 200, as nobody, who finds nothing.

    Only a header tells, as was seen in April 2026: https://github.com/MrRefactoring/jira.js/issues/418
    """
    reason = answer.headers.get("x-seraph-loginreason", "").upper()
    if "FAILED" in reason or "DENIED" in reason:
        raise Refused(f"{NETWORK} does not accept the token", _RENEW)


def without_mentions(text: str) -> str:
    """A text for Data Center's markup, in which nobody is called by what a customer wrote."""
    return text.replace("[~", "[ ~")


def document(text: str) -> dict[str, Any]:
    """A text as Jira Cloud's document: paragraphs, quotes ("> ") and links, and nothing that a text could order.

    https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
    """
    blocks: list[dict[str, Any]] = []
    for part in re.split(r"\n\s*\n", text.strip()):
        lines = [line.rstrip() for line in part.split("\n") if line.strip()]
        if not lines:
            continue
        quoted = all(line.startswith(">") for line in lines)
        content: list[dict[str, Any]] = []
        for number, line in enumerate(line.removeprefix(">").strip() if quoted else line for line in lines):
            content += [{"type": "hardBreak"}] if number else []
            content += _inline(line)
        paragraph = {"type": "paragraph", "content": content}
        blocks.append({"type": "blockquote", "content": [paragraph]} if quoted else paragraph)
    return {"type": "doc", "version": 1, "content": blocks}


def _inline(line: str) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    at = 0
    for found in _LINK.finditer(line):
        if found.start() > at:
            parts.append({"type": "text", "text": line[at : found.start()]})
        link = {"type": "link", "attrs": {"href": found[0]}}
        parts.append({"type": "text", "text": found[0], "marks": [link]})
        at = found.end()
    if at < len(line):
        parts.append({"type": "text", "text": line[at:]})
    return parts
