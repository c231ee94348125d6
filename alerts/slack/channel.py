"""Slack, by its Web API with a bot token, or by an incoming webhook (which can neither be edited nor looked up).

With a token a message carries metadata: the key of its delivery and the mentions it speaks of. Slack has no way to say
"only once", so what timed out after it left is looked for in the channel's history before it is sent again.
Methods: https://docs.slack.dev/reference/methods (chat.postMessage, chat.update, conversations.history, auth.test).
Scopes: chat:write; channels:history, groups:history, channels:read, groups:read (and im:history, im:write for direct
messages) for the look-up; users:read for names; usergroups:read if a group decides who may press.
"""

from __future__ import annotations

import json
import urllib.request
from datetime import datetime
from typing import Any

from alerts import Alert, ChannelError, Letter, Receipt, ReplyWindow
from alerts.http import Answer, WireError, exchange
from alerts.slack import blocks, commands, reply_window
from alerts.slack.blocks import EVENT_TYPE, Message
from alerts.slack.client import Client
from alerts.slack.errors import APP_KEY, KEY, hook_error, loses_the_channel, unsure, word
from alerts.slack.settings import Settings

OVERLAP = 300  # seconds: our clock and Slack's need not agree
_PAGES = 25
_PER_PAGE = 200
_NAMED = 20  # members of the user group whose names `check` asks for


class Slack:
    """Staff are told in Slack. With a token this makes a `SlackBot`, which can edit and look up; else it only posts."""

    seconds_between = 1.0  # https://docs.slack.dev/apis/web-api/rate-limits: about one message a second a channel

    def __new__(cls, settings: Settings) -> Slack:
        """Make the one that fits the settings."""
        return object.__new__(SlackBot if settings.token is not None else cls)

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.wakes = settings.wakes

    def send(self, message: Alert | Letter, target: str, *, plain: bool = False) -> Receipt:  # noqa: ARG002
        """Post to the channel that the webhook was made for; `target` cannot choose another."""
        made = _made(message, plain, presses=False)
        said = {"text": made.text, "blocks": made.blocks, "unfurl_links": False, "unfurl_media": False}
        answer = self._post(said)
        if answer.status == 200 and answer.body.strip() == b"ok":
            return Receipt()
        raise hook_error(answer.status, answer.body, answer.headers)

    def check(self) -> str:
        """Post nothing at all: a living webhook answers that there is no text."""
        answer = self._post({})
        if answer.status == 400:
            return "incoming webhook: can post, but not edit, look up messages or receive presses"
        raise hook_error(answer.status, answer.body, answer.headers)

    def _post(self, said: dict[str, Any]) -> Answer:
        url = self.settings.webhook_url.get_secret_value() if self.settings.webhook_url else ""
        body = json.dumps(said).encode()
        proxy = self.settings.proxy.get_secret_value() if self.settings.proxy else ""
        try:
            request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
            return exchange(request, self.settings.timeout, proxy=proxy)
        except WireError as error:
            why = f"Slack's webhook: {error.reason}"
            raise ChannelError(why, outcome_unknown=error.left, remedy=error.remedy) from None


class SlackBot(Slack):
    """Slack with a bot token: its messages can be edited, threaded, pressed, and found again."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        token = settings.token.get_secret_value() if settings.token else ""
        self._client = Client(token, settings)
        self._ids: dict[str, str] = {}  # target -> conversation id, as Slack told us
        self._bot_id = ""

    def send(self, message: Alert | Letter, target: str, *, plain: bool = False) -> Receipt:
        """Post once. `target` is "#channel", a channel's id "C…" or a person's id "@U…"."""
        made = _made(message, plain, presses=self.settings.hears_presses)
        return self._receipt(target, self._client.ask("chat.postMessage", **_address(target), **_content(made)))

    def edit(self, alert: Alert, target: str, receipt: Receipt) -> Receipt:
        """Replace the message in place; doing it twice is the same as once."""
        channel, timestamp = _place(receipt)
        made = _made(alert, False, presses=self.settings.hears_presses)
        content = {key: value for key, value in _content(made).items() if not key.startswith("unfurl")}
        try:
            said = self._client.ask("chat.update", channel=channel, ts=timestamp, **content)
        except ChannelError as error:
            if not error.too_large:
                raise
            short = _made(alert, True, presses=False)
            said = self._client.ask(
                "chat.update", channel=channel, ts=timestamp, text=short.text, blocks=[], metadata=short.metadata
            )
        return self._receipt(target, said)

    def follow_up(self, alert: Alert, target: str, receipt: Receipt) -> Receipt:
        """Answer in the thread of the message."""
        channel, timestamp = _place(receipt)
        made = _made(alert, False, presses=self.settings.hears_presses)
        try:
            said = self._client.ask("chat.postMessage", channel=channel, thread_ts=timestamp, **_content(made))
        except ChannelError as error:
            if not error.too_large:
                raise
            short = _content(_made(alert, True, presses=False))
            said = self._client.ask("chat.postMessage", channel=channel, thread_ts=timestamp, **short)
        return self._receipt(target, said)

    def look_up(
        self, key: str, revision: int, target: str, since: datetime, within: Receipt | None = None
    ) -> Receipt | None:
        """Find the message sent under `key` at `revision` or later, posted after `since`; `within` searches its thread.

        None means that it is not there. ChannelError means that this cannot be said: no scope, no answer, too much to
        read, or messages of ours whose metadata Slack does not show.
        """
        try:
            return self._look_up(key, revision, target, since, within)
        except ChannelError as error:
            if error.target_broken or (error.channel_broken and not loses_the_channel(error)):
                # Reading may be refused where posting works: this must not close the channel, nor the place.
                raise ChannelError(error.message, outcome_unknown=True, remedy=error.remedy) from None
            raise

    def check(self) -> str:
        """Ask Slack who we are and what we may do."""
        said = self._client.ask("auth.test")
        scopes = {scope.strip() for scope in said.headers.get("x-oauth-scopes", "").split(",") if scope.strip()}
        if scopes and "chat:write" not in scopes:
            raise ChannelError("Slack: missing_scope chat:write", channel_broken=True, remedy=KEY["missing_scope"])
        notes = [f"connected to {word(said['team'])} as {word(said['user'])}"]
        if scopes and not scopes & {"channels:history", "groups:history"}:
            notes.append("without channels:history, a message may be repeated if Slack's answer is lost")
        if not self.settings.hears_presses:
            notes.append("no app_token: the messages have no buttons")
        else:
            self._check_presses()
        if self.settings.team and said["team_id"] != self.settings.team:
            raise ChannelError(
                f"Slack: this token is for workspace {word(said['team_id'])}, but the settings have another `team`",
                channel_broken=True,
                remedy="correct `team` in settings.toml, or use a token of that workspace",
            )
        if self.settings.may_press:
            notes.append(self._who_may_press())
        return "; ".join(notes)

    def _check_presses(self) -> None:
        """Ask for an address to listen at, as the daemon does; whoever pressed would only see that nothing happens."""
        if self.settings.app_token is None:
            return
        token = self.settings.app_token.get_secret_value()
        try:
            Client(token, self.settings).ask("apps.connections.open", app_token=token)
        except ChannelError as error:
            said = f"the buttons don't work: {error.message}"
            remedy = APP_KEY if error.remedy else ""
            raise ChannelError(said, channel_broken=error.channel_broken, remedy=remedy) from None

    def _who_may_press(self) -> str:
        """The members of the user group that is the list of staff, by name."""
        members = sorted(self.members(self.settings.may_press))
        if not members:
            return f"the user group {self.settings.may_press} is empty, so nobody may press"
        names = [f"{self.person(user)} ({user})" for user in members[:_NAMED]]
        more = f" and {len(members) - _NAMED} more" if len(members) > _NAMED else ""
        return f"may press: {', '.join(names)}{more}"

    def team(self) -> str:
        """Return the id of the workspace that the token is for."""
        return str(self._client.ask("auth.test")["team_id"] or "")

    def person(self, user_id: str) -> str:
        """Return the name people know somebody by (scope users:read); their id if Slack does not say."""
        user = self._client.ask("users.info", user=user_id)["user"]
        profile = user.get("profile") if isinstance(user, dict) else None
        names = [profile.get("display_name"), profile.get("real_name")] if isinstance(profile, dict) else []
        names += [user.get("real_name"), user.get("name")] if isinstance(user, dict) else []
        return next((word(name) for name in names if isinstance(name, str) and name.strip()), user_id)

    def whisper(self, channel: str, user_id: str, words: str) -> None:
        """Say something that only one person in a channel sees: why a press changed nothing."""
        self._client.ask("chat.postEphemeral", channel=channel, user=user_id, text=blocks.escape(words))

    def answer(self, url: str, words: str) -> None:
        """Answer whoever asked with a command, where Slack said to; they alone see it.

        https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
        """
        place = commands.answer_address(url, self.settings.api_url)
        if not place:
            raise ChannelError("Slack named no address to answer at")
        said = {"response_type": "ephemeral", "replace_original": False, "text": blocks.escape(words)}
        proxy = self.settings.proxy.get_secret_value() if self.settings.proxy else ""
        body = json.dumps(said).encode()
        try:
            request = urllib.request.Request(place, body, {"Content-Type": "application/json"})  # noqa: S310 - checked
            found = exchange(request, self.settings.timeout, proxy=proxy)
        except WireError as error:
            raise ChannelError(f"Slack: {error.reason}", outcome_unknown=error.left) from None
        if found.status != 200:
            raise hook_error(found.status, found.body, found.headers)

    def ask_whom(self, trigger_id: str, case_id: str, channel: str, message_ts: str) -> None:
        """Open the window that asks whom a case goes to; Slack lets a press do that for three seconds.

        https://docs.slack.dev/reference/methods/views.open
        """
        self._client.ask("views.open", trigger_id=trigger_id, view=blocks.hand_over(case_id, channel, message_ts))

    def ask_where(self, trigger_id: str, about: str, channel: str, message_ts: str) -> None:
        """Open the window that asks where we have said so publicly, within three seconds of the press.

        https://docs.slack.dev/reference/methods/views.open
        """
        self._client.ask("views.open", trigger_id=trigger_id, view=blocks.said_publicly(about, channel, message_ts))

    def open_reply(self, trigger_id: str, window: ReplyWindow) -> None:
        """Open the window in which a case is answered in public, within three seconds of the press.

        https://docs.slack.dev/reference/methods/views.open
        """
        self._client.ask("views.open", trigger_id=trigger_id, view=reply_window.view(window))

    def change_reply(self, view_id: str, window: ReplyWindow) -> None:
        """Change an open window of a reply: what came of asking for a draft.

        https://docs.slack.dev/reference/methods/views.update
        """
        self._client.ask("views.update", view_id=view_id, view=reply_window.view(window))

    def members(self, group: str) -> frozenset[str]:
        """Return the ids of the people in a user group "S…" (scope usergroups:read): those who may press.

        https://docs.slack.dev/reference/methods/usergroups.users.list answers whole, without pages.
        """
        users = self._client.ask("usergroups.users.list", usergroup=group)["users"]
        return frozenset(user for user in users or [] if isinstance(user, str))

    def _look_up(self, key: str, revision: int, target: str, since: datetime, within: Receipt | None) -> Receipt | None:
        options: dict[str, Any] = {"oldest": f"{since.timestamp() - OVERLAP:.6f}", "include_all_metadata": True}
        if within is None:
            method, options["channel"] = "conversations.history", self._conversation(target)
        else:
            method = "conversations.replies"
            options["channel"], options["ts"] = _place(within)
        blind, cursor = False, ""
        pages: set[str] = set()
        while len(pages) < _PAGES:
            said = self._client.ask(method, **options, limit=_PER_PAGE, **({"cursor": cursor} if cursor else {}))
            messages = said["messages"]
            if not isinstance(messages, list):
                raise unsure("its history has no messages in it")
            for message in messages:
                if _is_ours(message, key, revision):
                    return Receipt(json.dumps({"channel": options["channel"], "ts": message["ts"]}))
                blind = blind or self._hidden(message)
            pages.add(cursor)
            cursor = str((said["response_metadata"] or {}).get("next_cursor") or "")
            if not cursor:
                if said["has_more"]:
                    raise unsure("its history stops in the middle")
                if blind:
                    raise unsure("it shows our messages without their metadata")
                return None
            if cursor in pages:
                raise unsure("its history goes round in a circle")
        raise unsure("there is too much history to read")

    def _hidden(self, message: Any) -> bool:
        """Whether this is a message of ours without metadata: then any of them might be the one we look for."""
        if not isinstance(message, dict) or not message.get("bot_id") or message.get("metadata"):
            return False
        if not self._bot_id:
            self._bot_id = str(self._client.ask("auth.test")["bot_id"] or "unknown")
        return bool(message["bot_id"] == self._bot_id)

    def _conversation(self, target: str) -> str:
        """Return the id under which Slack keeps a conversation: history is only read by id."""
        name = target.strip()
        if name in self._ids:
            return self._ids[name]
        if name.startswith("@"):
            opened = self._client.ask("conversations.open", users=name[1:])
            found = (opened["channel"] or {}).get("id")
        elif name.startswith("#") and not _is_id(name[1:]):
            found = self._by_name(name[1:])
        else:
            found = name.lstrip("#")
        if not found:
            raise unsure("it does not show us that channel's id")
        self._ids[name] = str(found)
        return self._ids[name]

    def _by_name(self, name: str) -> str:
        cursor = ""
        for _ in range(_PAGES):
            options = {"cursor": cursor} if cursor else {}
            types = "public_channel,private_channel"
            said = self._client.ask("conversations.list", limit=1000, exclude_archived=True, types=types, **options)
            for channel in said["channels"] or []:
                if isinstance(channel, dict) and channel.get("name") == name:
                    return str(channel.get("id") or "")
            cursor = str((said["response_metadata"] or {}).get("next_cursor") or "")
            if not cursor:
                break
        return ""

    def _receipt(self, target: str, said: Any) -> Receipt:
        channel, timestamp = said["channel"], said["ts"]
        if not isinstance(channel, str) or not isinstance(timestamp, str) or not channel or not timestamp:
            raise ChannelError("Slack: answered ok but not where the message is", outcome_unknown=True)
        self._ids[target.strip()] = channel
        return Receipt(json.dumps({"channel": channel, "ts": timestamp}))


def _made(message: Alert | Letter, plain: bool, *, presses: bool) -> Message:
    if isinstance(message, Letter):
        return blocks.letter(message)
    return blocks.message(message, plain=plain, presses=presses)


def _content(made: Message) -> dict[str, Any]:
    content: dict[str, Any] = {"text": made.text, "metadata": made.metadata}
    if made.blocks:
        content["blocks"] = made.blocks
    return {**content, "unfurl_links": False, "unfurl_media": False}


def _address(target: str) -> dict[str, str]:
    """Slack takes a name with its sign, an id without one."""
    name = target.strip()
    return {"channel": name[1:] if name.startswith("@") or _is_id(name[1:]) else name}


def _is_id(name: str) -> bool:
    return len(name) >= 8 and name[:1] in "CDGUW" and name.isalnum() and name.isupper()


def _place(receipt: Receipt) -> tuple[str, str]:
    """Read a receipt of ours; one of another channel, or of a webhook, leads nowhere."""
    try:
        place = json.loads(receipt.reference)
        return str(place["channel"]), str(place["ts"])
    except (ValueError, KeyError, TypeError):
        raise ChannelError("Slack: the message to edit can't be found", permanent=True) from None


def _is_ours(message: Any, key: str, revision: int) -> bool:
    said = message.get("metadata") if isinstance(message, dict) else None
    if not isinstance(said, dict) or said.get("event_type") != EVENT_TYPE:
        return False
    about = said.get("event_payload")
    if not isinstance(about, dict) or about.get("key") != key or not isinstance(message.get("ts"), str):
        return False
    return isinstance(about.get("revision"), int) and about["revision"] >= revision
