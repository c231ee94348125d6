"""Whether somebody says in a few words that they have the same trouble as the person above them: "same here"."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path

from monitor.text.normalize import fold

_SHORT = 120  # characters
_REST = 1  # words beside it: "me too please"
_FEW = 40  # words: who writes more says what it is, and the judge hears that


@lru_cache(maxsize=1)
def _phrases() -> re.Pattern[str]:
    file = Path(__file__).parent / "words" / "same_trouble.toml"
    listed = tomllib.loads(file.read_text(encoding="utf-8"))["phrases"]
    return re.compile("|".join(rf"(?<!\w)(?:{each})" for each in listed))


def only_same_trouble(text: str) -> bool:
    """Whether that is all they say: "+1", "@acme same here!!"; who adds since when has a matter of their own."""
    if len(text) > _SHORT or not says_same_trouble(text):
        return False
    words = re.sub(r"[@#]\S+", " ", fold(text)).strip(" .,!?")
    return len(re.findall(r"\w+", _phrases().sub(" ", words))) <= _REST


def says_same_trouble(text: str) -> bool:
    """ "Same here!", "bei mir auch", "moi aussi" ..., in one of seven languages."""
    words = re.sub(r"@\S+", " ", fold(text[:600])).strip(" .,!?")
    return len(words.split()) <= _FEW and _phrases().search(words) is not None
