"""What is found out of a word, worked out once: most words of a post stood in posts before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

V = TypeVar("V")


class Remembered(dict[str, V]):
    """What `find` gives for words, read like a dictionary; with `map` and its `__getitem__`, for all of a post at once.

    Unlike `lru_cache` it keeps no order, which would cost more than most of what is remembered here. When it is full it
    begins anew. May serve many threads: two that miss the same word both work it out, to the same end.
    """

    def __init__(self, find: Callable[[str], V], most: int = 20_000, longest: int = 40) -> None:
        """`most` words are kept, none of more than `longest` characters: hostile words must not fill the memory."""
        super().__init__()
        self._find, self._most, self._longest = find, most, longest

    def __missing__(self, word: str) -> V:
        found = self._find(word)
        if len(word) <= self._longest:
            if len(self) >= self._most:
                self.clear()
            self[word] = found
        return found
