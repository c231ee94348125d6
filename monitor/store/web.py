"""People who may see the page: users, their sessions, one-time links and tokens, and what a lead changed on the desk.

Ids of sessions, links and tokens are kept as hashes: who reads the database cannot use them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from monitor.store.database import Database, Row, at, instant, stamp


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with a name on the page. `password` is an argon2 hash, empty until the person has set one.

    `factor` is the secret of their second factor, `factor_step` the number of the last code that was used, `recovery`
    the hashes of codes that stand in for it, `subject` who a provider of sign-on says they are.
    """

    name: str
    role: str
    password: str
    zone: str
    created_at: datetime
    disabled_at: datetime | None
    factor: str = ""
    factor_step: int = 0
    recovery: tuple[str, ...] = ()
    subject: str = ""


def hashed(secret: str) -> str:
    """How a random secret of ours is kept: 256 random bits need no salt and no slow hash."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


def _user(row: Row) -> User:
    return User(
        row["name"], row["role"], row["password"], row["zone"], at(row["created_at"]), instant(row["disabled_at"]),
        row["factor"], row["factor_step"], tuple(row["recovery"].split()), row["subject"],
    )  # fmt: skip


def user(database: Database, name: str) -> User | None:
    """One user, disabled or not."""
    row = database.row("SELECT * FROM users WHERE name = :name", {"name": name})
    return _user(row) if row else None


def user_of_subject(database: Database, subject: str) -> User | None:
    """The user whom a provider of sign-on knows as this."""
    row = database.row("SELECT * FROM users WHERE subject = :subject AND subject <> ''", {"subject": subject})
    return _user(row) if row else None


def set_subject(database: Database, name: str, subject: str) -> None:
    """From now on this user is whom a provider of sign-on knows as `subject`."""
    database.run("UPDATE users SET subject = :subject WHERE name = :name", {"name": name, "subject": subject})


def set_factor(database: Database, name: str, factor: str, recovery: Sequence[str]) -> None:
    """Keep the secret of a second factor, and the hashes of the codes that stand in for it; "" ends it."""
    database.run(
        "UPDATE users SET factor = :factor, factor_step = 0, recovery = :recovery WHERE name = :name",
        {"name": name, "factor": factor, "recovery": " ".join(recovery)},
    )


def use_factor(database: Database, name: str, step: int) -> bool:
    """Use the code of this moment up; False if it, or a later one, was used before."""
    return (
        database.run(
            "UPDATE users SET factor_step = :step WHERE name = :name AND factor_step < :step",
            {"name": name, "step": step},
        )
        == 1
    )


def use_recovery(database: Database, name: str, code: str) -> bool:
    """Use up a code that stands in for the second factor; False if it is none of theirs."""
    known = user(database, name)
    if known is None or hashed(code) not in known.recovery:
        return False
    left = " ".join(each for each in known.recovery if each != hashed(code))
    return (
        database.run(
            "UPDATE users SET recovery = :left WHERE name = :name AND recovery = :before",
            {"name": name, "left": left, "before": " ".join(known.recovery)},
        )
        == 1
    )


def users(database: Database) -> list[User]:
    """Every user by name."""
    return [_user(row) for row in database.rows("SELECT * FROM users ORDER BY name")]


def add_user(database: Database, name: str, role: str, now: datetime) -> bool:
    """Add a user without a password; False if the name is taken."""
    return (
        database.run(
            "INSERT INTO users (name, role, created_at) VALUES (:name, :role, :now) ON CONFLICT DO NOTHING",
            {"name": name, "role": role, "now": stamp(now)},
        )
        == 1
    )


def set_role(database: Database, name: str, role: str) -> None:
    """Give a user another role; it holds from the next request on."""
    database.run("UPDATE users SET role = :role WHERE name = :name", {"name": name, "role": role})


def set_password(database: Database, name: str, password: str) -> None:
    """Keep the hash of a new password."""
    database.run("UPDATE users SET password = :password WHERE name = :name", {"name": name, "password": password})


def set_zone(database: Database, name: str, zone: str) -> None:
    """Show times to this user in a zone of their own; "" for the desk's."""
    database.run("UPDATE users SET zone = :zone WHERE name = :name", {"name": name, "zone": zone})


def disable_user(database: Database, name: str, now: datetime | None) -> None:
    """Shut a user out (`now` None lets them in again): sessions, links and tokens end with it."""
    database.run("UPDATE users SET disabled_at = :now WHERE name = :name", {"name": name, "now": stamp(now)})
    if now is not None:
        end_sessions(database, name)
        database.run(
            "DELETE FROM tokens WHERE (name = :name AND purpose <> 'api') OR owner IN (:page, :settings)",
            {"name": name, "page": f"page:{name}", "settings": f"settings:{name}"},
        )


def add_session(
    database: Database, secret: str, name: str, csrf: str, now: datetime, until: datetime, way: str = "password"
) -> None:
    """Begin a session; those that are over are swept away."""
    database.run("DELETE FROM sessions WHERE expires_at < :now", {"now": stamp(now)})
    database.run(
        "INSERT INTO sessions (id, name, csrf, created_at, seen_at, expires_at, proven_at, way) "
        "VALUES (:id, :name, :csrf, :now, :now, :until, :now, :way)",
        {"id": hashed(secret), "name": name, "csrf": csrf, "now": stamp(now), "until": stamp(until), "way": way},
    )


def session(database: Database, secret: str, now: datetime) -> Row | None:
    """A living session of a user who is not shut out, with that user's name, role, zone and second factor."""
    return database.row(
        "SELECT s.id, s.csrf, s.created_at, s.seen_at, s.expires_at, s.proven_at, s.way, u.name, u.role, u.zone, "
        "u.factor FROM sessions s "
        "JOIN users u ON u.name = s.name WHERE s.id = :id AND s.expires_at > :now AND u.disabled_at = ''",
        {"id": hashed(secret), "now": stamp(now)},
    )


def touch_session(database: Database, kept: str, now: datetime, until: datetime) -> None:
    """This session was used: it lives on."""
    database.run(
        "UPDATE sessions SET seen_at = :now, expires_at = :until WHERE id = :id",
        {"id": kept, "now": stamp(now), "until": stamp(until)},
    )


def prove_session(database: Database, kept: str, now: datetime) -> None:
    """The person of this session has just shown again who they are."""
    database.run("UPDATE sessions SET proven_at = :now WHERE id = :id", {"id": kept, "now": stamp(now)})


def end_session_of(database: Database, name: str, mark: str) -> bool:
    """Log one session of a user out, by the beginning of its stored id."""
    found = [row["id"] for row in sessions_of(database, name) if len(mark) >= 12 and row["id"].startswith(mark)]
    for kept in found:
        end_session(database, kept)
    return bool(found)


def end_session(database: Database, kept: str) -> None:
    """Log one session out."""
    database.run("DELETE FROM sessions WHERE id = :id", {"id": kept})


def end_sessions(database: Database, name: str) -> int:
    """Log a user out everywhere; how many sessions that ended."""
    return database.run("DELETE FROM sessions WHERE name = :name", {"name": name})


def sessions_of(database: Database, name: str) -> list[Row]:
    """(id, created_at, seen_at, expires_at, way) of a user's sessions, the latest used first."""
    return database.rows(
        "SELECT id, created_at, seen_at, expires_at, way FROM sessions WHERE name = :name ORDER BY seen_at DESC",
        {"name": name},
    )


TOKEN_LIFE = timedelta(days=365)  # where nobody says how long


def add_token(
    database: Database, secret: str, name: str, purpose: str, now: datetime, *, role: str = "",
    until: datetime | None = None, owner: str = "",
) -> None:  # fmt: skip
    """Keep the hash of a one-time link ("welcome", "factor") or of a token of the API ("api"). All of them end.

    `owner` is the id of the person whose token of the API it is; it opens nothing any more once they are gone.
    """
    until = until or now + TOKEN_LIFE
    database.run(
        "INSERT INTO tokens (id, name, purpose, role, created_at, expires_at, owner) "
        "VALUES (:id, :name, :purpose, :role, :now, :until, :owner)",
        {
            "id": hashed(secret),
            "name": name,
            "purpose": purpose,
            "role": role,
            "now": stamp(now),
            "until": stamp(until),
            "owner": owner,
        },
    )


def token(database: Database, secret: str, purpose: str, now: datetime) -> Row | None:
    """A token that lives and was made for this; a one-time link only while it is unused."""
    return database.row(
        "SELECT * FROM tokens WHERE id = :id AND purpose = :purpose AND expires_at > :now "
        "AND (purpose = 'api' OR used_at = '')",
        {"id": hashed(secret), "purpose": purpose, "now": stamp(now)},
    )


def use_token(database: Database, secret: str, now: datetime) -> bool:
    """Use a one-time link up; False if somebody was quicker."""
    return (
        database.run(
            "UPDATE tokens SET used_at = :now WHERE id = :id AND used_at = ''",
            {"id": hashed(secret), "now": stamp(now)},
        )
        == 1
    )


def note_token(database: Database, kept: str, now: datetime) -> None:
    """This token of the API was used just now."""
    database.run("UPDATE tokens SET used_at = :now WHERE id = :id", {"id": kept, "now": stamp(now)})


UNKNOWN_OWNER = "unknown"


def end_old_tokens(database: Database, until: datetime) -> int:
    """Tokens of the API that were made without an owner are nobody's from now on, and end; how many those are."""
    database.run(
        "UPDATE tokens SET expires_at = :until WHERE purpose = 'api' AND owner = '' "
        "AND (expires_at = '' OR expires_at > :until)",
        {"until": stamp(until)},
    )
    return database.run(
        "UPDATE tokens SET owner = :unknown WHERE purpose = 'api' AND owner = ''", {"unknown": UNKNOWN_OWNER}
    )


def drop_links(database: Database, name: str) -> None:
    """Older one-time links of a user open nothing any more."""
    database.run("DELETE FROM tokens WHERE name = :name AND purpose = 'welcome'", {"name": name})


def api_tokens(database: Database) -> list[Row]:
    """(id, name, role, owner, created_at, expires_at, used_at) of the tokens of the API."""
    return database.rows("SELECT * FROM tokens WHERE purpose = 'api' ORDER BY created_at DESC")


def drop_token(database: Database, kept: str) -> bool:
    """End a token of the API."""
    return database.run("DELETE FROM tokens WHERE id = :id AND purpose = 'api'", {"id": kept}) == 1


def add_desk_change(database: Database, key: str, value: str, before: str, who: str, now: datetime) -> None:
    """A lead changed something on the desk; values are JSON text, "" goes back to the file's."""
    database.run(
        "INSERT INTO desk_changes (key, value, before, who, at) VALUES (:key, :value, :before, :who, :now)",
        {"key": key, "value": value, "before": before, "who": who, "now": stamp(now)},
    )


def desk_changes(database: Database, keys: Sequence[str] = (), limit: int = 200) -> list[Row]:
    """What was changed, the latest first, also what was taken back."""
    if keys:
        found = [each for each in database.rows("SELECT * FROM desk_changes ORDER BY n DESC") if each["key"] in keys]
        return found[:limit]
    return database.rows("SELECT * FROM desk_changes ORDER BY n DESC LIMIT :limit", {"limit": limit})


def desk_values(database: Database) -> dict[str, str]:
    """key -> the value that stands; a key whose last standing value is "" is the file's again, and left out."""
    rows = database.rows("SELECT key, value FROM desk_changes WHERE undone_at = '' ORDER BY n")
    return {key: value for key, value in {row["key"]: row["value"] for row in rows}.items() if value}


def undo_desk_change(database: Database, n: int, now: datetime) -> Row | None:
    """Take a change back; the change, or None if it was taken back before."""
    row = database.row("SELECT * FROM desk_changes WHERE n = :n AND undone_at = ''", {"n": n})
    if row is not None:
        database.run("UPDATE desk_changes SET undone_at = :now WHERE n = :n", {"n": n, "now": stamp(now)})
    return row


def desk_revision(database: Database) -> str:
    """Changes whenever something on the desk does: the daemon takes the desk anew then."""
    row = database.row("SELECT count(*) AS n, max(undone_at) AS undone FROM desk_changes")
    return f"{row['n']}:{row['undone'] or ''}" if row else ""
