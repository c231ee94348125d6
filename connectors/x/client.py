"""Asks X through tweepy: which fields, with which token, and what a refusal or an odd answer is turned into.

Expansions and their fields: https://docs.x.com/x-api/fundamentals/expansions
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import tweepy

from connectors import ConnectorError, Nonsense, Quota, Refused
from connectors.http import Http, host_of
from connectors.oauth import Access, Tokens
from connectors.requests_adapter import ThroughHttp
from connectors.x.responses import error_of, gone_in, knows_nobody, reset_at, told_in
from connectors.x.settings import Settings

POST_FIELDS = [
    "author_id", "created_at", "lang", "conversation_id", "public_metrics", "note_tweet", "referenced_tweets",
    "in_reply_to_user_id", "edit_history_tweet_ids", "attachments",
]  # fmt: skip


class _KeepQuiet(logging.Filter):
    """tweepy writes the Authorization header and every post's text at DEBUG; neither may reach a log."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.INFO


for _name in ("tweepy", "tweepy.client"):
    logging.getLogger(_name).setLevel(logging.INFO)
    logging.getLogger(_name).addFilter(_KeepQuiet())


class Client:
    """Asks X; `api` is tweepy's client, whose methods are handed to `ask`."""

    def __init__(self, settings: Settings, total_seconds: float) -> None:
        """Touch no network. tweepy gets a client of ours that trusts `api_url` only; one read has `total_seconds`."""
        self._settings = settings
        own = Http(trusted=(host_of(settings.api_url),), total_seconds=total_seconds, user_agent="earful/0.2")
        self._adapter = ThroughHttp(
            own, total_seconds=total_seconds, swap={"https://api.twitter.com": settings.api_url}
        )
        given = settings.bearer_token.get_secret_value() if settings.bearer_token else None
        self.api = tweepy.Client(given, return_type=dict, wait_on_rate_limit=False)
        self._adapter.mount(self.api.session)
        self._tokens: Tokens | None = None
        self._again = ""  # how to sign in again

    def sign_in_with(self, tokens: Tokens) -> None:
        """Ask as whoever signed in, with the token that `tokens` gives at that moment."""
        self._tokens = tokens

    def owner(self, now: datetime) -> str:
        """The id of the account that we read as, if it owns the app; else nothing."""
        if not self._settings.client_id:
            return ""
        access = self._access(now)
        return access.account.id if access.owns_app else ""

    def _access(self, now: datetime, refused: str = "") -> Access:
        if self._tokens is None:
            raise Refused("X: nobody has signed in", "Run: earful connect, with the name of this source.")
        access = self._tokens(now, refused)
        self._again = access.again
        return access

    def _authorized(self, now: datetime, ask: Callable[[], Any]) -> Any:
        """Ask with the token of now, and once more with a fresh one if X turns that down: our clock may be wrong."""
        if not self._settings.client_id:
            return ask()
        access = self._access(now)
        self.api.bearer_token = access.token
        try:
            return ask()
        except ConnectorError:
            raise
        except Exception:
            if self._adapter.last is None or self._adapter.last.status != 401:
                raise
        self.api.bearer_token = self._access(now, access.token).token
        return ask()

    def begin(self) -> None:
        """Begin a read: its total deadline counts from here."""
        self._adapter.begin()

    def fields(self) -> dict[str, Any]:
        """What is asked for of each post, and what is to come along with it."""
        fields: dict[str, Any] = {"tweet_fields": POST_FIELDS}
        expansions = []
        if "authors" in self._settings.expand:
            expansions += ["author_id"]
            fields["user_fields"] = ["username", "name", "public_metrics"]
        if "media" in self._settings.expand:
            expansions += ["attachments.media_keys", "attachments.poll_ids"]
            fields |= {"media_fields": ["alt_text", "media_key", "type"], "poll_fields": ["options"]}
        if "parents" in self._settings.expand:
            expansions += ["referenced_tweets.id"]
        return {**fields, "expansions": expansions} if expansions else fields

    def ask(
        self, now: datetime, ask: Callable[..., Any], *arguments: Any, maybe_nobody: bool = False, **named: Any
    ) -> dict[str, Any]:
        """Ask through tweepy and give the JSON object, or raise the error that fits what came back.

        With `maybe_nobody` an answer that only says that there is nobody is one like any other.
        """
        try:
            body = self._authorized(now, partial(ask, *arguments, **named))
        except ConnectorError:
            raise
        except Exception as error:  # noqa: BLE001 - tweepy lets KeyError, AttributeError and more out on odd answers
            answer = self._adapter.last
            if answer is not None and answer.status == 404 and maybe_nobody:
                return {}
            if answer is not None and answer.status >= 300:
                raise error_of(answer, now, self._again) from None
            raise Nonsense(
                f"X's answer could not be read ({type(error).__name__})",
                "Check api_url; a proxy or login page may be in between.",
            ) from None
        if not isinstance(body, dict):
            raise Nonsense(f"X answered with a {type(body).__name__} instead of an object", "Check api_url.")
        nobody = maybe_nobody and knows_nobody(body)
        if "data" not in body and "meta" not in body and not nobody and not gone_in(body, None):
            raise Nonsense(
                f"X answered with errors and without data{told_in(body)}", "Nothing to do; Earful will retry."
            )
        return body

    def quota(self, now: datetime, cost: float) -> Quota:
        """What the last answer said of the rate limit, with what the read cost."""
        answer = self._adapter.last
        remaining = answer.headers.get("x-rate-limit-remaining", "") if answer else ""
        if not (answer and remaining.isascii() and remaining.isdigit()):
            return Quota(cost=cost)
        return Quota(int(remaining), reset_at(answer.headers, now), cost)
