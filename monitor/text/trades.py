"""What complaints of a trade are usually about: the lists that a brand's causes begin with, written by us.

`words/trade.<trade>.toml` holds one each. A team changes its own copy in the store; these files are only read when a
brand has no list yet.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

Trade = Literal["general", "shop", "software", "travel", "food", "telecom", "finance", "games"]
TRADES: tuple[Trade, ...] = get_args(Trade)
SAYS: dict[Trade, str] = {
    "general": "anything else",
    "shop": "shop",
    "software": "software or website",
    "travel": "travel",
    "food": "restaurant or food",
    "telecom": "phone, internet or energy",
    "finance": "bank or insurance",
    "games": "game or app",
}
_FOLDER = Path(__file__).parent / "words"


@dataclass(frozen=True, slots=True)
class Seed:
    """One cause of a trade's list; `days` is how long after another post still counts to the same problem."""

    name: str
    days: int
    words: tuple[str, ...]
    examples: tuple[str, ...]


@lru_cache(maxsize=len(TRADES))
def seeds(trade: Trade) -> tuple[Seed, ...]:
    """The causes of a trade, in the order in which they are listed and tried."""
    read = tomllib.loads((_FOLDER / f"trade.{trade}.toml").read_text(encoding="utf-8"))
    return tuple(
        Seed(each["name"], int(each.get("days", 7)), words_of(each["words"]), tuple(each["examples"]))
        for each in read["cause"]
    )


def words_of(text: str) -> tuple[str, ...]:
    """Words as people write them into one field: with commas or on lines, each once."""
    return tuple(dict.fromkeys(word for each in text.replace("\n", ",").split(",") if (word := " ".join(each.split()))))
