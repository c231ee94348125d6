"""A graph and its tokenizer, loaded from a folder and tried: from texts to what the graph says of them.

The only file that knows onnxruntime and tokenizers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.text.local_models import figures
from monitor.text.local_models.folder import (
    AGAIN,
    LET_READ,
    LocalModelRefused,
    check,
    listed,
    place_of,
    refusing,
    settings_in,
    whole_number,
)

if TYPE_CHECKING:
    from monitor.text.local_models.figures import Figures, Whole

    # What a kind of model says to rows of tokens: one row of figures for each.
    Answers = Callable[[Sequence[Sequence[int]]], Figures]

EXPORT = "export it again: optimum-cli export onnx --model MODEL FOLDER"
_TOGETHER = "take model.onnx, tokenizer.json and config.json from the same model"
_LONGEST = 512  # tokens of one text: what most models were made for, and what bounds the time
_MOST_CHARACTERS = 4000  # of one text, before it is cut into tokens: more than 512 tokens of any script
_BATCH, _BATCH_TOKENS = 16, 2048  # texts in one run and their tokens: bounds the memory
_LARGEST_TOKENIZER = 100_000_000  # bytes
_SENTENCE = "My order never arrived and nobody answers."
_FED = ("input_ids", "attention_mask", "token_type_ids")


class Graph:
    """A model and its tokenizer, loaded from a folder; whatever is wrong with either is said by name."""

    def __init__(self, folder: Path) -> None:
        _need_extra(folder)
        if not folder.is_dir():
            raise LocalModelRefused(f"{folder}: no such folder; write the folder that holds model.onnx")
        self.folder = folder
        nested = folder / "onnx" / "model.onnx"
        self._file = nested if nested.is_file() and not (folder / "model.onnx").exists() else folder / "model.onnx"
        for path, write in ((self._file, EXPORT), (folder / "tokenizer.json", "copy it from the model's own folder")):
            check(folder, path, write)
        self.config = settings_in(folder, "config.json")
        self.name = f"{folder.resolve().name}@{self._digest()}"
        self._tokenizer = self._load_tokenizer()
        self._session = self._load_session()
        self.outputs: dict[str, Sequence[Any]] = {each.name: each.shape for each in self._session.get_outputs()}
        self._inputs = {each.name: self._width(each.name, each.type) for each in self._session.get_inputs()}
        if "input_ids" not in self._inputs:
            raise self.refusal(f"takes {listed(self._inputs)}, not input_ids: no model of text", EXPORT)
        self.masked = "attention_mask" in self._inputs
        padding = self._tokenizer.padding or {}
        self._filler = whole_number(self.config, "pad_token_id") or int(padding.get("pad_id", 0))
        self.longest = self._longest()
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self.longest)
        self._tokenizer.encode_special_tokens = True  # "[SEP]" in a post is what somebody typed

    def refusal(self, found: str, write: str) -> LocalModelRefused:
        """What is wrong with the model's file."""
        return LocalModelRefused(f"{place_of(self.folder, self._file)}: {found}; {write}")

    def _digest(self) -> str:
        """Twelve digits that no other model has: of the graph, its weights beside it, the tokenizer, the settings."""
        files = [*self._file.parent.glob("model.onnx*"), *self.folder.glob("*.json"), *self.folder.glob("1_*/*.json")]
        whole = hashlib.sha256()
        for path in sorted(files):
            place = place_of(self.folder, path)
            with refusing(place, "cannot be read", LET_READ), path.open("rb") as opened:
                whole.update(place.partition("/")[2].encode() + hashlib.file_digest(opened, "sha256").digest())
        return whole.hexdigest()[:12]

    def _load_tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        path = self.folder / "tokenizer.json"
        with refusing(place_of(self.folder, path), "is no tokenizer that can be read", AGAIN, words=True):
            if path.stat().st_size > _LARGEST_TOKENIZER:
                raise ValueError(f"larger than {_LARGEST_TOKENIZER // 1_000_000} MB")
            return Tokenizer.from_file(str(path))

    def _load_session(self) -> Any:
        import onnxruntime

        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # texts are of any length; kept for each, the memory would only grow
        options.use_deterministic_compute = True
        options.log_severity_level = 4  # what goes wrong is raised, and told by us
        found = "is no model that can be loaded: truncated, or of a version that onnxruntime does not know"
        with refusing(place_of(self.folder, self._file), found, f"{AGAIN}, or {EXPORT}", words=True):
            return onnxruntime.InferenceSession(str(self._file), options, providers=["CPUExecutionProvider"])

    def _width(self, name: str, kind: str) -> str:
        if name not in _FED:
            raise self.refusal(f"asks for the input {name}; only {', '.join(_FED)} can be given", EXPORT)
        if kind not in ("tensor(int64)", "tensor(int32)"):
            raise self.refusal(f"takes {name} as {kind}, wanted tensor(int64)", EXPORT)
        return kind[len("tensor(") : -1]

    def _longest(self) -> int:
        """How many tokens a text may have: the least that any of the files says, 512 at most."""
        places = whole_number(self.config, "max_position_embeddings")
        kind = str(self.config.get("model_type", ""))
        if places and ("roberta" in kind or kind in ("camembert", "mpnet")):
            places -= 2  # they count from 2
        said = (
            places,
            int((self._tokenizer.truncation or {}).get("max_length", 0)),
            whole_number(settings_in(self.folder, "sentence_bert_config.json"), "max_seq_length"),
            whole_number(settings_in(self.folder, "tokenizer_config.json"), "model_max_length"),
        )
        return min([_LONGEST, *(length for length in said if length and length >= 4)])

    def tokens(self, text: str) -> list[int]:
        """Cut a text of any sort into at most `longest` tokens."""
        bounded = text[:_MOST_CHARACTERS].replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
        with refusing(place_of(self.folder, self.folder / "tokenizer.json"), "cannot cut a text into tokens", AGAIN):
            return list(self._tokenizer.encode(bounded).ids)

    def extreme(self) -> list[int]:
        """The hardest row that a text can make: as long as it may be, of the vocabulary's last token."""
        return [max(self._tokenizer.get_vocab(with_added_tokens=False).values(), default=0)] * self.longest

    def run(self, rows: Sequence[Sequence[int]], output: str) -> tuple[Figures, Whole]:
        """Return `output` for rows of tokens, none of them empty, and where in it their tokens stand."""
        ids, mask = figures.padded(rows, self._filler)
        given = dict(zip(_FED, (ids, mask, 0 * ids), strict=True))
        fed = {name: given[name].astype(width, copy=False) for name, width in self._inputs.items()}
        with refusing(
            place_of(self.folder, self._file), f"breaks down at {len(rows)} x {ids.shape[1]} tokens", _TOGETHER
        ):
            (out,) = self._session.run([output], fed)
            return figures.of_any(out), mask


def tried(graph: Graph, answers: Answers) -> tuple[Figures, bool]:
    """Try what must go well later. Return the figures of one sentence, and whether texts must be asked one at a time.

    That is so where the company changes the answer: a graph without a mask, one made for a single row, or one whose
    scale is taken over the whole batch (dynamic quantisation). The same post must always be judged alike.
    """
    sentence = graph.tokens(_SENTENCE)
    if not sentence:
        raise LocalModelRefused(f"{place_of(graph.folder, graph.folder / 'tokenizer.json')}: finds no words; {AGAIN}")
    alone = answers([sentence])
    if not figures.finite(alone):
        raise graph.refusal("gives figures that are not finite", EXPORT)
    extreme = graph.extreme()
    try:
        answers([extreme])
    except LocalModelRefused as refusal:
        raise LocalModelRefused(
            f"{refusal}. This was the longest row that config.json's max_position_embeddings allows, of the last word "
            "that tokenizer.json knows"
        ) from None
    try:
        company = answers([sentence, extreme])[:1]
    except LocalModelRefused:
        return alone, True
    return alone, not graph.masked or not figures.alike(company, alone)


def in_batches(graph: Graph, answers: Answers, texts: Sequence[str], *, alone: bool) -> list[Figures | None]:
    """The row of each text in the order given, None for those without a token. Texts of a length go together."""
    tokens = [graph.tokens(text) for text in texts]
    order = sorted((at for at, row in enumerate(tokens) if row), key=lambda at: len(tokens[at]))
    found: list[Figures | None] = [None] * len(tokens)
    while order:
        longest = len(tokens[order[-1]])  # all others are padded to it
        most = 1 if alone else min(_BATCH, max(1, _BATCH_TOKENS // longest))
        order, places = order[:-most], order[-most:]
        for at, row in zip(places, answers([tokens[at] for at in places]), strict=True):
            found[at] = row
    return found


def _need_extra(folder: Path) -> None:
    try:
        for library in ("numpy", "onnxruntime", "tokenizers"):
            import_module(library)  # what is missing is said now, not at the first text
    except ImportError as error:
        missing = error.name or "a library"
        raise LocalModelRefused(
            f"{folder}: {missing} is not installed, without which no local model runs; "
            "run: .venv/bin/pip install -e '.[onnx]'"
        ) from None
