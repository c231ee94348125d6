"""Start, signals, stop. One page on purpose: this is what runs for months."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from monitor.service import damage, set_clock
from monitor.service.console_view import Show
from monitor.service.heartbeat import tell_systemd
from monitor.service.membership import Membership, our_version
from monitor.service.reloading import Reloading
from monitor.service.roles import ALL, in_order
from monitor.service.scheduler import Engine, utc_now
from monitor.service.serving import Serving
from monitor.service.settings_record import note_settings
from monitor.service.sparing_log import Sparing
from monitor.service.stopping import stop_in_order
from monitor.service.upkeep import Upkeep
from monitor.settings.models import EXIT, Settings
from monitor.store import key_values
from monitor.store.connect import Error, reason, served_by
from monitor.store.database import DatabaseDamaged, DatabaseUnusable, Role
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite, is_damage
from monitor.store.workers import Role as RoleName
from monitor.web import links
from monitor.web.server import WebServer
from monitor.wiring import assemble, know_sources, open_store, settle

log = logging.getLogger("earful.daemon")

STOP_WITHIN = 20.0
WORN_OUT = 75  # systemd starts us anew


class _NothingToDoError(Exception):
    """A process for the page alone cannot serve it; the log says why."""


class _Json(logging.Formatter):
    """One JSON object a line, for a machine that reads the log."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return json.dumps(
            {"at": moment, "level": record.levelname.lower(), "part": record.name, "message": record.getMessage()}
        )


def set_up_log(style: str, level: int) -> None:
    """Log to stderr, one line a batch. Libraries below WARNING stay silent: some of them log tokens when asked to."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _Json() if style == "json" else logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")
    )
    handler.addFilter(Sparing())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.raiseExceptions = False  # a closed stderr must not stop the daemon
    logging.getLogger("earful").setLevel(level)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    for name in ("procrastinate", "psycopg"):  # the engine says what becomes of jobs, and when the server is away
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.getLogger("apscheduler.executors").setLevel(logging.CRITICAL)  # a tick that fails: the engine says it


def run(
    read: Callable[[], Settings],
    *,
    show: bool,
    level: int = logging.INFO,
    demo: bool = False,
    roles: frozenset[RoleName] = ALL,
) -> int:
    """Run the daemon with what `read` reads now and at each reload, until a signal stops it; the exit code.

    With fewer `roles` than all it does only these, beside others on the same PostgreSQL. A `demo` opens its page
    without a login, on this machine only; so does a throw-away database.

    Raises SettingsError, DatabaseUnusable or RoleTaken before anything is touched.
    """
    settings = read()
    if roles != ALL and settings.database.url.get_secret_value().startswith("sqlite:"):
        raise DatabaseUnusable(
            "--roles: on an SQLite file one daemon does everything. Leave out --roles, or have several processes on "
            "PostgreSQL: docs/several-machines.md"
        )
    set_up_log(settings.earful.log, logging.WARNING if show and level == logging.INFO else level)
    if show and level == logging.INFO:
        logging.getLogger("earful.collect").setLevel(logging.ERROR)  # the screen tells of failing sources itself
    if settings.database.throwaway and not served_by(settings.database.url.get_secret_value()):
        throw_away(settings)  # never under a daemon that runs: this start is refused below
    file = Path(settings.database.url.get_secret_value().removeprefix("sqlite:"))
    try:
        life = _made(settings, _How(read=read, roles=roles, show=show, demo=demo or settings.database.throwaway))
    except DatabaseDamaged as error:
        damage.tell(settings, file, "cannot be opened: it is damaged", utc_now())
        raise error
    except Error as error:
        if not is_damage(error):
            raise
        damage.tell(settings, file, f"is damaged ({error})", utc_now())
        raise DatabaseDamaged(f"{file} is damaged ({error}); restore the last backup: earful restore FILE") from error
    return life.live()


@dataclass(frozen=True, slots=True, kw_only=True)
class _How:
    """As what somebody started this process."""

    read: Callable[[], Settings]
    roles: frozenset[RoleName]
    show: bool
    demo: bool  # its page is open, on this machine only


def _made(settings: Settings, how: _How) -> _Life:
    """Everything that needs no thread yet, on a database that is open, sound as far as one sees, and ours."""
    database = open_store(settings, utc_now(), lambda found: Membership(found, settings, how.roles).look())
    try:
        if wrong := damage.clear(database):
            raise DatabaseDamaged(f"{database.path} {wrong}; restore the last backup: earful restore FILE")  # type: ignore[union-attr]
        member = Membership(database, settings, how.roles)
        role = database.hold_role("daemon", utc_now(), worker=member.name, alone=database.one_writer)
        try:
            member.join()
            return _prepare(settings, database, role, member, how)
        except BaseException:
            member.leave()
            role.release()
            raise
    except BaseException:
        database.close()  # nothing runs yet
        raise


def _prepare(
    settings: Settings,
    database: Sqlite | Postgresql,
    role: Role,
    member: Membership,
    how: _How,
) -> _Life:
    """Everything that needs no thread yet."""
    with database.transaction():
        if not key_values.fact(database, "installed_at"):
            key_values.remember(database, "installed_at", utc_now().isoformat(), utc_now())
        if member.first:
            note_settings(database, settings, utc_now())
    know_sources(database, settings)
    assembly = assemble(settings, database, links.make(settings, database, utc_now))
    engine = Engine(assembly, roles=in_order(how.roles))
    engine.assembly.collector.judging.try_again_with(our_version(), utc_now())
    settle()
    return _Life(engine, role, member, how, Show(database, settings) if how.show else None)


class _Life:
    """From the first tick to the last, with what signals ask for in between."""

    def __init__(
        self,
        engine: Engine,
        role: Role,
        member: Membership,
        how: _How,
        show: Show | None,
    ) -> None:
        self.engine = engine
        self.role = role
        self.member = member
        self.unusable = False
        self.reloading = Reloading(engine, member, how.read)
        self.roles = how.roles
        self.show = show
        self.page = WebServer(lambda: engine.assembly, utc_now, open_demo=how.demo)
        self.wake = threading.Event()
        self.asked_to_stop = 0
        self.serving = Serving(self.page, engine, utc_now) if "page" in self.roles else None
        self.upkeep = Upkeep(engine, role, member, self.reloading, utc_now, self.wake.set, self.serving)

    def live(self) -> int:
        """Until a signal or a fault; the exit code. However it ends, it stops in order."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._reload)
        failed = False
        try:
            self._begin()
            self.upkeep.start()
            while self._goes_on():
                self._shown(lambda show: show.step())
        except _NothingToDoError:
            failed = True
            log.critical("stopping: this process is for the page alone")
        except Exception as error:  # also the first look at a damaged page
            failed = True
            self._file_is_well()
            log.critical("stopping because the main loop failed: %s", reason(error))
            log.debug("the main loop failed", exc_info=error)
        return self._end(failed=failed)

    def _begin(self) -> None:
        for warning in self.engine.assembly.settings.warnings:
            log.warning("%s", warning)
        if set_clock.named():
            log.warning("the clock is set by %s, named by %s: for tests only", set_clock.named(), set_clock.VARIABLE)
        self.reloading.tell_refused_models()
        if self.roles & {"judge", "page"}:
            threading.Thread(target=self.engine.assembly.judge.warm, name="warm", daemon=True).start()
        self.engine.start()
        served = self.serving is not None and self.serving.begin()
        if self.roles == {"page"} and not served:
            raise _NothingToDoError
        self._shown(lambda show: show.begin(self.page.address if served else "", self.roles))
        if served:
            log.info("the page is at %s", self.page.address)
        tell_systemd("READY=1")
        if self.roles != ALL:
            log.info("working as %s", ", ".join(in_order(self.roles)))
        if "collect" in self.roles:
            log.info("watching %s", ", ".join(self.engine.assembly.rules.sources) or "no source")

    def _goes_on(self) -> bool:
        """Whether to go on. It asks no server: whoever stops this process must not wait for one that is silent."""
        self.wake.wait(0.3)
        self.wake.clear()
        self.engine.heartbeat.tell()
        if self.asked_to_stop or self.engine.worn_out.is_set():
            return False
        return self._file_is_well() and not self._is_over()

    def _is_over(self) -> bool:
        return self.upkeep.replaced or self.upkeep.failed or self.reloading.has_to_stop

    def _file_is_well(self) -> bool:
        """Whether the open file is whole and still the one at its path; if not, it is told, for nothing can be kept."""
        assembly = self.engine.assembly
        what = damage.found(assembly.database)
        if what and isinstance(assembly.database, Sqlite):
            self.unusable = True
            damage.tell(assembly.settings, assembly.database.path, what, utc_now())
        return not what

    def _shown(self, work: Callable[[Show], None]) -> None:
        """Show something to whoever looks on. What cannot be written is shown no more; the work goes on without."""
        if self.show is None:
            return
        try:
            work(self.show)
        except Error as error:
            log.warning("not showing posts at the moment: %s", reason(error))
        except OSError as error:
            self.show = None
            log.warning("no longer showing posts (%s); the daemon keeps running", reason(error))

    def _end(self, *, failed: bool = False) -> int:
        database = self.engine.assembly.database
        whole = stop_in_order(self.upkeep, self.page, self.engine, database, self.role, self._last_words, STOP_WITHIN)
        log.info("stopped%s", "" if whole else "; what was in progress resumes at the next start")
        anew = failed or self._is_over() or self.engine.worn_out.is_set()
        code = WORN_OUT if anew else 0
        if self.unusable:
            code = EXIT  # started again it would find the same file, or begin with nothing
        _flush_output()
        if not whole:
            os._exit(code)  # a call that never ends must not keep the process; kill -9 is safe at any moment
        return code

    def _last_words(self) -> None:
        self._shown(lambda show: show.end())
        self.member.leave()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.asked_to_stop += 1
        if self.asked_to_stop > 1:
            os._exit(1)
        self.wake.set()

    def _reload(self, _number: int, _frame: FrameType | None) -> None:
        self.reloading.asked = True
        self.wake.set()


def _flush_output() -> None:
    """Write what waits for stdout; where that cannot be, drop it: Python would end with a code of its own."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def throw_away(settings: Settings) -> None:
    """The demo begins with nothing at every start."""
    url = settings.database.url.get_secret_value()
    if url.startswith("sqlite:"):
        path = Path(url.removeprefix("sqlite:"))
        for suffix in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
