"""Answering on Bluesky: a record that we write into the account's own repository, under a key that we choose.

So whether it was written can always be told: by looking under that key. The key is a TID, as the lexicon of a post
wants it: https://atproto.com/specs/tid and https://docs.bsky.app/docs/advanced-guides/posts for replies, facets and
`com.atproto.repo.createRecord`.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr

from connectors import Nonsense, Post, Refused
from connectors.answers import error_for
from connectors.bluesky.connector import Settings
from connectors.bluesky.responses import DID
from connectors.bluesky.stream import POST
from connectors.http import Http, json_of
from connectors.text import parse_time
from connectors.writing import NotWritten, Standing, Unsure, Written, delete, nothing_sent_yet, send

LONGEST = 300  # graphemes
_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
_LINK = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]]")
_JOINED = frozenset({"Mn", "Me", "Cf"})  # what stands on the letter before it, and counts for nothing
_RENEW = "Create an app password for the account that answers, write it into this source's settings, then reload."


class ReplySettings(BaseModel, frozen=True, extra="forbid"):
    """What a `bluesky` source with `reply = true` needs beside."""

    reply_handle: str = Field(min_length=3, description="The handle of the account that answers.")
    reply_password: SecretStr = Field(description="An app password of that account, made for Earful's replies alone.")
    reply_url: str = Field(
        default="https://bsky.social", pattern=r"^https?://[^\s?#@]+$", description="The server of that account."
    )


class BlueskyReply:
    """Answers as one account."""

    network = "Bluesky"
    price = ""
    looks_up = True
    takes_back = True

    def __init__(self, settings: ReplySettings, reading: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._base = settings.reply_url.rstrip("/")
        self._host = urlsplit(self._base).hostname or "the server"
        self._appview = reading.appview_url.rstrip("/")
        self._did = ""

    def standing(self, now: datetime) -> Standing:
        """The account, as it logs in."""
        handle, _ = self._session(now)
        return Standing(f"@{handle}", LONGEST)

    def opening(self, _post: Post) -> str:
        """Nothing: Bluesky tells whoever is answered."""
        return ""

    def refusal(self, _post: Post) -> str:
        """Nothing; an author who lets nobody reply is for the network to enforce."""
        return ""

    def length(self, text: str) -> int:
        """Near what people see as one letter each: an accent of its own or a joiner counts for nothing."""
        return sum(1 for letter in text if unicodedata.category(letter) not in _JOINED)

    def reply(self, post: Post, text: str, key: str, now: datetime) -> Written:
        """Look the parent up for its place in the thread, log in, and write the record."""
        with nothing_sent_yet():
            parent, root = self._place(post)
            _, token = self._session(now)
        created = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03}Z"
        record = {
            "$type": POST,
            "text": text,
            "createdAt": created,
            "reply": {"root": root, "parent": parent},
            **_links(text),
        }
        body = {"repo": self._did, "collection": POST, "rkey": _tid(key), "record": record}
        found, _ = send(self._http, "POST", self._address("com.atproto.repo.createRecord"), token, _body(body))
        uri = found.get("uri") if isinstance(found, dict) else None
        at = parse_time(created)
        if not isinstance(uri, str) or not uri.startswith("at://") or at is None:
            raise Unsure(f"{self._host} took the reply and sent something that is not a record")
        return Written(uri, _url_of(uri), at)

    def look_up(self, _post: Post, _text: str, key: str, _since: datetime, now: datetime) -> Written | None:
        """Under our key, where nothing else can stand."""
        if not self._did:
            self._session(now)
        record = self._record(_tid(key), now)
        if record is None:
            return None
        uri, at = record.get("uri"), parse_time((record.get("value") or {}).get("createdAt"))
        if not isinstance(uri, str) or at is None:
            raise Nonsense(f"{self._host} sent something that is not a record", "Check reply_url.")
        return Written(uri, _url_of(uri), at)

    def answers(self, native_id: str, now: datetime) -> int | None:
        """As the server that shows posts counts them; the account's own server says whether it stands."""
        if self._record(native_id.rpartition("/")[2], now, native_id.removeprefix("at://").partition("/")[0]) is None:
            return None
        found = self._posts(native_id)
        return int(found[0].get("replyCount") or 0) if found else 0

    def take_back(self, native_id: str, now: datetime) -> None:
        """Deleting what is not there is no fault for the server."""
        with nothing_sent_yet():
            _, token = self._session(now)
        body = {"repo": self._did, "collection": POST, "rkey": native_id.rpartition("/")[2]}
        delete(
            lambda: send(self._http, "POST", self._address("com.atproto.repo.deleteRecord"), token, _body(body)),
            lambda: self.answers(native_id, now),
        )

    def _session(self, now: datetime) -> tuple[str, dict[str, str]]:
        """The handle and the headers of a new session: replies are few, and one that ends early is one more fault."""
        asked = {
            "identifier": self._settings.reply_handle.lstrip("@"),
            "password": self._settings.reply_password.get_secret_value(),
        }
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        answer = self._http.send(
            "POST", self._address("com.atproto.server.createSession"), headers=headers, body=_body(asked)
        )
        if answer.status in {400, 401}:
            raise Refused(f"{self._host} answered {answer.status}: the handle or the app password is refused", _RENEW)
        error = error_for(answer, self._host, now)
        if error is not None:
            raise error
        found: Any = json_of(answer)
        did, token = (found.get(name) if isinstance(found, dict) else None for name in ("did", "accessJwt"))
        if not isinstance(did, str) or not DID.fullmatch(did) or not isinstance(token, str) or not token.isascii():
            raise Nonsense(f"{self._host} sent something that is not a session", "Check reply_url.")
        self._did = did
        handle = found.get("handle")
        shown = handle if isinstance(handle, str) and re.fullmatch(r"[\w.-]{3,253}", handle) else did
        return shown, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def _place(self, post: Post) -> tuple[dict[str, str], dict[str, str]]:
        """The parent and the first post of its thread, each by address and fingerprint, as a reply must name them."""
        found = self._posts(post.native_id)
        if not found:
            raise NotWritten(f"{self._host}: the post was deleted", "Nothing was sent; close the case.")
        parent = _reference(found[0])
        record = found[0].get("record")
        replied = record.get("reply") if isinstance(record, dict) else None
        return parent, _reference(replied["root"]) if isinstance(replied, dict) else parent

    def _posts(self, uri: str) -> list[dict[str, Any]]:
        found, _ = self._http.get_json(f"{self._appview}/xrpc/app.bsky.feed.getPosts", params={"uris": [uri]})
        posts = found.get("posts") if isinstance(found, dict) else None
        if not isinstance(posts, list):
            raise Nonsense("the server that shows posts sent something else", "Check appview_url.")
        return [each for each in posts if isinstance(each, dict) and each.get("uri") == uri]

    def _record(self, key: str, now: datetime, repo: str = "") -> dict[str, Any] | None:
        params = {"repo": repo or self._did, "collection": POST, "rkey": key}
        answer = self._http.get(self._address("com.atproto.repo.getRecord"), params=params)
        if answer.status in {400, 404}:
            said: Any = json_of(answer)
            if isinstance(said, dict) and said.get("error") == "RecordNotFound":
                return None
        error = error_for(answer, self._host, now)
        if error is not None:
            raise error
        found: Any = json_of(answer)
        if not isinstance(found, dict) or not isinstance(found.get("value"), dict):
            raise Nonsense(f"{self._host} sent something that is not a record", "Check reply_url.")
        return found

    def _address(self, method: str) -> str:
        return f"{self._base}/xrpc/{method}"


def _url_of(uri: str) -> str:
    did, _, rest = uri.removeprefix("at://").partition("/")
    return f"https://bsky.app/profile/{did}/post/{rest.rpartition('/')[2]}"


def _reference(post: Any) -> dict[str, str]:
    uri, cid = (post.get(name) if isinstance(post, dict) else None for name in ("uri", "cid"))
    if not isinstance(uri, str) or not isinstance(cid, str):
        raise Nonsense("the server that shows posts sent one without its address", "Check appview_url.")
    return {"uri": uri, "cid": cid}


def _tid(key: str) -> str:
    """Our key as a record key: its time in microseconds, and ten bits of its chance. The same key gives the same."""
    told, _, _chance = key.partition("-")
    try:
        moment = int(told, 16)
    except ValueError:
        moment = int(hashlib.sha256(key.encode()).hexdigest()[:12], 16)
    number = (moment & (2**53 - 1)) << 10 | int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) & 1023
    return "".join(_DIGITS[number >> shift & 31] for shift in range(60, -1, -5))


def _links(text: str) -> dict[str, Any]:
    """Links are marked by their place in bytes, or they are dead text."""
    facets = []
    for found in _LINK.finditer(text):
        start, end = (len(text[:place].encode()) for place in found.span())
        feature = {"$type": "app.bsky.richtext.facet#link", "uri": found[0]}
        facets.append({"index": {"byteStart": start, "byteEnd": end}, "features": [feature]})
    return {"facets": facets} if facets else {}


def _body(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
