"""E-mail in front of a loopback mail server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from alerts.email import Email, Settings
from tests.alerts.contracts import ChannelContract, Fault, Stage
from tests.fakes.smtp import DROP, HANG, FakeSmtp

SECRET = "correct horse 2 battery"


@contextmanager
def open_stage(folder: Path) -> Iterator[Stage]:
    """A server that wants a name and a password, in clear because it is on this machine."""
    with FakeSmtp(login=("earful", SECRET)) as server:
        channel = Email(
            Settings(
                host=server.host,
                port=server.port,
                security="none",
                username="earful",
                password=SecretStr(SECRET),
                sender="Earful <earful@example.org>",
                timeout=1.0,
            )
        )

        def misbehave(fault: Fault) -> None:
            if fault == "down":
                server.close()
                return
            step, answer = {
                "refused": ("AUTH", f"535 5.7.8 Credentials invalid: {SECRET}"),
                "busy": ("RCPT", "451 4.7.1 Greylisted, try again in 300 seconds"),
                "broken": ("MAIL", "<html>502 Bad Gateway</html>"),
                "drops": ("DATA", DROP),
                "hangs": ("DATA", HANG),
                "too_large": ("DATA", "552 5.3.4 Message size exceeds fixed limit"),
            }[fault]
            server.answer(step, answer)

        yield Stage(
            channel=channel,
            target="care@example.org",
            arrived=lambda: [f"{mail.subject}\n{mail.text}" for mail in server.ledger],
            misbehave=misbehave,
            secrets=(SECRET,),
        )


CONTRACT = ChannelContract(kind="email", open_stage=open_stage)
