"""Writes what an installation needs: settings of its own, a systemd unit, a Slack manifest.

Nothing here asks or prints: the command line does, and shows what these functions return.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import re
import secrets
import shlex
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from monitor.extras import how_to_install
from monitor.settings.environment import NAME as SECRETS
from monitor.settings.models import Block, Brand, Person, clock
from monitor.setup.templates import (
    CONSOLE,
    HEAD,
    HEAD_OF_ONE,
    NTFY,
    ONE,
    PEOPLE,
    QUICK,
    QUIET_OPERATOR,
    SHIFTS,
    SLACK,
    SLACK_STEPS,
    TEAM,
)
from monitor.text.query.parsing import QueryError, parse
from monitor.text.trades import TRADES, Trade

CHECKOUT = Path(__file__).resolve().parents[2]
SHIPPED = Path(__file__).with_name("settings.toml")  # in a wheel; a checkout has the file at its top
HOURS = "mon-fri 09:00-17:00"
Team = Literal["1", "few", "shifts"]
TEAMS: dict[str, Team] = {
    "1": "1", "one": "1", "few": "few", "a few": "few", "shifts": "shifts", "a team with shifts": "shifts",
}  # fmt: skip
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TYPOGRAPHIC = re.compile("[“”„«»]")
_SIGNS = re.compile(r'["()*=@#:]|(?:^|\s)-\w|\b(?:AND|OR|NOT|NEAR(?:/\d+)?)\b')
_BLOCK = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? +([0-9:]{4,5}) ?- ?([0-9:]{4,5})")


class InstallError(Exception):
    """It cannot be written; the message says why and what to do."""


def query_of(words: str) -> str:
    """Read what a person calls their brand: a word, a name of several words, or a whole query; return a query.

    "Firefox" is itself, `Acme Air` becomes the phrase `"Acme Air"`, and whatever has operators or quotes is a query
    already. Raises InstallError with what to write.
    """
    words = " ".join(words.split())
    if words.encode(errors="replace") != words.encode(errors="surrogatepass"):
        raise InstallError("the brand contains bytes that are not UTF-8; use a terminal set to UTF-8")
    words = _TYPOGRAPHIC.sub('"', words)  # as web pages and chats write quotes
    names = [name.strip() for name in words.split(",")]
    if len(names) > 1 and '"' not in words:
        either = " OR ".join(f'"{name}"' if " " in name else name for name in names if name)
        raise InstallError(f"found a comma: for any of these names write {either}; put a name that holds one in quotes")
    query = words if _SIGNS.search(words) or " " not in words else f'"{words}"'
    try:
        parse(query)
    except QueryError as error:
        raise InstallError(f'"{words[:80]}" is not a valid brand: {error}') from None
    return query


def name_of(query: str) -> str:
    """Derive a brand's name from its query: the first phrase or word that is asked for, as it was written."""
    plain = re.sub(r"(?:\bNOT\s+|(?<!\S)-)(?:\"[^\"]*\"|\([^()]*\)|\S+)|\b\w+:\S+", " ", query)
    for phrase, word in re.findall(r'"([^"]+)"|([^\s()"]+)', plain):
        name = (phrase or word).strip("=@#*:,. ").replace(":", " ")
        if name and name not in ("AND", "OR", "NOT") and not name.startswith("NEAR"):
            return str(name[:60].strip())
    return "Brand"


def hours_of(text: str) -> tuple[Block, ...]:
    """Read opening hours such as "mon-fri 09:00-17:00, sat 10:00-14:00"; InstallError says how to write them."""
    blocks = []
    for part in text.casefold().split(","):
        found = _BLOCK.fullmatch(part.strip())
        try:
            if found is None:
                raise ValueError("not a block")
            first, last = _WEEK.index(found[1]), _WEEK.index(found[2] or found[1])
            days = _WEEK[first : last + 1] if first <= last else _WEEK[first:] + _WEEK[: last + 1]
            blocks.append(Block.model_validate({"days": days, "start": clock(found[3]), "end": clock(found[4])}))
        except ValueError:
            raise InstallError(f'I can\'t read "{part.strip()[:60]}" as opening hours. Example: "{HOURS}"') from None
    return tuple(blocks)


def zone_of(text: str) -> str:
    """Check the name of a time zone; InstallError says how to write it."""
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise InstallError(f'"{text[:60]}" is not a time zone. Try "Europe/Berlin"') from None
    return text


def machine_zone() -> str:
    """The time zone that this machine is set to, "UTC" where it does not say."""
    named = os.environ.get("TZ", "").removeprefix(":")
    try:
        linked = os.readlink("/etc/localtime").partition("zoneinfo/")[2]
    except OSError:
        linked = ""
    for name in (named, linked):
        try:
            return zone_of(name) if name else "UTC"
        except InstallError:
            continue
    return "UTC"


def login_name() -> str:
    """What whoever runs this is called, "Me" where that is an account of the machine's."""
    try:
        known = pwd.getpwuid(os.getuid())
        name = known.pw_gecos.partition(",")[0].strip() or known.pw_name
        return person_of(name) if known.pw_uid >= 1000 else "Me"
    except (KeyError, InstallError):
        return "Me"


def team_of(text: str) -> Team:
    """Read how many people answer; InstallError says how to write it."""
    found = TEAMS.get(" ".join(text.casefold().split()))
    if found is None:
        raise InstallError(f'"{text[:60]}" is none of these: write 1, few or shifts')
    return found


def person_of(text: str) -> str:
    """Check the name of a person; InstallError says how to write it."""
    try:
        return Person(name=text.strip()).name
    except ValidationError:
        raise InstallError(f'"{text[:60]}" is not a valid name: write up to 64 characters without a colon') from None


def trade_of(text: str) -> Trade:
    """Read the trade whose list of causes one begins with; InstallError says how to write it."""
    for each in TRADES:
        if text.strip().casefold() == each:
            return each
    raise InstallError(f'"{text[:60]}" is none of these: write {", ".join(TRADES[:-1])} or {TRADES[-1]}')


def yes_of(text: str) -> bool:
    """Read yes or no; InstallError says how to write it."""
    if text.casefold() not in {"y", "yes", "n", "no"}:
        raise InstallError("write yes or no")
    return text.casefold() in {"y", "yes"}


def place_of(text: str) -> Path:
    """Read where the settings go, a file or a folder; InstallError where a file stands already."""
    path = Path(text).expanduser().absolute()
    try:
        path = path / "settings.toml" if path.is_dir() else path
        if not path.exists():
            return path
    except (OSError, ValueError) as error:
        raise _cannot_write(path, error) from None
    raise InstallError(f"{path} already exists and was not changed; name another file")


def _cannot_write(path: Path, error: Exception) -> InstallError:
    reason = getattr(error, "strerror", None) or "invalid name"
    return InstallError(f"can't write {path} ({reason}); name another place")


# What `earful init` asks: the question, and the function that reads the answer or raises InstallError.
QUESTIONS: dict[str, tuple[str, Callable[[str], object]]] = {
    "brand": ('What do people call your brand? A word, a name, or a query such as acme OR "acme air"', query_of),
    "output": ("Where should I save the settings file?", place_of),
    "team": ("How many people answer? 1 / a few / a team with shifts", team_of),
    "trade": (f"What do you do? {' / '.join(TRADES)}", trade_of),
    "person": ("What is your name?", person_of),
    "zone": ("This machine's clock is set to UTC. Which time zone are you in?", zone_of),
    "hours": ("When is someone available to answer?", hours_of),
    "calls": ("When may I call you?", hours_of),
    "ntfy": ("Shall alerts go to your phone? (needs only the app ntfy, no account) yes / no", yes_of),
}


def init(
    brand_query: str,
    output: Path,
    *,
    name: str = "",
    zone: str = "",
    hours: str = HOURS,
    team: Team = "few",
    person: str = "Me",
    ntfy: bool = False,
    trade: Trade = "general",
    checkout: Path = CHECKOUT,
    program: str = "earful",
) -> str:
    """Write the settings of a real installation to `output`, and return what a person should know now.

    The sources that need no key are on; the database stands beside the file. A folder that is made is private (0700),
    the file always is (0600). For a `team` of one, `person` is who answers; with `ntfy` a topic of their own is made
    up, which is a secret, and written into earful.env beside the file. `checkout` is where Earful itself stands: inside
    it one is warned. `program` is how it is called here, for what is suggested next. Raises InstallError, and writes
    nothing, where a file stands already.
    """
    query = query_of(brand_query)
    path = place_of(str(output))
    zone, blocks = zone_of(zone or machine_zone()), hours_of(hours)
    try:
        brand = Brand(name=name or name_of(query), query=query)
    except ValidationError:
        raise InstallError(
            f'"{name[:80]}" is not a valid brand name: write up to 64 characters without a colon'
        ) from None
    text = settings_text(
        query, name=brand.name, zone=zone, blocks=blocks, team=team, person=person_of(person), ntfy=ntfy, trade=trade
    )
    ntfy = ntfy and team == "1"
    secrets_file = path.with_name(SECRETS)
    if ntfy:
        refuse_standing_secrets(path)
    topic = f"earful-{secrets.token_urlsafe(18)}"
    _write_new(path, text)
    if ntfy:
        _write_new(secrets_file, f"NTFY_URL=ntfys://ntfy.sh/{topic}?priority=high\n")
    return _report(path, program, inside=path.is_relative_to(checkout), zone=zone, topic=topic if ntfy else "")


def refuse_standing_secrets(settings: Path) -> None:
    """Refuse to write a topic of ntfy into a file of secrets that is there already: InstallError."""
    standing = settings.with_name(SECRETS)
    if standing.exists():
        raise InstallError(
            f"{standing} already exists and was not changed; say no to ntfy (--no-ntfy), or name another folder"
        )


def _write_new(path: Path, text: str) -> None:
    """Write a private file that is not there yet."""
    try:
        _make_folder(path.parent)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(text.encode())
    except FileExistsError:
        raise InstallError(f"{path} already exists and was not changed; name another file") from None
    except (OSError, ValueError) as error:
        raise _cannot_write(path, error) from None


SAMPLE_PEOPLE = (("Mira", "lead"), ("Jonas", "staff"))  # of the sample weeks


def sample_settings(here: Path, *, shipped: Path = SHIPPED, checkout: Path = CHECKOUT) -> Path:
    """Give the settings of the sample day: the checkout's, or a copy in `here`/earful-demo where Earful is a package.

    The day's database stands beside them, so they cannot be read where the package lies. Written afresh each time, as
    each start replays the day. Raises InstallError.
    """
    if not shipped.is_file():
        return checkout / "settings.toml"
    path = here.absolute() / "earful-demo" / "settings.toml"
    _write_afresh(path, shipped.read_text(encoding="utf-8"))
    return path


def demo_folder(here: Path) -> Path:
    """The folder that holds what a demo writes: the checkout, or `here` where Earful is a package."""
    return here if SHIPPED.is_file() else CHECKOUT


def demo_settings(brand: str, folder: Path) -> Path:
    """Write settings that listen for `brand` live, under `folder`/var with a database of their own; return the file.

    Written afresh each time, so that a newer Earful brings newer defaults. Raises InstallError.
    """
    query = query_of(brand)
    name = name_of(query)
    slug = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:40]
    if not slug or query.casefold() not in (name.casefold(), f'"{name.casefold()}"'):
        slug = f"{slug or 'brand'}-{hashlib.sha256(query.encode()).hexdigest()[:6]}"
    path = folder.absolute() / "var" / slug / "settings.toml"
    note = "# `make run BRAND=...` rewrites this file at each start. To keep your changes, copy it elsewhere.\n"
    text = note + settings_text(
        query, name=name, zone=machine_zone(), blocks=hours_of("mon-sun 00:00-00:00"), demo=True
    )
    _write_afresh(path, text)
    return path


def week_settings(folder: Path) -> Path:
    """Write the settings of the sample weeks under `folder`/var, with a database of their own; return the file.

    They are those of the sample day, but for the file that is played and two made-up colleagues. Raises InstallError.
    """
    text = (SHIPPED if SHIPPED.is_file() else CHECKOUT / "settings.toml").read_text(encoding="utf-8")
    text = text.replace("sqlite:var/demo/earful.sqlite", "sqlite:earful.sqlite")
    text = re.sub(
        r'(?m)^kind +?= "replay"', 'kind = "replay"\nfile = "week"\nday_in = "as_written"\nquick_start = 0', text
    )
    people = "".join(f'\n[[people]]\nname = "{name}"\nrole = "{role}"\n' for name, role in SAMPLE_PEOPLE)
    path = folder.absolute() / "var" / "demo-week" / "settings.toml"
    _write_afresh(path, text + people)
    return path


def _write_afresh(path: Path, text: str) -> None:
    try:
        _make_folder(path.parent)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".settings-")
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(text)
        os.replace(temporary, path)
    except OSError as error:
        raise InstallError(f"can't write {path} ({error.strerror}); make its folder writable") from None


def _make_folder(folder: Path) -> None:
    """Make what is missing of a folder, private; one that stands is left as it is."""
    missing = [level for level in (folder, *folder.parents) if not level.exists()]
    for level in reversed(missing):
        level.mkdir(mode=0o700)
        level.chmod(0o700)


def _report(path: Path, program: str, *, inside: bool, zone: str, topic: str) -> str:
    command = f"{program} --settings {shlex.quote(str(path))}"
    lines = [f"Wrote {path} (time zone: {zone})", ""]
    if inside:
        lines += ["It is inside Earful's own folder, where an upgrade could overwrite it. Elsewhere is safer.", ""]
    if topic:
        lines += [*(each.format(topic=topic) for each in _ON_YOUR_PHONE), ""]
        if find_spec("apprise") is None:
            lines += [f"Run first: {how_to_install('apprise')}", ""]
    next_steps = [f"  {command} try", *([f"  {command} alert test"] if topic else []), f"  {command} run"]
    return "\n".join([*lines, *_STANDING, "", "Next:", *next_steps])


_ON_YOUR_PHONE = (
    "On your phone, install the app ntfy and subscribe to this topic. It is a secret:",
    "  {topic}",
    "Alerts pass through the server ntfy.sh; docs/connect-ntfy.md has your own server.",
)


_STANDING = (
    "Ready, no key:     Hacker News, Google News, Mastodon tags, Bluesky",
    "Need a key:        X (a developer app with credit, console.x.com)",
    "                   Slack (a bot token: earful slack-manifest)",
    "                   mail (your SMTP server's name and password)",
    "No new keys:       Reddit (only with an app that you have; other ways:",
    "                   docs/connect-reddit.md)",
    "More sources:      earful sources lists them, earful add adds one.",
    "Slack and mail:    docs/connect-slack.md and docs/connect-mail.md have the lines",
    "                   to add. Then run: earful check --online",
)


def _quoted(text: str) -> str:
    """A TOML string of any text: JSON's escapes are TOML's too, but for the one letter it leaves alone."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def settings_text(
    query: str,
    *,
    name: str,
    zone: str,
    blocks: tuple[Block, ...],
    team: Team = "few",
    person: str = "Me",
    ntfy: bool = False,
    demo: bool = False,
    trade: Trade = "general",
) -> str:
    """The text of a settings file that listens for one brand with every source that needs no key."""
    hours = ", ".join(
        f'{{ days = {json.dumps(list(block.days))}, start = "{block.start:%H:%M}", end = "{block.end:%H:%M}" }}'
        for block in blocks
    )
    common = {"query": _quoted(query), "name": _quoted(name), "zone": _quoted(zone), "hours": f"[{hours}]"}
    line = f"\ntrade = {_quoted(trade)}    # whose list of causes you begin with"
    common["trade"] = "" if trade == "general" else line
    if team == "1":
        head = HEAD.format(name=common["name"]) + "[earful]\n" if trade == "general" else HEAD_OF_ONE
        return ONE.format(**common, head=head, person=_quoted(person), channel=NTFY.format() if ntfy else CONSOLE)
    people = PEOPLE + (SHIFTS if team == "shifts" else "") + "\n"
    return TEAM.format(
        **common,
        operator=QUIET_OPERATOR if demo else "",
        quick=QUICK if demo else "",
        slack="" if demo else SLACK,
        people="" if demo else people,
    )


# What the bot may do, and why: write alerts and edit them; find again, in public and private channels and in direct
# messages, what it has sent (the history of a channel, and its id by its name); write to one person; name people; know
# who belongs to the group that may press.
SLACK_SCOPES = (
    "chat:write", "channels:history", "groups:history", "im:history", "channels:read", "groups:read", "im:write",
    "users:read", "usergroups:read", "commands",
)  # fmt: skip


def slack_manifest(base: str = "") -> str:
    """The app's manifest as JSON (https://docs.slack.dev/reference/app-manifest): Socket Mode and the exact scopes.

    `base` is the address of Earful's page, shown to people in the app's description. `SLACK_STEPS` says what to do.
    """
    about = (
        "Alerts your team when people complain in public, and keeps at it until somebody answers. Press "
        "*I have it* below a message to take the case: everyone sees it is taken, and nobody else is alerted. "
    )
    more = f"All cases: {base}" if base else "Questions? Ask whoever runs Earful here."
    manifest = {
        "display_information": {
            "name": "Earful",
            "description": "Finds complaints and keeps at it until they are answered",
            "long_description": about + more,
            "background_color": "#23395b",
        },
        "features": {
            "bot_user": {"display_name": "Earful", "always_online": False},
            "slash_commands": [
                {
                    "command": "/earful",
                    "description": "Status, a case, a mute, who is on, being away",
                    "usage_hint": "status | case 12 | mute 12 | on duty | away until mon",
                    "should_escape": False,
                }
            ],
            "shortcuts": [
                {
                    "name": "Make this a case",
                    "type": "message",
                    "callback_id": "earful_make_case",
                    "description": "Keeps this message as a case until somebody answers",
                }
            ],
        },
        "oauth_config": {"scopes": {"bot": list(SLACK_SCOPES)}},
        "settings": {
            "interactivity": {"is_enabled": True},
            "org_deploy_enabled": False,
            "socket_mode_enabled": True,
            "token_rotation_enabled": False,
        },
    }
    return json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"


__all__ = ["QUESTIONS", "SLACK_STEPS", "InstallError", "demo_settings", "init", "query_of", "slack_manifest"]
