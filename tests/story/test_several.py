"""A morning over three processes on one PostgreSQL: one of them is killed, and nobody outside can tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machines.installation import Machines
from tests.machines.scenarios import logged_in, sending
from tests.machines.server import NotHereError, Server

ROLES = (("collect", "judge"), ("judge", "notify"), ("collect", "notify", "page"))


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Machines]:
    """Three processes with their roles, and far sides that keep ledgers; leases of the dead end at once."""
    try:
        with Server() as server, Machines(tmp_path, server, number=3) as made:
            made.hurry = True
            made.change("[earful]\n", '[earful]\npage_url = "http://127.0.0.1"\n')
            made.all_begin(*ROLES)
            yield made
    except NotHereError as error:
        pytest.skip(f"NOT TESTED on PostgreSQL: no server could be started here ({error})")


def test_a_complaint_is_read_judged_told_and_taken_by_three_processes_one_of_which_is_killed(team: Machines) -> None:
    team.write(1)
    assert team.all_told(), team.logs[-2000:]
    # Slack takes the second message, and whoever sent it is killed before they know.
    team.far.slack.mode = "hang"
    team.write(1)
    assert team.comes(lambda: sending(team) and team.told() == 2), team.logs[-2000:]
    (victim,) = sending(team)
    team.kill(victim)
    team.far.slack.mode = "ok"
    team.worker(*ROLES[team.workers.index(victim)])  # as systemd would
    team.write(1)
    assert team.all_told(), team.logs[-2000:]
    assert (team.lost(), team.doubled()) == (0, 0)
    page = next(each for each in team.alive[::-1] if team.comes(lambda each=each: each.begun) and each.has_page)
    ana = logged_in(team, page)
    case = team.rows("SELECT id FROM cases ORDER BY n")[0][0]
    ana.get(f"/cases/{case}")
    assert ana.post(f"/cases/{case}", {"verb": "take"}).status_code == 303
    ana.close()
    assert team.comes(lambda: any("taken by Ana" in each for each in team.shown())), team.logs[-2000:]
    for each in team.alive:
        assert team.stop(each.process) == 0, each.log[-2000:]
        assert "Traceback" not in each.log
    assert team.rows("SELECT count(*) FROM cases") == [(3,)]
    assert (team.lost(), team.doubled()) == (0, 0)
