"""Commands for the channels: a test message, and sending again what did not go through."""

from __future__ import annotations

import typer

from alerts.wording import count_words
from monitor.cli.base import app, console, line, load_settings, opened
from monitor.cli.sources import ask
from monitor.notify.outbox import resend_dead
from monitor.service.scheduler import utc_now
from monitor.store import deliveries_owed
from monitor.wiring import assemble, open_store

alert = typer.Typer(help="Test the channels; resend what was not delivered.", no_args_is_help=True)


app.add_typer(alert, name="alert")


@alert.command("test")
def alert_test() -> None:
    """Send a test message to every target in the settings."""
    settings = load_settings()
    database = open_store(settings, utc_now())
    try:
        assembly = assemble(settings, database)
        from alerts import Alert

        well = True
        for target in assembly.rules.every_target():
            message = Alert(
                f"test-{utc_now().isoformat()}",
                "test",
                "Test message from Earful: this channel works.",
                (),
                kind="notice",
            )
            channel = assembly.alerting.channels[target.partition(":")[0]]

            def send(channel: object = channel, target: str = target, message: Alert = message) -> str:
                channel.send(message, target.partition(":")[2])  # type: ignore[attr-defined]
                return "sent"

            said, good = ask(send, 30)
            well &= good
            console.print(line(("ok", "green") if good else ("no", "red"), f" {target}: {said}"))
    finally:
        database.close()
    if not well:
        raise typer.Exit(1)


@alert.command("resend")
def alert_resend() -> None:
    """Resend messages that could not be delivered."""
    with opened() as assembly:
        revived = resend_dead(assembly.database, utc_now())
        waits = deliveries_owed.on_their_way(deliveries_owed.waiting(assembly.database)) - revived
    said = f"{count_words(revived, 'message')} queued for resending." if revived else "No message was undeliverable."
    if waits:  # what a channel that failed held back goes now, too
        said += f" {count_words(waits, 'message was', 'messages were')} waiting already and will be tried at once."
    typer.echo(said)
