"""New settings under a running process: from its file, from other processes, and what a lead changed on the page."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable

from monitor.notify.system_notices import queue_notice
from monitor.service.membership import Membership
from monitor.service.scheduler import Engine
from monitor.service.settings_record import note_settings
from monitor.service.sparing_log import answers
from monitor.settings.errors import SettingsError
from monitor.settings.models import Settings
from monitor.store import channel_health, web
from monitor.store.connect import Error, reason
from monitor.web import links
from monitor.wiring import assemble, know_sources

log = logging.getLogger("earful.daemon")


class Reloading:
    """Has the engine go on under other settings; asked by the main loop at each of its turns."""

    def __init__(self, engine: Engine, member: Membership, read: Callable[[], Settings]) -> None:
        """`read` reads the file."""
        self.engine = engine
        self.asked = False  # by somebody who sent a signal
        self.has_to_stop = False  # others work by settings that do not come to this machine
        self._member = member
        self._read = read
        self._desk = web.desk_revision(engine.assembly.database)

    def turn(self) -> None:
        """Take what is new. What the database says is raised: then the next turn tries again."""
        if self.asked:
            self.asked = False
            self.take_settings()
        self._follow()
        self._take_desk()

    def take_settings(self) -> None:
        """Take new settings if they are sound, and have the others take them; keep the old ones, saying why, if not."""
        settings = self._read_anew()
        if settings is None:
            return
        database, before = self.engine.assembly.database, self.engine.assembly.written
        try:
            self._use(settings)
            with database.transaction():
                note_settings(database, settings, self.engine.clock(), before)
                self._member.offer(settings)
        except Error:
            self.asked = True  # at the next turn: nobody sends the signal twice
            raise
        log.info("settings reloaded")

    def _follow(self) -> None:
        """Go on with the settings that others work by, if they have come to this machine; stop if they do not come."""
        agreed = self._member.newer()
        if agreed is None:
            return
        settings = self._read_anew(quiet=self._member.is_behind)
        other = self._member.differing(settings, agreed) if settings is not None else []
        if settings is not None and not other:
            self._use(settings)
            self._member.take(settings, agreed)
            log.info("settings reloaded, as all others do")
        elif said := self._member.left_behind(other, agreed):
            log.error("%s", said)
            self.has_to_stop = self._member.has_to_stop()

    def _read_anew(self, *, quiet: bool = False) -> Settings | None:
        """What stands in the file now; None, with the reason in the log, where that cannot be used."""
        try:
            settings = self._read()
        except SettingsError as error:
            for fault in () if quiet else error.faults:
                log.error("not reloaded: %s", fault)
            return None
        if settings.database.url.get_secret_value() != self.engine.assembly.settings.database.url.get_secret_value():
            if not quiet:
                log.error("not reloaded: [database] url has changed, which needs a restart of the daemon")
            return None
        return settings

    def _use(self, settings: Settings) -> None:
        database = self.engine.assembly.database
        know_sources(database, settings)
        with database.transaction():
            channel_health.mended(database)
        self.engine.replace(assemble(settings, database, links.make(settings, database, self.engine.clock)))
        self.tell_refused_models()

    def _take_desk(self) -> None:
        """Go on with what a lead has changed on the page, in this process or in another."""
        assembly = self.engine.assembly
        try:
            revision = web.desk_revision(assembly.database)
            answers()
            if revision == self._desk:
                return
            link = links.make(assembly.written, assembly.database, self.engine.clock)
            self.engine.replace(assemble(assembly.written, assembly.database, link))
        except Error as error:
            log.warning("can't read the desk settings: %s", reason(error))
            return
        self._desk = revision
        log.info("desk settings loaded")

    def tell_refused_models(self) -> None:
        """A model that cannot be used costs quality and stops nothing: the operator should know."""
        assembly, now = self.engine.assembly, self.engine.clock()
        for trouble in assembly.judge.trouble:
            log.warning("a judge model is not used: %s", trouble)
            key = f"judge:{hashlib.sha256(trouble.encode('utf-8', 'replace')).hexdigest()[:16]}"
            title, remedy = f"A judge model is not used: {trouble}", "the rest of the judge still works"
            with assembly.database.transaction():
                queue_notice(assembly.database, assembly.rules, key, title, remedy, now)
