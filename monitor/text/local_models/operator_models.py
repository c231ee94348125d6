"""The operator's own models beside the shipped judge: loaded once, asked for each post, never in the way.

What cannot be used is told by name in `trouble`, and judging goes on without it. Without settings nothing is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from monitor.text.local_models.classifier import Classifier
from monitor.text.local_models.encoder import Encoder
from monitor.text.local_models.folder import LocalModelRefused
from monitor.text.local_models.reader import LANGUAGES, Reader

_REMEMBERED = 4096  # texts whose figures are kept (6 MB at 384 each): learning anew reads the same answers again


class OwnModels:
    """An encoder and a classifier, either of which may be absent. May serve many threads."""

    def __init__(
        self,
        encoder: Path | None = None,
        classifier: Path | None = None,
        negative_labels: Sequence[str] = (),
        reader: Callable[[], Reader] | None = None,
    ) -> None:
        """Load what is named; takes a second or two. Raises nothing. `reader` is the encoder where none is named."""
        self._troubles: dict[str, None] = {}
        self._encoder: Encoder | Reader | None = None
        self._classifier: Classifier | None = None
        try:
            self._encoder = Encoder(encoder) if encoder else reader() if reader else None
        except LocalModelRefused as refusal:
            self._troubles[str(refusal)] = None
        try:
            self._classifier = Classifier(classifier, negative_labels) if classifier else None
        except LocalModelRefused as refusal:
            self._troubles[str(refusal)] = None
        self.encoder = self._encoder.name if self._encoder else ""
        self.classifier = self._classifier.name if self._classifier else ""
        self.names = tuple(name for name in (self.encoder, self.classifier) if name)
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._embed)

    @property
    def trouble(self) -> tuple[str, ...]:
        """What was refused, at load or since, each in a sentence for people."""
        return tuple(self._troubles)

    def vector(self, text: str) -> Sequence[float]:
        """Return what the encoder makes of a text; empty without one."""
        if self._encoder is None:
            return ()
        try:
            return self._remembered(text)
        except LocalModelRefused as refusal:
            self._troubles[str(refusal)] = None
            return ()

    def mood(self, text: str, language: str) -> float | None:
        """Return the reader's log odds that a writer is unhappy; None without it, or in languages it is not for."""
        if not isinstance(self._encoder, Reader) or language not in LANGUAGES:
            return None
        figures = self.vector(text)
        return self._encoder.mood(figures) if figures else None

    def odds(self, texts: Sequence[str]) -> Sequence[float | None]:
        """Return for each text the classifier's log odds that it is negative; None without one."""
        if self._classifier is not None:
            try:
                return self._classifier.odds(texts)
            except LocalModelRefused as refusal:
                self._troubles[str(refusal)] = None
        return [None] * len(texts)

    def _embed(self, text: str) -> Sequence[float]:
        assert self._encoder is not None
        (row,) = self._encoder.embed([text])
        return row


NO_MODELS = OwnModels()
