"""Issues on GitHub, by a token that may write issues in one repository.

https://docs.github.com/en/rest/issues/issues (2022-11-28). The mark is a comment in the text that nobody sees. It is
looked for in the repository's list of issues and not by GitHub's search, whose index comes later and has a quota of its
own. A webhook is only believed to say of which issue it speaks: how that stands is asked.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr

from connectors import ConnectorError, Nonsense
from connectors.answers import Answer
from connectors.http import Http
from connectors.inbound.proof import GITHUB, Proof
from connectors.text import clean, parse_time, safe_url
from connectors.trackers import Issue, IssueState, Unseen, document_of, inner, mark
from connectors.writing import CLOCKS, Unsure, send, sound, sound_object

NETWORK = "GitHub"
PAGE, MOST_PAGES = 100, 20  # issues that are looked through: 2,000 since somebody pressed
_NATIVE = re.compile(r"([A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100})#([0-9]{1,10})", re.ASCII)
_QUOTED = re.compile(r"^>.*@.*$", re.MULTILINE)
_MENTION = re.compile(r"(?<![\w/])@(?=\w)")
_RENEW = "Make a fine-grained token with Issues: read and write, put it into earful.env, reload."
_CLOSED: dict[str, tuple[IssueState, str]] = {
    "completed": ("fixed", "completed"),
    "not_planned": ("declined", "not planned"),
    "duplicate": ("declined", "a duplicate"),
}


class Settings(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """[[trackers]] of kind "github"."""

    repository: str = Field(
        pattern=r"^[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}$", description="where issues are created: owner/name"
    )
    token: SecretStr = Field(description="a fine-grained token for this repository: Issues, read and write")
    webhook_secret: SecretStr | None = Field(
        None, min_length=16, description="of the webhook: an issue that is closed there is known here at once"
    )
    api_url: str = Field(
        "https://api.github.com", pattern=r"^https?://[^\s?#@]+$", description="GitHub Enterprise: https://HOST/api/v3"
    )


class GitHubTracker:
    """The issues of one repository."""

    network = NETWORK
    longest_title = 256
    longest = 60_000  # GitHub takes 65,536; the mark needs a few

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._address = settings.api_url.rstrip("/")
        self.place = settings.repository

    @property
    def proof(self) -> Proof:
        """X-Hub-Signature-256 over the body."""
        secret = self._settings.webhook_secret
        return Proof(GITHUB, secret.get_secret_value() if secret is not None else "")

    def create(self, title: str, text: str, key: str, _now: datetime) -> Issue:
        """https://docs.github.com/en/rest/issues/issues#create-an-issue (201; 410 where issues are switched off)"""
        body = json.dumps({"title": title, "body": f"{without_mentions(text)}\n\n<!-- {mark(key)} -->"}).encode()
        headers = {**self._headers(), "Content-Type": "application/json"}
        address = f"{self._address}/repos/{self.place}/issues"
        refuses = "Check the repository, whether it has issues, and the token's rights, then press again."
        found, answer = send(self._http, "POST", address, headers, body, refuses=refuses)
        created = self._issue(found) if answer.status == 201 else None
        if created is None:
            raise Unsure(f"{NETWORK} took it and answered with something that is not an issue")
        return created

    def look_up(self, key: str, since: datetime, now: datetime) -> Issue | None:
        """https://docs.github.com/en/rest/issues/issues#list-repository-issues, the newest first"""
        begins = since - CLOCKS
        params: dict[str, str | int] = {
            "state": "all", "sort": "created", "direction": "desc", "per_page": PAGE,
            "since": begins.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }  # fmt: skip
        for page in range(1, MOST_PAGES + 1):
            answer = self._get(f"/repos/{self.place}/issues", {**params, "page": page})
            listed = sound(answer, NETWORK, now, _RENEW)
            if not isinstance(listed, list):
                raise Nonsense(f"{NETWORK} answered with something that is not a list of issues", "Check api_url.")
            for each in listed:
                if mark(key) in str(inner(each, "body") or "") and (found := self._issue(each)) is not None:
                    return found
            created = parse_time(inner(listed[-1], "created_at")) if listed else None
            if len(listed) < PAGE or (created is not None and created < begins):
                return None
        raise ConnectorError(f"{self.place} has too many new issues to look through")

    def ask(self, native_id: str, now: datetime) -> Issue:
        """https://docs.github.com/en/rest/issues/issues#get-an-issue; one that was moved is followed."""
        place = _NATIVE.fullmatch(native_id)
        if place is None:
            raise Unseen
        answer = self._get(f"/repos/{place[1]}/issues/{place[2]}")
        if answer.status in {404, 410}:
            raise Unseen
        shown = sound_object(answer, NETWORK, now, _RENEW)
        state = _state(shown)
        if state is None:
            raise Nonsense(f"{NETWORK} answered with something that is not an issue", "Check api_url.")
        return Issue(native_id, safe_url(shown.get("html_url")), *state)

    def name_of(self, url: str) -> str:
        """https://github.com/acme/kettle/issues/12; the API of Enterprise is on the same host as its pages."""
        api = urlsplit(self._address).netloc.casefold()
        try:
            parts = urlsplit(url.strip())
        except ValueError:
            return ""
        found = re.fullmatch(r"/([^/]+/[^/]+)/issues/([0-9]{1,10})/?", parts.path, re.ASCII)
        there = parts.scheme in {"http", "https"} and parts.netloc.casefold() == api.removeprefix("api.")
        if not there or found is None or found[1].casefold() != self.place.casefold():
            return ""
        return f"{self.place}#{found[2]}"

    def check(self, now: datetime) -> str:
        """https://docs.github.com/en/rest/repos/repos#get-a-repository; what may be written shows at a press only."""
        shown = sound_object(self._get(f"/repos/{self.place}"), NETWORK, now, _RENEW)
        if shown.get("has_issues") is False:
            raise ConnectorError(f"{self.place} has no issues", "Switch them on in the repository's settings.")
        who = "only its members can read them" if shown.get("private") else "anyone can read them"
        return f"issues are created in {self.place}, when a person presses; {who}"

    def named(self, body: bytes) -> str:
        """https://docs.github.com/en/webhooks/webhook-events-and-payloads#issues"""
        told = document_of(body)
        name, number = inner(told, "repository", "full_name"), inner(told, "issue", "number")
        found = f"{name}#{number}" if isinstance(name, str) and isinstance(number, int) else ""
        return found if _NATIVE.fullmatch(found) else ""

    def _issue(self, shown: Any) -> Issue | None:
        number, state = inner(shown, "number"), _state(shown)
        if not isinstance(number, int) or isinstance(number, bool) or state is None:
            return None
        return Issue(f"{self.place}#{number}", safe_url(shown.get("html_url")), *state)

    def _headers(self) -> dict[str, str]:
        return {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self._settings.token.get_secret_value()}",
            "X-GitHub-Api-Version": "2022-11-28",
        }

    def _get(self, path: str, params: dict[str, str | int] | None = None) -> Answer:
        return self._http.get(self._address + path, params=params, headers=self._headers())


def without_mentions(text: str) -> str:
    """A text whose quotes ("> ") call nobody: the account "@acme" of a network is somebody else on GitHub."""
    return _QUOTED.sub(lambda line: _MENTION.sub("@\u2060", line[0]), text)


def _state(shown: Any) -> tuple[IssueState, str] | None:
    """How an issue stands; None for what is none. One that was closed in a way that we don't know is not fixed."""
    state: Literal["open", "closed"] | Any = inner(shown, "state")
    if state == "open":
        return "open", ""
    if state != "closed":
        return None
    why = inner(shown, "state_reason")
    if why is None:  # closed before GitHub asked why
        return "fixed", "completed"
    return _CLOSED.get(str(why), ("declined", clean(str(why))[:60]))
