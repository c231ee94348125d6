"""What is sound in settings, and yet worth a look before somebody relies on it."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from ipaddress import ip_network
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from monitor.settings.addresses import is_loopback
from monitor.settings.competitors import sources_of
from monitor.settings.environment import NAME as ENVIRONMENT_FILE
from monitor.settings.models import Settings
from monitor.settings.rules import Rules

SHORT = 24  # characters of a secret of one's own making
DIFFERENT = 8  # letters that one has at least


def worth_a_look(settings: Settings) -> list[str]:
    """Each in a sentence or two for people: what will not happen, and what to write."""
    found = list(settings.warnings)
    if not any(accounts for brand in settings.brands for accounts in brand.accounts.values()):
        found.append(
            "no brand has `accounts`, so Earful can't see your public replies: clocks don't stop by themselves and "
            f"people are reminded of cases already answered. Write under [[brands]]: accounts = "
            f'{{ {_answerable(settings)} = ["you"] }}'
        )
    return [
        *found,
        *_competitors(settings),
        *_quiet_hours(settings),
        *_unreachable(settings),
        *_reached(settings),
        *_read_by_others(settings),
        *_short_secrets(settings),
        *_assistant(settings),
    ]


def _competitors(settings: Settings) -> Iterator[str]:
    """That reading others' brands is a purpose of its own, and where nothing can come of it."""
    names = ", ".join(each.name for each in settings.competitors)
    if not names:
        return
    if read := sources_of(settings):
        yield (
            f"posts about {names} are kept too ({', '.join(read)}), to measure your share of what is said: a purpose "
            "of its own, to be added to your record of processing (docs/privacy.md)"
        )
    else:
        said = "all are places of your own, or cost money (write competitors = true there)"
        yield f"no source is read for {names}: {said}"


def _assistant(settings: Settings) -> Iterator[str]:
    """That posts leave this machine to be read by a model, and how."""
    assistant = settings.assistant
    if not assistant.elsewhere:
        return
    yield (
        f"the assistant's model runs on {assistant.elsewhere}, not on this machine: posts that your team has "
        "translated or asks about are sent there, without the names Earful knows. Add whoever runs it to your record "
        "of processing (docs/privacy.md)"
    )
    if assistant.address.startswith("http:"):
        what = "posts and the key are" if assistant.key is not None else "posts are"
        yield f"[assistant] address is http: {what} sent to {assistant.elsewhere} unencrypted. Use https"


def _quiet_hours(settings: Settings) -> Iterator[str]:
    """The two keys that this release reads for the last time."""
    start, end = settings.alerts.quiet_start, settings.alerts.quiet_end
    if start is not None or end is not None:
        named = " and ".join(key for key, given in (("quiet_start", start), ("quiet_end", end)) if given is not None)
        yield (
            f"alerts.{named} will not be read by the next release: people are alerted in their own shifts, and without "
            "shifts in desk.hours. Until then everyone without shifts is alerted daily in the hours they leave. Remove "
            'them, or write under [[people]]: shifts = [{ start = "08:00", end = "20:00" }]'
        )


def _unreachable(settings: Settings) -> Iterator[str]:
    """Mail addresses to which nothing can go: whoever has one would be told of nothing."""
    mails = {channel.name for channel in settings.channels if channel.kind == "email"}
    if not mails:
        return
    from alerts.email.settings import recipient_of  # with the library for mails: only where one is configured

    for target in Rules(settings).every_target():
        name, _, address = target.partition(":")
        if name in mails and recipient_of(address) is None:
            yield (
                f'no mail can be sent to "{address}": write the address alone, such as ana@example.org, with plain '
                "letters before the @"
            )


def _reached(settings: Settings) -> Iterator[str]:
    """How the page is reached, by whom, and what somebody between could read or pretend."""
    earful = settings.earful
    page = urlsplit(earful.page_url)
    listening = earful.page_listen.rpartition(":")[0].strip("[]")
    at_home = is_loopback(page.hostname or "")
    mails = [channel.name for channel in settings.channels if channel.kind == "email"]
    proxies = "Put a TLS proxy in front of it and set page_url to its https address"
    if page.scheme == "http" and not at_home:
        yield f"page_url is http: passwords and sessions are sent unencrypted. {proxies}"
    elif page.scheme == "http" and not is_loopback(listening):
        yield (
            f"page_listen is open to other machines and page_url is http: unless only this machine can reach that "
            f"port, passwords are sent unencrypted. {proxies}"
        )
    if page.scheme == "https" and not earful.trusted_proxies:
        yield (
            "page_url is https but trusted_proxies is empty: everyone seems to come from the proxy, so one attacker's "
            'guesses lock everyone out. Set it to the proxy\'s address, such as trusted_proxies = ["127.0.0.1"]'
        )
    for each in earful.trusted_proxies:
        if _is_too_wide(each):
            yield (
                f'trusted_proxies trusts "{each}": anyone can claim any address, so password guessing is not slowed '
                "down. Set it to the proxy's own address"
            )
    if mails and at_home:
        yield (
            f"{mails[0]} sends mail, but page_url is {earful.page_url}: the buttons in mails work only on this "
            "machine. Set page_url to the address your team uses"
        )


def _is_too_wide(network: str) -> bool:
    """Whether a network holds addresses of strangers: it is not a private one, and larger than any proxy's."""
    known = ip_network(network)
    return not known.is_private and known.prefixlen < (8 if known.version == 4 else 16)


def _read_by_others(settings: Settings) -> Iterator[str]:
    for path in (settings.file, settings.file.with_name(ENVIRONMENT_FILE)):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            continue
        if mode & stat.S_IROTH:
            yield f"{path.name} is readable by everyone on this machine (mode {mode:04o}); run: chmod 600 {path}"


def _short_secrets(settings: Settings) -> Iterator[str]:
    for channel in settings.channels:
        if not isinstance(channel.options, BaseModel) or "secret" not in type(channel.options).model_fields:
            continue
        secret = channel.options.secret  # type: ignore[attr-defined]  # each kind has fields of its own
        text = secret.get_secret_value() if isinstance(secret, SecretStr) else ""
        if settings.whole and text and (len(text) < SHORT or len(set(text)) < DIFFERENT):
            yield f"the secret of {channel.name} is short enough to guess; make one with: openssl rand -hex 32"


def _answerable(settings: Settings) -> str:
    return next((source.name for source in settings.sources if source.answerable), settings.sources[0].name)
