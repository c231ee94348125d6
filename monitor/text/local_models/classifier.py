"""Another judge: a model that knows a negative text from others, whatever it calls them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.text.local_models import figures
from monitor.text.local_models.folder import AGAIN, LocalModelRefused, listed, place_of
from monitor.text.local_models.graph import Graph, in_batches, tried

if TYPE_CHECKING:
    from monitor.text.local_models.figures import Figures

_TASK = "a classifier is exported with: optimum-cli export onnx --task text-classification --model MODEL FOLDER"
# Labels that mean "negative" wherever they stand, once case and signs are taken away.
_NEGATIVE = re.compile(r"(very |strongly |extremely )?neg(ative)?|complaint")
_STARS = re.compile(r"([1-5]) stars?")
_NAMELESS = ("label 0", "label 1", "label 2")  # three of them are negative, neutral, positive by custom


class Classifier:
    """Any transformer classifier that knows a negative text from others. Pure once loaded.

    `labels` are the model's own in its order, `negative` those of them that count as negative.
    """

    def __init__(self, folder: Path, negative: Sequence[str] = ()) -> None:
        """Load and try the model; LocalModelRefused where it cannot be used.

        `negative` names the labels that count as negative, None of them needed where the model's names say it.
        """
        self._graph = Graph(folder)
        self.name = self._graph.name
        self.labels = _labels(self._graph)
        self.negative = _negative(self._graph, self.labels, negative)
        self._negative_at = [at for at, label in enumerate(self.labels) if label in self.negative]
        self._other_at = [at for at in range(len(self.labels)) if at not in self._negative_at]
        outputs = self._graph.outputs
        if "logits" not in outputs and len(outputs) != 1:
            raise self._graph.refusal(f"has the outputs {listed(outputs)}, none of which is logits", _TASK)
        self._output = "logits" if "logits" in outputs else next(iter(outputs))
        _, self._alone = tried(self._graph, self._odds)

    def odds(self, texts: Sequence[str]) -> list[float]:
        """Return the log odds that each text is negative, from -20 to 20; 0 where the model has nothing to say.

        Raises LocalModelRefused where the model breaks down while running.
        """
        rows = in_batches(self._graph, self._odds, texts, alone=self._alone)
        return [0.0 if row is None or not math.isfinite(row[0]) else float(row[0]) for row in rows]

    def _odds(self, rows: Sequence[Sequence[int]]) -> Figures:
        out, _ = self._graph.run(rows, self._output)
        if out.shape != (len(rows), len(self.labels)):
            raise self._graph.refusal(
                f"gives {self._output} in the shape {out.shape}, wanted {(len(rows), len(self.labels))}: "
                "a figure for each label of config.json",
                _TASK,
            )
        return figures.log_odds(out, self._negative_at, self._other_at)


def _labels(graph: Graph) -> tuple[str, ...]:
    """The names of the labels in the order of the logits."""
    place = place_of(graph.folder, graph.folder / "config.json")
    named = graph.config.get("id2label")
    if not isinstance(named, dict) or len(named) < 2:
        raise LocalModelRefused(
            f"{place}: no id2label with two labels or more; a classifier's own config.json has it: copy it from there"
        )
    if graph.config.get("problem_type") == "multi_label_classification":
        raise LocalModelRefused(f"{place}: its labels do not exclude each other; take a model of one label a text")
    labels = [named.get(str(at)) for at in range(len(named))]
    if not all(isinstance(label, str) for label in labels):
        raise LocalModelRefused(f"{place}: id2label does not count from 0 to {len(named) - 1}; {AGAIN}")
    return tuple(map(str, labels))


def _negative(graph: Graph, labels: tuple[str, ...], wanted: Sequence[str]) -> tuple[str, ...]:
    """Those labels that count as negative: by the settings' word, or by their own names."""
    place = place_of(graph.folder, graph.folder / "config.json")
    plain = {label: re.sub(r"[\W_]+", " ", label.casefold()).strip() for label in labels}
    if wanted:
        asked = {label.strip().casefold() for label in wanted}
        found = [label for label in labels if label.strip().casefold() in asked]
        unknown = asked - {label.strip().casefold() for label in found}
        if unknown:
            raise LocalModelRefused(
                f"{place}: has no label {listed(sorted(unknown))}; write some of {listed(labels)} as negative_labels"
            )
    else:
        found = [label for label in labels if _NEGATIVE.fullmatch(plain[label])]
        if not found and all(map(_STARS.fullmatch, plain.values())):
            found = [label for label in labels if plain[label][0] in "12"]
        if not found and sorted(plain.values()) == sorted(_NAMELESS):
            found = [label for label in labels if plain[label] == _NAMELESS[0]]
    if not found or len(found) == len(labels):
        raise LocalModelRefused(
            f"{place}: of its labels {listed(labels)} {'none' if not found else 'all'} would count as negative; "
            "write those that do as negative_labels"
        )
    return tuple(found)
