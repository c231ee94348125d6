"""The second factor: codes of an app on one's telephone (RFC 6238), and recovery codes for when it is lost."""

from __future__ import annotations

import secrets
from datetime import datetime

import pyotp
import segno

from monitor.store import web
from monitor.store.database import Database

STEP = 30  # seconds that one code is shown
RECOVERY_CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is easily taken for another


def new_secret() -> str:
    """A secret for an app, in the letters that people can type."""
    return pyotp.random_base32()


def address_of(secret: str, name: str, brand: str) -> str:
    """The otpauth:// address that an app reads."""
    return pyotp.TOTP(secret, interval=STEP).provisioning_uri(name=name, issuer_name=f"Earful {brand}".strip())


def picture_of(address: str) -> str:
    """The address as a QR code: an SVG element without styles or scripts."""
    return str(segno.make(address, error="m").svg_inline(scale=4, border=3, dark="#000", light="#fff", title="QR code"))


def new_recovery_codes() -> list[str]:
    """Codes that work once each, as they are shown."""
    raw = ("".join(secrets.choice(_LETTERS) for _ in range(12)) for _ in range(RECOVERY_CODES))
    return [f"{each[:4]}-{each[4:8]}-{each[8:]}" for each in raw]


def kept(codes: list[str]) -> list[str]:
    """What is kept of recovery codes."""
    return [web.hashed(_bare(code)) for code in codes]


def right_step(secret: str, code: str, now: datetime) -> int | None:
    """The step that a code is of: this one, the one before or the next, since clocks differ; None for a wrong code."""
    code = _bare(code)
    if not (len(code) == 6 and code.isascii() and code.isdecimal()):
        return None
    moment = int(now.timestamp()) // STEP
    maker = pyotp.TOTP(secret, interval=STEP)
    found = [
        step for step in (moment - 1, moment, moment + 1) if secrets.compare_digest(maker.generate_otp(step), code)
    ]
    return found[0] if found else None


def use(database: Database, user: web.User, code: str, now: datetime) -> str:
    """Take a code, once: "code", "recovery code", or "" where it is wrong or was used. Inside a transaction."""
    step = right_step(user.factor, code, now)
    if step is not None:
        return "code" if web.use_factor(database, user.name, step) else ""
    return "recovery code" if web.use_recovery(database, user.name, _bare(code)) else ""


def _bare(code: str) -> str:
    return "".join(letter for letter in code.lower() if letter.isalnum())
