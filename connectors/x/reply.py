"""Answering on X, as one account, where X lets a program do so: whoever is answered has mentioned or quoted it.

X bills each reply, and more for one with a link; both prices are shown before the press. X has no key against doubles,
but refuses the same words twice; what was lost is looked for in the account's own timeline.
https://docs.x.com/x-api/posts/create-post and https://docs.x.com/developer-terms/policy for replies by programs.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import re
import secrets
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from pydantic import BaseModel, Field, SecretStr

from connectors import Nonsense, Post, Refused
from connectors.http import Http
from connectors.listing import part
from connectors.text import clean
from connectors.writing import (
    CLOCKS,
    COUNTED_LINK,
    NotWritten,
    Standing,
    Unsure,
    Written,
    delete,
    nothing_sent_yet,
    send,
    sound,
)
from connectors.x.responses import is_id, knows_nobody, referenced, time_of
from connectors.x.settings import Settings

NETWORK = "X"
LONGEST = 280  # characters, by weight
OF_A_LINK = 23
PRICE, WITH_A_LINK = 0.010, 0.200  # US dollars: https://docs.x.com/x-api/getting-started/pricing
RECENT = 20  # own posts that are looked through; each is billed
_LINK = re.compile(r"https?://\S+")
# What counts for one; all else counts for two: https://docs.x.com/fundamentals/counting-characters
_LIGHT = re.compile(r"[\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]")
_RENEW = "Create access token and secret with read and write permission for the account that answers, then reload."


class ReplySettings(BaseModel, frozen=True, extra="forbid"):
    """What an `x` source with `reply = true` needs beside: keys of a user who may write (OAuth 1.0a)."""

    reply_handle: str = Field(pattern=r"^@?\w{1,50}$", description="The account that answers.")
    reply_api_key: SecretStr = Field(description="The app's API key (consumer key).")
    reply_api_secret: SecretStr = Field(description="The app's API key secret.")
    reply_token: SecretStr = Field(description="That account's access token, with read and write permission.")
    reply_token_secret: SecretStr = Field(description="That access token's secret.")


class XReply:
    """Answers as one account."""

    network = NETWORK
    price = f"X bills ${PRICE:.2f} for it, ${WITH_A_LINK:.2f} if it has a link"
    looks_up = True
    takes_back = True

    def __init__(self, settings: ReplySettings, reading: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._address = reading.api_url.rstrip("/")
        self._handle = settings.reply_handle.lstrip("@").casefold()
        self._me = ""

    def standing(self, now: datetime) -> Standing:
        """https://docs.x.com/x-api/users/get-my-user"""
        found = self._read("/2/users/me", now)
        me = found.get("data") if isinstance(found, dict) else None
        name, number = (me.get("username"), me.get("id")) if isinstance(me, dict) else (None, None)
        if not isinstance(name, str) or not is_id(number):
            raise Nonsense("X sent something that is not an account", "Check api_url.")
        if name.casefold() != self._handle:
            raise Refused(f"the keys for replies are @{clean(name)}'s, and not @{self._handle}'s", _RENEW)
        self._me = str(number)
        return Standing(f"@{clean(name)}", LONGEST)

    def opening(self, _post: Post) -> str:
        """Nothing: X names whoever is answered."""
        return ""

    def refusal(self, post: Post) -> str:
        """X lets programs answer those alone who turned to the account; whom a post quotes is asked later."""
        return "" if self._mentions(post) or _quoted(post) else self._rule()

    def length(self, text: str) -> int:
        """Links count for 23, and letters of many scripts, and emoji, for two."""
        return sum(1 if _LIGHT.match(each) else 2 for each in COUNTED_LINK.sub("x" * OF_A_LINK, text))

    def reply(self, post: Post, text: str, _key: str, now: datetime) -> Written:
        """One call; the answer holds the id, which holds X's own time. Before it, whose post was quoted is asked."""
        if why := self.refusal(post):
            raise NotWritten(why, "Nothing was sent.")
        with nothing_sent_yet():
            if not self._mentions(post) and not self._wrote(_quoted(post), now):
                raise NotWritten(self._rule(), "Nothing was sent.")
        body = json.dumps({"text": text, "reply": {"in_reply_to_tweet_id": post.native_id}}).encode()
        headers = {**self._signed("POST", "/2/tweets", {}, now), "Content-Type": "application/json"}
        found, _ = send(self._http, "POST", f"{self._address}/2/tweets", headers, body)
        written = self._written(found.get("data") if isinstance(found, dict) else None)
        if written is None:
            raise Unsure("X took the reply and sent something that is not a post")
        return written

    def look_up(self, post: Post, text: str, _key: str, since: datetime, now: datetime) -> Written | None:
        """In the account's own timeline: what answers this post in these words."""
        if not self._me:
            self.standing(now)
        asked = {"max_results": str(RECENT), "tweet.fields": "referenced_tweets"}
        found = self._read(f"/2/users/{self._me}/tweets", now, asked)
        listed = found.get("data") or () if isinstance(found, dict) else ()
        for each in listed if isinstance(listed, list) else ():
            written = self._written(each)
            above = each.get("referenced_tweets") if isinstance(each, dict) else None
            answers = {
                one.get("id") for one in above or () if isinstance(one, dict) and one.get("type") == "replied_to"
            }
            if written is None or post.native_id not in answers or written.at < since - CLOCKS:
                continue
            if _bare(each.get("text")) == _bare(text):
                return written
        return None

    def answers(self, native_id: str, now: datetime) -> int | None:
        """As X counts them; a post that is not there comes as an error without data."""
        found = self._read(f"/2/tweets/{native_id}", now, {"tweet.fields": "public_metrics"})
        data = found.get("data") if isinstance(found, dict) else None
        if not isinstance(data, dict):
            if isinstance(found, dict) and knows_nobody(found):
                return None
            raise Nonsense("X sent something that is not a post", "Check api_url.")
        metrics = data.get("public_metrics")
        count = metrics.get("reply_count") if isinstance(metrics, dict) else None
        return count if isinstance(count, int) else 0

    def take_back(self, native_id: str, now: datetime) -> None:
        """https://docs.x.com/x-api/posts/delete-post"""
        if not is_id(native_id):
            raise NotWritten("X: this is not a post of ours", "Delete it on X itself.")
        path = f"/2/tweets/{native_id}"

        def call() -> None:
            found, _ = send(self._http, "DELETE", self._address + path, self._signed("DELETE", path, {}, now))
            if part(found, "data").get("deleted") is not True:
                raise NotWritten("X took the request, and does not say that the post is deleted")

        delete(call, lambda: self.answers(native_id, now))

    def _rule(self) -> str:
        return f"X lets programs answer only posts that mention or quote @{self._handle}; answer on X itself"

    def _mentions(self, post: Post) -> bool:
        return re.search(rf"(?<!\w)@{re.escape(self._handle)}(?!\w)", post.text, re.IGNORECASE) is not None

    def _wrote(self, number: str, now: datetime) -> bool:
        """Whether a post is the account's own; one that is gone is nobody's."""
        if not self._me:
            self.standing(now)
        found = self._read(f"/2/tweets/{number}", now, {"tweet.fields": "author_id"})
        return str(part(found, "data").get("author_id")) == self._me

    def _written(self, each: Any) -> Written | None:
        number = each.get("id") if isinstance(each, dict) else None
        at = time_of(number) if isinstance(number, str) and is_id(number) else None
        if at is None:
            return None
        return Written(str(number), f"https://x.com/{self._handle}/status/{number}", at)

    def _read(self, path: str, now: datetime, params: dict[str, str] | None = None) -> Any:
        given = params or {}
        headers = {"Accept": "application/json", **self._signed("GET", path, given, now)}
        query = f"?{urlencode(given, quote_via=quote)}" if given else ""
        return sound(self._http.get(self._address + path + query, headers=headers), NETWORK, now, _RENEW)

    def _signed(self, method: str, path: str, params: dict[str, str], now: datetime) -> dict[str, str]:
        """Sign a request as its user: https://docs.x.com/fundamentals/authentication/oauth-1-0a/creating-a-signature

        The body is no part of it, being JSON.
        """
        given = self._settings
        moment = str(int(now.timestamp()))
        held = {
            "oauth_consumer_key": given.reply_api_key.get_secret_value(),
            "oauth_nonce": secrets.token_hex(16),
            "oauth_signature_method": "HMAC-SHA1",
            "oauth_timestamp": moment,
            "oauth_token": given.reply_token.get_secret_value(),
            "oauth_version": "1.0",
        }
        address = urlsplit(self._address + path)
        base = f"{address.scheme}://{address.netloc}{address.path}"
        pairs = "&".join(f"{_percent(name)}={_percent(value)}" for name, value in sorted({**held, **params}.items()))
        text = "&".join((method, _percent(base), _percent(pairs)))
        secret = (given.reply_api_secret.get_secret_value(), given.reply_token_secret.get_secret_value())
        key = "&".join(_percent(each) for each in secret)
        signature = base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha1).digest()).decode()
        whole = {**held, "oauth_signature": signature}.items()
        named = ", ".join(f'{name}="{_percent(value)}"' for name, value in whole)
        return {"Authorization": f"OAuth {named}"}


def _quoted(post: Post) -> str:
    """The id of the post that this one quotes, "" for none."""
    try:
        item = json.loads(post.raw)
    except (ValueError, RecursionError):
        return ""
    return referenced(item, "quoted") if isinstance(item, dict) else ""


def _percent(text: str) -> str:
    return quote(text, safe="~")


def _bare(text: object) -> str:
    """A text as it is compared: X puts names before a reply, writes links in its own way, and escapes three signs."""
    if not isinstance(text, str):
        return ""
    words = re.sub(r"^(?:@\w+\s+)+", "", clean(html.unescape(text)).strip())
    return " ".join(_LINK.sub("", words).split()).casefold()
