"""`earful connect`: signs in at a network as a person, for a source that reads so."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import typer

from connectors import Account, ConnectorError, Refused
from connectors.http import Http, hosts_written
from connectors.oauth import SignIn, address_of, code_in, exchange, lacking, new_verifier
from monitor.cli.base import Failed, app, console, line, load_settings
from monitor.ingest.access_tokens import AccessTokens
from monitor.service.scheduler import utc_now
from monitor.settings.models import Settings, Source
from monitor.setup.callback import PORT, listening, redirect_of
from monitor.store import sources
from monitor.store.token_files import TokenFileError
from monitor.wiring import connector_of, know_sources, open_store, tokens_of

MINUTES = 5  # to agree on the network's page


@app.command()
def connect(
    source: Annotated[str, typer.Argument(help="The source to sign in for, by its name.")],
    paste: Annotated[
        bool | None,
        typer.Option(
            "--paste/--listen",
            help="Paste the address that the browser ends at, or let it come back to this machine. "
            "Default: paste where this machine has no screen.",
        ),
    ] = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The port of the callback URL.")] = PORT,
    own_app: Annotated[
        bool | None,
        typer.Option("--own-app/--other-app", help="Whether the account owns the developer app. Default: asks."),
    ] = None,
) -> None:
    """Sign in at a network, for a source with client_id.

    The tokens stay in the state folder and are renewed by themselves.
    """
    settings = load_settings(secrets=False)
    found, tokens = _wanted(settings, source)
    sign_in, redirect = tokens.sign_in, redirect_of(port)
    state, verifier = secrets.token_urlsafe(24), new_verifier()
    say_how = partial(_say_how, sign_in, redirect, address_of(sign_in, redirect, state, verifier))
    try:
        by_hand = not _has_screen() if paste is None else paste
        code = _pasted(state, sign_in, say_how) if by_hand else _came(port, state, sign_in, say_how)
        http = Http(trusted=hosts_written(found.options), total_seconds=20)
        grant = exchange(sign_in, http, code, verifier, redirect, utc_now())
        if missing := lacking(sign_in, grant):
            raise Failed(f"{sign_in.network} did not allow {', '.join(missing)}; nothing was kept. Agree to all of it")
        if not grant.refresh_token:
            raise Failed(f"{sign_in.network} gave nothing to renew the sign-in with; nothing was kept")
        tokens.keep(grant, utc_now())  # before its first use, as ever after
    except ConnectorError as error:
        raise Failed(f"{error.message}. {error.remedy or 'Run it again; a code is good for half a minute.'}") from None
    except TokenFileError as error:
        raise Failed(f"{error}; nothing was kept") from None
    _finish(settings, found, tokens, own_app)


def _wanted(settings: Settings, name: str) -> tuple[Source, AccessTokens]:
    found = next((each for each in settings.sources if each.name == name), None)
    if found is None:
        known = ", ".join(each.name for each in settings.sources)
        raise Failed(f"no source named {name}; the settings have: {known}")
    tokens = tokens_of(settings, found)
    if tokens is None:
        able = "write client_id in its table, in place of bearer_token, to sign in as a person"
        other = "sources of its kind are read without signing in as a person"
        raise Failed(f"{name}: {able if hasattr(found.options, 'sign_in') else other}")
    return found, tokens


def _say_how(sign_in: SignIn, redirect: str, address: str) -> None:
    console.print(
        line(f"1. At {sign_in.console}, set the app up as a native app (no client secret) with this callback URL:")
    )
    console.print(line(redirect), soft_wrap=True)
    console.print(line("2. Open this address in a browser, as the account Earful should read as, and agree:"))
    console.print(line(address), soft_wrap=True)  # one line, so that it can be copied whole


def _has_screen() -> bool:
    """Whether a browser on this machine can be seen by whoever runs this."""
    shown = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(shown) and not os.environ.get("SSH_CONNECTION")


def _pasted(state: str, sign_in: SignIn, say_how: Callable[[], None]) -> str:
    say_how()
    console.print(
        line(
            "3. The browser will end at a page that it can't open; that is expected. Copy the whole address of that "
            f"page and paste it here within half a minute ({sign_in.network} doesn't accept it later)."
        )
    )
    while True:
        came = str(typer.prompt("Address", prompt_suffix=": ")).strip()
        try:
            return code_in(came, state, sign_in.network)
        except Refused:
            raise
        except ConnectorError as error:
            typer.echo(f"  {error.message}. {error.remedy}")


def _came(port: int, state: str, sign_in: SignIn, say_how: Callable[[], None]) -> str:
    """Wait for the browser; what belongs to another sign-in does not end the waiting."""

    def fits(path: str) -> bool:
        try:
            code_in(path, state, sign_in.network)
        except Refused:
            return True  # the answer was no
        except ConnectorError:
            return False
        return True

    try:
        with listening(port, fits) as server:
            say_how()  # only now: the address leads back to where somebody listens
            other = "If the browser is on another machine, use --paste."
            console.print(line(f"3. Waiting up to {MINUTES} minutes for you to agree. {other}"))
            came = server.wait(MINUTES * 60)
    except OSError as error:
        raise Failed(f"can't listen on port {port} ({error.strerror}); use --paste, or another --port") from None
    if not came:
        raise Failed(f"nobody agreed within {MINUTES} minutes; nothing was changed")
    return code_in(came, state, sign_in.network)


def _finish(settings: Settings, source: Source, tokens: AccessTokens, own_app: bool | None) -> None:
    """Learn whose sign-in it is, and have the source read at once."""
    connector: Any = connector_of(settings, source)
    now = utc_now()
    account, said, cost = Account(""), "", 0.0
    try:
        account, quota = connector.who(now)
        cost = quota.cost
    except ConnectorError as error:
        said = f"{error.message}. {error.remedy}"
    # First what needs no answer: whoever goes away at the question has signed in all the same.
    _keep_name(tokens, account, owns_app=bool(account.id and own_app))
    _have_read(settings, source, cost, now)
    if said:
        raise Failed(f"signed in, but {tokens.sign_in.network} did not say as whom: {said}")
    if own_app is None and tokens.sign_in.owner_asked and _owns(tokens.sign_in, account):
        _keep_name(tokens, account, owns_app=True)
    console.print(line(("ok", "green"), f" {tokens.standing(now).words}"))
    console.print(line(f"The tokens are in {tokens.file.path}, which earful backup leaves out."), soft_wrap=True)


def _keep_name(tokens: AccessTokens, account: Account, *, owns_app: bool) -> None:
    try:
        tokens.name(account, owns_app=owns_app)
    except (TokenFileError, ConnectorError) as error:
        raise Failed(str(error)) from None


def _owns(sign_in: SignIn, account: Account) -> bool:
    name = f"@{account.name}" if account.name else account.id
    console.print(line(f"Signed in as {name}."))
    return typer.confirm(f"{sign_in.owner_asked}.", default=False)


def _have_read(settings: Settings, source: Source, cost: float, now: datetime) -> None:
    """What was refused before is due again; a daemon that runs sees it at its next tick."""
    database = open_store(settings, now)
    try:
        if settings.whole:  # else a source would seem to have changed its settings
            know_sources(database, settings)
        with database.transaction():
            sources.read_now(database, source.name, now)
            if cost:
                sources.note_cost(database, source.name, cost, now)
    finally:
        database.close()
