"""Answering in a discussion on GitHub, which is written by GraphQL alone.

A discussion has two floors: an answer to an answer stands below the comment that both belong to. Errors come with
status 200; one with a type is a refusal. https://docs.github.com/graphql/guides/using-the-graphql-api-for-discussions
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors import Nonsense, Post
from connectors.github.connector import NETWORK, graphql_of
from connectors.http import Http
from connectors.listing import part
from connectors.text import clean, parse_time, safe_url, text_of
from connectors.writing import CLOCKS, NotWritten, Unsure, Written, bare, nothing_sent_yet, send, sound_object

_DISCUSSION = re.compile(r"([A-Za-z0-9-]{1,39})/([A-Za-z0-9._-]{1,100})/discussions/([0-9]{1,10})")
_NODE = re.compile(r"[\w=+-]{4,200}", re.ASCII)
_SAID = "id url body createdAt deletedAt viewerDidAuthor"
_FIND = """query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) { discussion(number: $number) { id } }
}"""
_LIST = f"""query($owner: String!, $name: String!, $number: Int!) {{
  repository(owner: $owner, name: $name) {{ discussion(number: $number) {{
    comments(last: 50) {{ nodes {{ {_SAID} replies(last: 50) {{ nodes {{ {_SAID} }} }} }} }}
  }} }}
}}"""
_ONE = f"""query($id: ID!) {{ node(id: $id) {{ ... on DiscussionComment {{
  {_SAID} replies {{ totalCount }} replyTo {{ replies(last: 100) {{ nodes {{ {_SAID} }} }} }}
}} }} }}"""
_ADD = f"""mutation($discussion: ID!, $above: ID, $body: String!) {{
  addDiscussionComment(input: {{discussionId: $discussion, replyToId: $above, body: $body}}) {{ comment {{ {_SAID} }} }}
}}"""
_DELETE = "mutation($id: ID!) { deleteDiscussionComment(input: {id: $id}) { comment { id } } }"
# Kinds of errors after which nobody can tell whether it was done; one without a kind is the same.
_THEIR_FAULT = frozenset({"", "INTERNAL", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE"})
_REMEDY = "Check that the token for replies may write discussions in this repository, or answer on GitHub itself."


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer goes: a discussion, and the comment in it that it stands below ("" for the discussion itself)."""

    owner: str
    name: str
    number: int
    above: str

    @property
    def asked(self) -> dict[str, object]:
        """The variables that name the discussion."""
        return {"owner": self.owner, "name": self.name, "number": self.number}


def place_of(post: Post) -> Place | None:
    """Where a post of a discussion is answered, None for any other post."""
    found = _DISCUSSION.fullmatch(post.native_id) or _DISCUSSION.fullmatch(post.thread_id)
    if found is None:
        return None
    above = post.parent_id if is_node(post.parent_id) else ""
    below = "" if _DISCUSSION.fullmatch(post.native_id) else above or post.native_id
    return Place(found[1], found[2], int(found[3]), below)


def is_node(native_id: str) -> bool:
    """Whether an id is GraphQL's, as those of comments in discussions are."""
    return _NODE.fullmatch(native_id) is not None


class Discussions:
    """Writes, finds and deletes comments of the token's account."""

    def __init__(self, http: Http, api_url: str, headers: Callable[[], Mapping[str, str]], renew: str) -> None:
        self._http = http
        self._address = graphql_of(api_url)
        self._headers = headers
        self._renew = renew

    def reply(self, place: Place, text: str, now: datetime) -> Written:
        """https://docs.github.com/graphql/reference/mutations#adddiscussioncomment"""
        with nothing_sent_yet():
            held = part(self._read(_FIND, place.asked, now), "repository", "discussion")
            if not isinstance(held.get("id"), str):
                raise NotWritten(f"{NETWORK}: the discussion was deleted", "Nothing was sent; close the case.")
        found = self._send(_ADD, {"discussion": held["id"], "above": place.above or None, "body": text})
        written = _written(part(found, "addDiscussionComment", "comment"))
        if written is None:
            raise Unsure(f"{NETWORK} took the reply and sent something that is not a comment")
        return written

    def look_up(self, place: Place, text: str, since: datetime, now: datetime) -> Written | None:
        """Among the newest comments of the discussion: ours, in these words."""
        listed = _nodes(part(self._read(_LIST, place.asked, now), "repository", "discussion", "comments"))
        for each in [*listed, *(below for one in listed for below in _nodes(part(one, "replies")))]:
            written = _written(each)
            ours = each.get("viewerDidAuthor") is True and bare(each.get("body")) == bare(text)
            if written is not None and ours and written.at >= since - CLOCKS:
                return written
        return None

    def answers(self, native_id: str, now: datetime) -> int | None:
        """What stands below our comment, or came after our answer below another's; None where ours is gone."""
        held = part(self._read(_ONE, {"id": native_id}, now), "node")
        if not held or held.get("deletedAt"):  # one that was answered leaves an empty place
            return None
        ours = _written(held)
        if ours is None:
            raise Nonsense(f"{NETWORK} sent something that is not a comment", "Check api_url.")
        count = part(held, "replies").get("totalCount")
        times = [
            parse_time(each.get("createdAt"))
            for each in _nodes(part(held, "replyTo", "replies"))
            if each.get("id") != native_id and each.get("viewerDidAuthor") is not True
        ]
        later = sum(1 for each in times if each is not None and each >= ours.at)
        return later + (count if isinstance(count, int) else 0)

    def delete(self, native_id: str) -> None:
        """https://docs.github.com/graphql/reference/mutations#deletediscussioncomment"""
        found = self._send(_DELETE, {"id": native_id})
        if not part(found, "deleteDiscussionComment"):
            raise Unsure(f"{NETWORK} took the request, and does not say that the comment is deleted")

    def _send(self, query: str, variables: Mapping[str, object]) -> dict[str, Any]:
        headers = {**self._headers(), "Content-Type": "application/json"}
        found, _ = send(self._http, "POST", self._address, headers, _body(query, variables))
        kind, words = _error(found)
        done = part(found, "data")
        if kind is None or any(done.values()):  # done, whatever else went wrong
            return done
        if kind in _THEIR_FAULT:
            raise Unsure(f"{NETWORK} answered with an error of its own")
        raise NotWritten(f'{NETWORK} refused it: "{words}"' if words else f"{NETWORK} refused it ({kind})", _REMEDY)

    def _read(self, query: str, variables: Mapping[str, object], now: datetime) -> dict[str, Any]:
        """What a query finds; nothing where GitHub says that it is not there."""
        headers = {"Accept": "application/json", **self._headers(), "Content-Type": "application/json"}
        answer = self._http.send("POST", self._address, headers=headers, body=_body(query, variables))
        found = sound_object(answer, NETWORK, now, self._renew)
        kind, words = _error(found)
        if kind == "NOT_FOUND":
            return {}
        if kind is not None or not isinstance(found.get("data"), dict):
            raise Nonsense(f"{NETWORK} did not say ({words or kind or 'no data'})", _REMEDY)
        return part(found, "data")


def _body(query: str, variables: Mapping[str, object]) -> bytes:
    return json.dumps({"query": query, "variables": dict(variables)}).encode()


def _error(found: Any) -> tuple[str | None, str]:
    """The kind of the first error in an answer and its words; no kind where there is no error."""
    errors = found.get("errors") if isinstance(found, dict) else None
    first = part(errors[0]) if isinstance(errors, list) and errors else {}
    if not errors:
        return None, ""
    return clean(text_of(first.get("type")))[:40], " ".join(clean(text_of(first.get("message"))).split())[:200]


def _nodes(held: Mapping[str, Any]) -> list[dict[str, Any]]:
    listed = held.get("nodes")
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def _written(each: Mapping[str, Any]) -> Written | None:
    number, at = each.get("id"), parse_time(each.get("createdAt"))
    if not isinstance(number, str) or not is_node(number) or at is None or each.get("deletedAt"):
        return None
    return Written(number, safe_url(each.get("url")), at)
