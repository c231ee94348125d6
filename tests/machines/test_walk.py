"""What the walk over real processes stands on: its ledgers and its lines. `make machines` walks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.outside import MARKS
from tests.machines.installation import Machines
from tests.machines.proxy import Line
from tests.machines.server import Server


def test_the_ledgers_see_what_was_lost_and_what_was_doubled(server: Server, tmp_path: Path) -> None:
    """The count itself can fail."""
    with Machines(tmp_path, server) as made:
        made.write(2)
        for _ in range(2):
            made.far.slack.messages.append({"text": MARKS[0], "blocks": []})
        assert (made.lost(), made.doubled()) == (1, 1)


def test_a_line_is_held_cut_and_mended(server: Server) -> None:
    """What is held arrives later; what is cut arrives never."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as far, Line(far.getsockname()) as line:
        near = socket.create_connection(("127.0.0.1", line.port))
        other, _ = far.accept()
        other.settimeout(20)
        near.sendall(b"before ")
        assert other.recv(100) == b"before "
        line.hold()
        near.sendall(b"held")
        other.settimeout(0.2)
        with pytest.raises(TimeoutError):
            other.recv(100)
        other.settimeout(20)
        line.mend()
        assert other.recv(100) == b"held"
        line.cut()
        assert other.recv(100) == b""
        near.close()
