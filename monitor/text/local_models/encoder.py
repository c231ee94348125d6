"""Sentences as figures: a model to which texts that mean alike point alike."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.text.local_models import figures
from monitor.text.local_models.folder import LocalModelRefused, listed, place_of, settings_in
from monitor.text.local_models.graph import EXPORT, Graph, in_batches, tried

if TYPE_CHECKING:
    from monitor.text.local_models.figures import Figures

_HIDDEN = ("token_embeddings", "last_hidden_state")


class Encoder:
    """Sentences as figures (embeddings): texts that mean alike point alike. Pure once loaded.

    `name` says which model it is: the folder's name and a digest of its files, so that figures of different models are
    never mixed. `size` is how many figures a text gets.
    """

    def __init__(self, folder: Path) -> None:
        """Load and try the model; LocalModelRefused where it cannot be used."""
        self._graph = Graph(folder)
        self._first_token = _pools_first_token(self._graph)
        self._ready = "sentence_embedding" in self._graph.outputs
        self._output = "sentence_embedding" if self._ready else self._hidden_output()
        self.name = self._graph.name
        self._alone = False
        (one,), self._alone = tried(self._graph, self._figures)
        self.size = len(one)
        if not any(one):
            raise self._graph.refusal("gives no finite figures for a sentence", EXPORT)

    def embed(self, texts: Sequence[str]) -> list[array[float]]:
        """Return one row of `size` 32-bit figures for each text, of length 1: their dot product is the likeness.

        `row.tobytes()` is what to store. A text in which the model finds nothing (empty, say) gets zeros.
        Raises LocalModelRefused where the model breaks down while running.
        """
        rows = in_batches(self._graph, self._figures, texts, alone=self._alone)
        return [array("f", row.tobytes() if row is not None else bytes(4 * self.size)) for row in rows]

    def _hidden_output(self) -> str:
        outputs = self._graph.outputs
        for name in _HIDDEN:
            if name in outputs:
                return name
        deep = [name for name, shape in outputs.items() if len(shape) == 3]
        if len(deep) == 1:
            return deep[0]
        raise self._graph.refusal(
            f"has the outputs {listed(outputs)}, none of which are sentences as figures "
            f"(sentence_embedding, {', '.join(_HIDDEN)})",
            "an encoder is exported with: optimum-cli export onnx --task feature-extraction --model MODEL FOLDER",
        )

    def _figures(self, rows: Sequence[Sequence[int]]) -> Figures:
        out, mask = self._graph.run(rows, self._output)
        wanted = (len(rows),) if self._ready else mask.shape
        if out.ndim != len(wanted) + 1 or out.shape[:-1] != wanted or not out.shape[-1]:
            raise self._graph.refusal(
                f"gives {self._output} in the shape {out.shape}, wanted {(*wanted, 'size')}", EXPORT
            )
        if not self._ready:
            out = out[:, 0] if self._first_token else (out * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1)[:, None]
        return figures.of_length_one(out)


def _pools_first_token(graph: Graph) -> bool:
    """Whether a sentence is its first token; without a word on it, it is the mean of all."""
    said = settings_in(graph.folder, "1_Pooling/config.json")
    modes = [key for key, value in said.items() if key.startswith("pooling_mode_") and value is True]
    if modes in ([], ["pooling_mode_mean_tokens"]):
        return False
    if modes == ["pooling_mode_cls_token"]:
        return True
    place = place_of(graph.folder, graph.folder / "1_Pooling/config.json")
    raise LocalModelRefused(
        f"{place}: asks for {' and '.join(sorted(modes))}; only the mean of the tokens and the first token are known: "
        "take a model of one of these"
    )
