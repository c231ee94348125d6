"""The sockets over which presses come, and what Slack is asked of and told to whoever pressed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from alerts import Channel, ChannelError, ReplyWindow
from monitor.assistant.answers import Assistant
from monitor.notify import slack_replies
from monitor.notify.beside import Beside
from monitor.notify.deaf_sockets import DeafSockets
from monitor.notify.interactions import Acts, Interactions, Makes
from monitor.notify.spool import Spool
from monitor.people import slack_staff
from monitor.replying.context import Replying
from monitor.settings.models import Settings
from monitor.settings.rules import Rules
from monitor.store.connect import Error
from monitor.store.database import Database
from monitor.store.leases import Lease, Leases
from monitor.timeouts import Overran, within

if TYPE_CHECKING:
    from alerts.slack.socket_mode import Presses

log = logging.getLogger("earful.presses")

LISTENS = timedelta(seconds=20)  # a lease; renewed every five
_ASK_AGAIN = timedelta(minutes=5)  # after Slack could not be asked


class Listening:
    """The sockets over which presses come, one for each Slack channel of the settings that hears them.

    Of several processes one listens, under a lease. A socket that is open for a moment too long does no harm: Slack
    hands each press to one of them, and whoever hears it keeps it.
    """

    def __init__(
        self,
        settings: Settings,
        channels: Mapping[str, Channel],
        spool: Spool,
        beside: Beside | None = None,
        leases: Leases | None = None,
    ) -> None:
        self.spool = spool
        self._leases = leases
        self._listens: dict[str, Lease] = {}
        self._beside = beside or Beside()
        self._channels = channels
        self._options = {
            each.name: each.options for each in settings.channels if each.kind == "slack" and each.options.hears_presses
        }
        self._sockets: dict[str, Presses] = {}
        listening = {name: options for name, options in self._options.items() if options.app_token is not None}
        if listening:
            from alerts.slack.socket_mode import Presses as SlackPresses  # with Slack's library: only where configured

            self._sockets = {name: SlackPresses(options) for name, options in listening.items()}
        self._not_before: dict[str, datetime] = {}
        self._guard = threading.Lock()  # one thread looks who listens, another brings new settings
        self._over = False
        self._deaf = DeafSockets()

    @property
    def is_on(self) -> bool:
        """Whether this process listens."""
        return bool(self._listens)

    def start(self) -> None:
        """Listen where nobody else does, hang up where somebody may by now, and go on where we do: again and again.

        A press is on disk before it is acknowledged.
        """
        with self._guard:
            for name, socket in self._sockets.items() if not self._over else ():
                lease = self._lease(name)
                if lease is None and name in self._listens:
                    log.warning("%s: another process listens for presses from here on", name)
                    socket.stop()
                    del self._listens[name]
                elif lease is not None and name not in self._listens:
                    socket.start(partial(self.spool.keep, channel=name))
                if lease is not None:
                    self._listens[name] = lease

    def _lease(self, name: str) -> Lease | None:
        """The lease under which this process listens; as long as the database is away, the one that it has."""
        leases, held = self._leases, self._listens.get(name)
        if leases is None:
            return Lease(name, 0, float("inf"))
        try:
            return leases.take(f"socket:{name}", LISTENS)
        except Error:
            return held if held is not None and leases.holds(held) else None

    def stop(self) -> None:
        """Hang up for good, and let another listen. A tick that still has this one does not listen again by it."""
        with self._guard:
            self._over = True
            for name, held in list(self._listens.items()):
                self._sockets[name].stop()
                if self._leases is not None:
                    with suppress(*Error):
                        self._leases.release(held)
            self._listens.clear()

    def watch(self, database: Database, rules: Rules, now: datetime) -> None:
        """Tell of a socket over which nothing comes."""
        self._deaf.look(database, rules, self.troubles(), now)

    def troubles(self) -> dict[str, str]:
        """Why nothing comes, by the channels that this process listens for; "" where all is well."""
        with self._guard:
            return {name: self._sockets[name].trouble for name in self._listens}

    def work_off(
        self,
        database: Database,
        rules: Rules,
        now: datetime,
        replying: Replying | None = None,
        makes: Makes | None = None,
        acts: Mapping[str, Acts] = MappingProxyType({}),
        assistant: Assistant | None = None,
    ) -> int:
        """Say what was pressed since the last tick."""
        return Interactions(
            database, rules, self.spool, self._whisper,
            refused=partial(self._refused, database=database, now=now), named=self._named, replying=replying,
            opens=self._open_reply, makes=makes, beside=self._beside, acts=acts, assistant=assistant,
        ).work_off(now)  # fmt: skip

    def _open_reply(self, press: Mapping[str, Any], window: ReplyWindow) -> str:
        """Open the window for whoever pressed, or change theirs; what to tell them where that fails."""
        channel = self._channels.get(str(press.get("by", "")))
        if press["verb"] == slack_replies.DRAFT and channel is not None and hasattr(channel, "change_reply"):
            try:
                within(15, partial(channel.change_reply, str(press["value"]), window), "slack-reply")
            except (ChannelError, Overran) as error:
                log.warning("slack: can't change the reply window: %s", error)
                return "The window was closed. A draft that was written is kept on the case's page."
            return ""
        if channel is None or not hasattr(channel, "open_reply"):
            return "this channel can't open a window; reply on the web page"
        try:
            within(15, partial(channel.open_reply, str(press.get("trigger_id", "")), window), "slack-reply")
        except (ChannelError, Overran) as error:
            log.warning("slack: can't open the reply window: %s", error)
            return "The window could not be opened, so nothing was changed. Press again, or use the web page."
        return ""

    def _named(self, name: str, user: str) -> str:
        """What Slack calls somebody whom settings do not name; their id where it does not say."""
        channel = self._channels.get(name)
        if channel is None or not hasattr(channel, "person"):
            return user
        try:
            return str(within(15, partial(channel.person, user), "slack-person")) or user
        except (ChannelError, Overran) as error:
            log.info("%s: can't look up who %s is (%s)", name, user, error)
            return user

    def ask_slack(self, database: Database, now: datetime) -> None:
        """Ask each workspace who is in the user group that may press, where that was not done for an hour."""
        for name in self._options:
            self._staff(database, name, now)

    def _staff(self, database: Database, name: str, now: datetime) -> slack_staff.Heard | None:
        """What is known of a channel's workspace; Slack is asked where that is old, and believed while it is away."""
        group = self._options[name].may_press
        known = slack_staff.heard(database, name)
        if known is not None and not known.is_old(group, now):
            return known
        channel = self._channels.get(name)
        if channel is None or not hasattr(channel, "members") or now < self._not_before.get(name, now):
            return known
        try:
            members = within(15, partial(channel.members, group), "slack-members") if group else frozenset()
            team = within(15, channel.team, "slack-team")  # type: ignore[attr-defined]
        except (ChannelError, Overran) as error:
            self._not_before[name] = now + _ASK_AGAIN
            log.warning("%s: can't look up who may press (%s); using what was known", name, error)
            return known
        return slack_staff.keep(database, name, team=team, group=group, members=members, now=now)

    def _refused(self, press: Mapping[str, Any], database: Database, now: datetime) -> str:
        """Why this press is not heard: of another workspace, or not by a member of the group that settings name."""
        name = str(press.get("by", ""))
        if name not in self._options:
            return ""
        options, known = self._options[name], self._staff(database, name, now)
        ours = options.team or (known.team if known is not None else "")
        if ours and press.get("team_id") != ours:
            return "only members of our own workspace may press here"
        if not options.may_press:
            return ""
        if known is None or known.group != options.may_press:
            return "can't check yet who may press here; try again in a few minutes, or use the web page"
        return "" if press["user_id"] in known.members else "only members of the care group may press here"

    def _whisper(self, press: Mapping[str, Any], words: str) -> None:
        """Tell the person who pressed why nothing changed; that is a courtesy, and never worth a retry."""
        channel, url = self._channels.get(str(press.get("by", ""))), str(press.get("answer_url", ""))
        if channel is None or not hasattr(channel, "whisper") or not (url or press.get("channel")):
            return
        try:
            if url and hasattr(channel, "answer"):
                within(15, partial(channel.answer, url, words), "slack-answer")
                return
            within(15, partial(channel.whisper, press["channel"], press["user_id"], words), "slack-whisper")
        except (ChannelError, Overran) as error:
            log.info("can't answer a press: %s", error)
