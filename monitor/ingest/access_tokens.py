"""What a source reads with that signed in as a person: the token of now, renewed once by one process at a time.

A token that renews is good for one use at X, and using one again ends the whole sign-in. So, in this order: take the
lock; read the file again (another process may have been quicker); write down that the token is about to be spent; send
it; have the answer on the disk; only then read with it. A process that dies in between leaves a file that says so: the
next one tries the token once more, and if it is refused, people are told what happened and how to sign in again.

    connected --(nearly over, or refused by the network)--> spent --(answer saved)--> connected
    spent --(refused)--> ended "spent"      connected --(refused)--> ended "refused"      (permission gone) --> ended
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NoReturn

from connectors import Account, ConnectorError, Refused
from connectors.http import Http
from connectors.oauth import Access, Grant, GrantEnded, SignIn, lacking, renew
from monitor.store.database import instant, stamp
from monitor.store.token_files import Held, TokenFile, TokenFileError

EARLY = timedelta(minutes=5)  # before its end a token is renewed: a page of reads must not end in the middle
_OWN = "posts from its timeline and its mentions are counted at the price for the app's owner"
_OTHER = "all posts are counted at the full price, since it does not own the app"
PATIENCE = 30.0  # seconds for another process to be done; its one request ends by itself before that


@dataclass(frozen=True, slots=True)
class Standing:
    """How a sign-in stands, for people. `wrong`: somebody has to do something."""

    words: str
    wrong: bool
    ends_at: datetime | None = None
    account: str = ""


class AccessTokens:
    """The tokens of one source. It may be called from several threads and processes."""

    def __init__(self, source: str, sign_in: SignIn, http: Http, file: TokenFile) -> None:
        """Touch neither file nor network."""
        self.source = source
        self.sign_in = sign_in
        self.file = file
        self._http = http

    @property
    def again(self) -> str:
        """What to run to sign in."""
        return f"earful connect {self.source}" if " " not in self.source else f"earful connect '{self.source}'"

    def __call__(self, now: datetime, refused: str = "") -> Access:
        """What to read with now; `refused` is a token that the network has just turned down.

        Refused, with a remedy, where somebody has to sign in.
        """
        held = self._held()
        if self._good(held, now, refused):
            return self._access(held)
        try:
            with self.file.locked(PATIENCE):
                held = self._held()
                if self._good(held, now, refused):
                    return self._access(held)
                return self._access(self._renewed(held, now))
        except (ConnectorError, TokenFileError) as error:
            # Nothing is at an end yet: it was only to be renewed a little early.
            if not isinstance(error, Refused) and _good_until(held, now, refused, timedelta(0)):
                return self._access(held)
            if isinstance(error, TokenFileError):
                remedy = "Free space, or correct its owner and rights."
                raise ConnectorError(str(error), remedy) from None
            raise

    def keep(self, grant: Grant, now: datetime) -> None:
        """Keep what a sign-in gave, in place of what was there; whose it is, is not known yet."""
        with self.file.locked(PATIENCE):
            self.file.write(self._of(grant, Held(self.sign_in.client_id, "", "", "", connected_at=stamp(now)), now))

    def name(self, account: Account, *, owns_app: bool) -> None:
        """Keep whose sign-in it is, and whether that account owns the app."""
        with self.file.locked(PATIENCE):
            held = self._held()
            self.file.write(replace(held, account_id=account.id, account_name=account.name, owns_app=owns_app))

    def standing(self, now: datetime) -> Standing:
        """How the sign-in stands, without asking the network anything."""
        try:
            held = self._held()
        except Refused as refusal:
            return Standing(f"{self.source}: {refusal.message}. {refusal.remedy}", wrong=True)
        if self.file.others_can_read():
            path = self.file.path
            return Standing(f"{self.source}: others on this machine can read {path}; run: chmod 600 {path}", wrong=True)
        ends = _ends(held)
        if held.spent_at:
            until = f"a renewal was begun at {held.spent_at[11:16]} UTC and has brought nothing yet"
        elif ends is None or ends <= now:
            until = "the token has ended and is renewed at the next read"
        else:
            until = f"the token ends on {ends:%d %b at %H:%M} UTC and is renewed before that"
        price = _OWN if held.owns_app else _OTHER
        who = held.account_name or held.account_id or "?"
        return Standing(f"{self.source}: signed in as {who}; {until}; {price}", wrong=False, ends_at=ends, account=who)

    def _held(self) -> Held:
        try:
            held = self.file.read()
        except TokenFileError as error:
            raise Refused(str(error), f"Correct that, or sign in again: {self.again}") from None
        if held is None:
            raise Refused(f"nobody has signed in at {self.sign_in.network}", f"Run: {self.again}")
        if held.client_id != self.sign_in.client_id:
            raise Refused(
                "client_id is not the app that was signed in with",
                f"Sign in again: {self.again}",
            )
        if held.ended:
            raise self._over(held)
        return held

    def _good(self, held: Held, now: datetime, refused: str) -> bool:
        return _good_until(held, now, refused, EARLY)

    def _renewed(self, held: Held, now: datetime) -> Held:
        """Spend the token that renews. Only the holder of the lock may call this."""
        spending = replace(held, spent_at=stamp(now))
        self.file.write(spending)  # also proves, before anything is spent, that the disk takes what will come
        try:
            grant = renew(self.sign_in, self._http, held.refresh_token, now)
        except GrantEnded:
            # Sent before and never answered: then it is that answer which was lost.
            self._end(replace(held, ended="spent" if held.spent_at else "refused"))
        fresh = self._of(grant, held, now)
        if lacking(self.sign_in, grant):
            self._end(replace(fresh, ended="permission"))
        self.file.write(fresh)
        return fresh

    def _of(self, grant: Grant, held: Held, now: datetime) -> Held:
        return replace(
            held,
            access_token=grant.access_token,
            refresh_token=grant.refresh_token,
            expires_at=stamp(now + grant.lasts),
            scopes=grant.scopes,
            renewed_at=stamp(now),
            spent_at="",
        )

    def _end(self, held: Held) -> NoReturn:
        """Write down that it is over, so that nobody asks the network again, and say so."""
        with contextlib.suppress(TokenFileError):
            self.file.write(held)
        raise self._over(held)

    def _over(self, held: Held) -> Refused:
        return Refused(self._why(held), f"Sign in again: {self.again}")

    def _why(self, held: Held) -> str:
        network = self.sign_in.network
        if held.ended == "spent":
            return (
                f"the sign-in at {network} is lost: its refresh token was used at {held.spent_at[11:16]} UTC on "
                f"{held.spent_at[:10]}, and the new one was never saved (a crash, or a cut connection)"
            )
        if held.ended == "permission":
            missing = ", ".join(each for each in self.sign_in.scopes if each not in held.scopes)
            return f"{network} no longer allows {missing}"
        return f"{network} no longer accepts the sign-in: access was withdrawn, or it expired"

    def _access(self, held: Held) -> Access:
        return Access(held.access_token, Account(held.account_id, held.account_name), held.owns_app, self.again)


def _good_until(held: Held, now: datetime, refused: str, early: timedelta) -> bool:
    """Whether a token can be used. One that our clock calls good and the network does not, comes back as `refused`."""
    ends = _ends(held)
    return held.access_token != refused and ends is not None and now < ends - early


def _ends(held: Held) -> datetime | None:
    try:
        return instant(held.expires_at)
    except ValueError:  # somebody wrote into the file
        return None
