"""Buttons that do nothing are told of: on the page, by status and to the operator, once, and so is their end."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.notify import trouble
from monitor.notify.deaf_sockets import DeafSockets
from monitor.notify.listening import Listening
from monitor.notify.spool import Spool
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.fakes.slack import FakeSlack
from tests.helpers import MINUTE, NOW, assembly_of, notices, settings_from
from tests.service.test_scheduler import until

Base = Sqlite | Postgresql
SLACK = '[[channels]]\nname = "slack"\nkind = "slack"\ntoken = { env = "T" }\napp_token = { env = "A" }\n'
WHY = "Slack: invalid_auth. Create an app token"


def house(database: Base, folder: Path, slack: FakeSlack, app_token: str) -> Assembly:
    channels = f'{SLACK}api_url = "{slack.api_url}"\ntimeout = 2.0\n'
    environ = {"T": slack.token, "A": app_token}
    to = ("slack:#care",)
    settings = settings_from(folder, channels=channels, notify=to, operator=to, environ=environ)
    return assembly_of(database, settings)


def test_it_is_told_once_after_ten_minutes_and_so_is_its_end(database: Base, tmp_path: Path, slack: FakeSlack) -> None:
    acme = house(database, tmp_path, slack, slack.app_token)
    deaf = DeafSockets()
    for minutes in (0, 9):
        deaf.look(database, acme.rules, {"slack": WHY}, NOW + minutes * MINUTE)
        assert trouble.lines(database, acme.rules, NOW) == []
    for minutes in (10, 11, 30):
        deaf.look(database, acme.rules, {"slack": WHY}, NOW + minutes * MINUTE)
    said = "slack: the buttons have done nothing since 4 Mar 10:00"
    assert trouble.lines(database, acme.rules, NOW) == [
        f"{said} (Slack: invalid_auth). Create an app token. Until then, take cases on the page."
    ]
    assert notices(database) == [f"{said}: Slack: invalid_auth"]
    database.run("UPDATE deliveries SET state = 'sent'")
    DeafSockets().look(database, acme.rules, {"slack": ""}, NOW + 40 * MINUTE)  # another process listens by now
    assert trouble.lines(database, acme.rules, NOW) == []
    assert notices(database)[0] == f"{said}: Slack: invalid_auth · they work again"


@pytest.mark.parametrize(("app_token", "deaf"), [("xapp-revoked", True), ("xapp-fake-app-token", False)])
def test_whoever_listens_looks_whether_slack_lets_them(
    database: Base, tmp_path: Path, slack: FakeSlack, app_token: str, deaf: bool
) -> None:
    acme = house(database, tmp_path, slack, app_token)
    listening = Listening(acme.settings, acme.alerting.channels, Spool(tmp_path / "presses"))
    try:
        listening.start()
        until(lambda: ("invalid_auth" in listening.troubles()["slack"]) if deaf else not listening.troubles()["slack"])
        for minutes in (0, 11):
            listening.watch(database, acme.rules, NOW + minutes * MINUTE)
        assert bool(trouble.lines(database, acme.rules, NOW)) is deaf
    finally:
        listening.stop()
