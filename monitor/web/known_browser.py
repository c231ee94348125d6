"""Browsers in which somebody has logged in before: strangers who guess a name's password do not lock them out.

The cookie holds a random id and the proof that it was given for this name. It opens nothing: it only has wrong
passwords counted by browser, and not by name.
https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from monitor.settings.models import Settings
from monitor.store import key_values
from monitor.store.database import Database
from monitor.web.auth import cookie_name, is_secure

COOKIE = "earful_known"
LIFE = timedelta(days=365)
_KEY = "known_browsers_key"


def _proof(key: str, name: str, browser: str) -> str:
    return hmac.new(key.encode(), f"{name.casefold()}\0{browser}".encode("utf-8", "replace"), "sha256").hexdigest()


def known_browser(request: Request, database: Database, settings: Settings, name: str) -> str:
    """The id of a browser in which this name has logged in before; "" for any other."""
    browser, _, proof = request.cookies.get(cookie_name(settings, COOKIE), "")[:200].partition(".")
    key = key_values.fact(database, _KEY)
    if not browser or not key:
        return ""
    return browser if hmac.compare_digest(_proof(key, name, browser).encode(), proof.encode("utf-8", "replace")) else ""


def remember(response: Response, database: Database, settings: Settings, name: str, now: datetime) -> None:
    """Let the browser know that this name has logged in. Inside the transaction of the login."""
    key = key_values.fact(database, _KEY)
    if not key:
        key = secrets.token_urlsafe(32)
        key_values.remember(database, _KEY, key, now)
    browser = secrets.token_urlsafe(16)
    response.set_cookie(
        cookie_name(settings, COOKIE), f"{browser}.{_proof(key, name, browser)}", max_age=int(LIFE.total_seconds()),
        httponly=True, samesite="strict", secure=is_secure(settings), path="/",
    )  # fmt: skip
