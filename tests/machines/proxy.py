"""A line between two programs on this machine that can be held or cut, as a network between two machines is.

with Line(("127.0.0.1", 5432)) as line:
    connect("127.0.0.1", line.port)
    line.swallow()       # as if the cable were cut: nothing that those who speak now send is even acknowledged
    line.freeze()        # those who speak now are heard by nobody ever again, and are told nothing; new ones are
    line.hold()          # what is sent arrives nowhere, and nobody is told
    line.callers()       # the ports of those who speak through it, to find out whose process it is
    line.cut()           # all are cut off, what was held is lost, and nobody gets through
    line.mend()          # new connections get through, and those that were held go on
"""

from __future__ import annotations

import contextlib
import ctypes
import select
import selectors
import socket
import struct
import threading
from typing import Self

Address = tuple[str, int] | str  # a host and a port, or the path of a socket
_PIECE = 65536
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER of Linux


class Line:
    """Listens on a port of its own on 127.0.0.1; all that comes goes to `to`, and back. Ends with its `with`."""

    def __init__(self, to: Address) -> None:
        self._to = to
        self._ends = threading.Event()
        self._open = threading.Event()
        self._open.set()
        self._accepts = threading.Event()
        self._accepts.set()
        self._waiting: list[socket.socket] = []
        self._is_cut = False
        self._lock = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._frozen: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, name="line", daemon=True)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self.cut()
        for each in self._waiting:
            each.close()
        if self._thread.is_alive():
            self._thread.join(5)
        self._listening.close()

    def hold(self) -> None:
        """From now on nothing arrives on either side."""
        self._open.clear()

    def freeze(self) -> None:
        """Carry nothing any more for those who are connected now, as a tunnel does that has lost its other end."""
        with self._lock:
            self._frozen.update(near for near, _ in self._pairs)

    def swallow(self) -> None:
        """Take nothing any more from those who are connected, without a word: their own system is to notice.

        A filter of the socket that lets no packet pass. https://docs.kernel.org/networking/filter.html
        """
        nothing = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF_RET | BPF_K, 0 bytes
        program = struct.pack("HxxxxxxP", 1, ctypes.addressof(nothing))
        with self._lock:
            for near, _ in self._pairs:
                near.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, program)

    def stall(self) -> None:
        """From now on a connection that is asked for comes about only once this is mended."""
        self._accepts.clear()
        self._listening.listen(0)
        for _ in range(3):  # fills the queue of those who wait to be let in
            waiting = socket.socket()
            waiting.setblocking(False)
            with contextlib.suppress(OSError):
                waiting.connect(("127.0.0.1", self.port))
            self._waiting.append(waiting)

    def cut(self) -> None:
        """End every connection as a dead machine's are once it is noticed; nobody gets through until it is mended."""
        self._is_cut = True
        self.drop()
        self._open.set()

    def drop(self) -> None:
        """End every connection, with what was held on it."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for each in (end for pair in pairs for end in pair):
            _reset(each)

    def mend(self) -> None:
        """As if nothing had been."""
        self._is_cut = False
        self._open.set()
        for each in self._waiting:
            each.close()
        self._waiting.clear()
        self._listening.listen(128)
        self._accepts.set()

    def callers(self) -> list[int]:
        """The ports of those who are connected, the newest last."""
        with self._lock:
            return [port for near, _ in self._pairs if (port := _port_of(near))]

    def _accept(self) -> None:
        while not self._ends.is_set():
            if not self._accepts.wait(0.1) or not select.select([self._listening], [], [], 0.1)[0]:
                continue
            if not self._accepts.is_set():
                continue
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            if self._is_cut:
                _reset(near)
                continue
            try:
                far = self._reach()
            except OSError:  # a server that is being restarted
                _reset(near)
                continue
            with self._lock:
                self._pairs.append((near, far))
            threading.Thread(target=self._carry, args=(near, far), name="line", daemon=True).start()

    def _reach(self) -> socket.socket:
        if isinstance(self._to, str):
            far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            far.connect(self._to)
            return far
        return socket.create_connection(self._to, 5)

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        """Both ways in one thread, until either side ends."""
        with contextlib.suppress(OSError, ValueError), selectors.DefaultSelector() as both:
            both.register(near, selectors.EVENT_READ, far)
            both.register(far, selectors.EVENT_READ, near)
            while True:
                ready = both.select()
                self._open.wait()
                if near in self._frozen:
                    self._ends.wait()
                for key, _ in ready:
                    piece = key.fileobj.recv(_PIECE)  # type: ignore[union-attr]
                    if not piece:
                        raise ConnectionError
                    key.data.sendall(piece)
        with self._lock:
            self._pairs = [pair for pair in self._pairs if pair[0] is not near]
        for each in (near, far):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def _port_of(near: socket.socket) -> int:
    try:
        return int(near.getpeername()[1])
    except OSError:
        return 0


def _reset(end: socket.socket) -> None:
    """Close at once, without what is still to be sent."""
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        end.close()
