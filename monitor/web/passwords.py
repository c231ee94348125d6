"""What a password must be: long enough, and not what everybody tries first.

The length is what counts most; what is common is known to zxcvbn, which carries some 30,000 passwords, names and words
of several languages with it and asks nobody. https://github.com/dwolfhub/zxcvbn-python
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Any

from monitor.web.identity import Refusal

LEAST = 12
MOST = 1024
_LEAST_SCORE = 3  # of zxcvbn's 0 to 4: more than 10^8 guesses
_READ = 72  # characters that zxcvbn looks at; what comes after only makes a password better
_LEAST_REST = 6  # letters and digits that must be left without the brand and the name


def check(password: str, *, name: str, brands: Iterable[str]) -> None:
    """Raise Refusal, in words for the person, for a password that somebody would guess."""
    if len(password) < LEAST:
        raise Refusal(400, "That password is too short", f"Use at least {LEAST} characters; a sentence works well.")
    if len(password) > MOST:
        raise Refusal(400, "That password is too long", f"Use at most {MOST:,} characters.")
    known = [each for each in (name, *brands) if len(_bare(each)) > 2]
    rest = _bare(password)
    for each in known:
        for word in {_bare(each), *(_bare(part) for part in each.split())}:
            if len(word) > 2:
                rest = rest.replace(word, "")
    if rest != _bare(password) and len(rest) < _LEAST_REST:
        raise Refusal(400, "That password is easy to guess", "It is little more than your name or the brand's.")
    if _score(unicodedata.normalize("NFKC", password)[:_READ], known) < _LEAST_SCORE:
        raise Refusal(
            400,
            "That password is easy to guess",
            "It is a common password, or close to one. Use a sentence of your own.",
        )


def _bare(text: str) -> str:
    """Letters and digits alone, without case."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


def _score(password: str, known: list[str]) -> int:
    return int(_zxcvbn()(password, user_inputs=known)["score"])


@cache
def _zxcvbn() -> Any:
    from zxcvbn import zxcvbn  # its lists take a moment: only where somebody chooses a password

    return zxcvbn
