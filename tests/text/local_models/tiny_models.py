"""Tiny real models for tests, built with the onnx package into a folder such as an export writes.

Their tables are random but fixed, so what each text must give is worked out by hand with numpy beside it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

WORDS = ["[PAD]", "[UNK]", "[SEP]", "my", "order", "never", "arrived", "and", "nobody", "answers", "great", "late"]
SIZE = 6
TABLE = numpy.random.default_rng(4).normal(size=(len(WORDS), SIZE)).astype(numpy.float32)
LABELS = ("negative", "neutral", "positive")
WEIGHTS = numpy.random.default_rng(5).normal(size=(SIZE, len(LABELS))).astype(numpy.float32)
MODEL = {"model_type": "bert", "pad_token_id": 0, "id2label": dict(enumerate(LABELS))}
MASKED = ("input_ids", "attention_mask")
# What Git LFS leaves in the place of a file that was not fetched.
POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:0000000000000000000000000000000000000000000000000000000000000000\nsize 22928619\n"
)


def words_of(text: str) -> list[int]:
    """Cut a text as the tiny tokenizer does, for texts of plain words."""
    return [WORDS.index(word) if word in WORDS else 1 for word in text.split()]


def write_tokenizer(folder: Path, words: Sequence[str] = WORDS, added: Sequence[str] = (), longest: int = 64) -> None:
    tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens([AddedToken(word, special=True) for word in ("[PAD]", "[UNK]", "[SEP]")])
    tokenizer.add_tokens(list(added))
    # As many of those in use are: padded to a fixed length, and cut short.
    tokenizer.enable_padding(length=32, pad_id=0, pad_token="[PAD]")
    tokenizer.enable_truncation(longest)
    tokenizer.save(str(folder / "tokenizer.json"))


def write_model(
    folder: Path,
    nodes: Sequence[onnx.NodeProto],
    output: tuple[str, Sequence[Any]],
    *,
    inputs: Sequence[str] = MASKED,
    kind: int = TensorProto.INT64,
    tables: dict[str, Any] | None = None,
) -> None:
    """Write a graph of these nodes; "table" holds the words' figures, "one" is the axis that the words stand on."""
    weights = {"table": TABLE, "weights": WEIGHTS, "one": numpy.array([1]), "two": numpy.array([2]), **(tables or {})}
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        list(nodes),
        "tiny",
        [helper.make_tensor_value_info(name, kind, ["batch", "sequence"]) for name in inputs],
        [helper.make_tensor_value_info(output[0], TensorProto.FLOAT, output[1])],
        [numpy_helper.from_array(numpy.asarray(value), name) for name, value in weights.items() if name in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(folder / "model.onnx"))


HIDDEN = ("last_hidden_state", ["batch", "sequence", SIZE])
LOOK_UP = [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])]
SUMMED = [
    helper.make_node("Gather", ["table", "input_ids"], ["words"]),
    helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
    helper.make_node("Unsqueeze", ["mask", "two"], ["deep"]),
    helper.make_node("Mul", ["words", "deep"], ["seen"]),
    helper.make_node("ReduceSum", ["seen", "one"], ["sum"], keepdims=0),
]
LOGITS = [*SUMMED, helper.make_node("MatMul", ["sum", "weights"], ["logits"])]


def make_folder(tmp_path: Path, config: dict[str, Any] | None = None, name: str = "tiny") -> Path:
    folder = tmp_path / name
    folder.mkdir()
    write_tokenizer(folder)
    (folder / "config.json").write_text(json.dumps(MODEL if config is None else config), encoding="utf-8")
    return folder


def encoder_folder(tmp_path: Path, **how: Any) -> Path:
    folder = make_folder(tmp_path)
    write_model(folder, how.pop("nodes", LOOK_UP), how.pop("output", HIDDEN), **how)
    return folder


def classifier_folder(tmp_path: Path, config: dict[str, Any] | None = None, **how: Any) -> Path:
    folder = make_folder(tmp_path, config)
    write_model(folder, LOGITS, ("logits", ["batch", how.pop("labels", len(LABELS))]), **how)
    return folder


def length_one(figures: Any) -> Any:
    return figures / numpy.linalg.norm(figures)


def mean_of(text: str) -> Any:
    return length_one(TABLE[words_of(text)].mean(axis=0))


def odds_of(text: str, negative: Sequence[int] = (0,)) -> float:
    """Log odds by the way that a text book takes: the softmax first."""
    logits = TABLE[words_of(text)].sum(axis=0).astype(float) @ WEIGHTS.astype(float)
    share = numpy.exp(logits) / numpy.exp(logits).sum()
    chance = sum(share[at] for at in negative)
    return math.log(chance / (1 - chance))
