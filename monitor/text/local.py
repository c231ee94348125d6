"""Models of the operator's own, read from a local folder: sentences as figures, and another judge. The [onnx] extra.

A folder holds what an export to ONNX writes (`optimum-cli export onnx`, or sentence-transformers' own): `model.onnx`
(or `onnx/model.onnx`), `tokenizer.json`, and `config.json`, which a classifier needs for the names of its labels. Of
sentence-transformers' files `1_Pooling/config.json` and `sentence_bert_config.json` are heeded where they stand there.

Nothing is ever downloaded, and nothing but what the graph declares is fed. A folder that cannot be used is refused
whole, while it is loaded: one sentence and the longest row that the model may ever see are tried first. What was loaded
may serve many threads. It runs on one thread at a time for each caller: on few cores more were slower.

This is the only file that knows onnxruntime, tokenizers and numpy, and it imports them only once a folder is named.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Figures = NDArray[numpy.float32]

_LONGEST = 512  # tokens of one text: what most models were made for, and what bounds the time
_MOST_CHARACTERS = 4000  # of one text, before it is cut into tokens: more than 512 tokens of any script
_BATCH, _BATCH_TOKENS = 16, 2048  # texts in one run and their tokens: bounds the memory
_NEAR = 1e-4  # figures nearer than this are the same; in another company sums round otherwise
_STEEPEST = 20.0  # log odds: as sure as it gets
_LARGEST_CONFIG, _LARGEST_TOKENIZER = 1_000_000, 100_000_000  # bytes
_POINTER = b"version https://git-lfs"
_SENTENCE = "My order never arrived and nobody answers."
_FED = ("input_ids", "attention_mask", "token_type_ids")
_HIDDEN = ("token_embeddings", "last_hidden_state")
_EXPORT = "export it again: optimum-cli export onnx --model MODEL FOLDER"
_AGAIN = "copy it again from where it came"
_TOGETHER = "take model.onnx, tokenizer.json and config.json from the same model"
_LET_READ = "let the user of the daemon read it"
# Labels that mean "negative" wherever they stand, once case and signs are taken away.
_NEGATIVE = re.compile(r"(very |strongly |extremely )?neg(ative)?|complaint")
_STARS = re.compile(r"([1-5]) stars?")
_NAMELESS = ("label 0", "label 1", "label 2")  # three of them are negative, neutral, positive by custom


class LocalModelRefused(Exception):
    """A folder cannot be used. The message names folder and file, what is wrong and what to do; never a text's words.

    Whoever loads a model goes on without it.
    """


class Encoder:
    """Sentences as figures (embeddings): texts that mean alike point alike. Pure once loaded.

    `name` says which model it is: the folder's name and a digest of its files, so that figures of different models are
    never mixed. `size` is how many figures a text gets.
    """

    def __init__(self, folder: Path) -> None:
        """Load and try the model; LocalModelRefused where it cannot be used."""
        self._graph = _Graph(folder)
        self._first_token = _pools_first_token(self._graph)
        self._ready = "sentence_embedding" in self._graph.outputs
        self._output = "sentence_embedding" if self._ready else self._hidden_output()
        self.name = self._graph.name
        self._alone = False
        (figures,), self._alone = _tried(self._graph, self._figures)
        self.size = len(figures)
        if not any(figures):
            raise self._graph.refusal("gives no finite figures for a sentence", _EXPORT)

    def embed(self, texts: Sequence[str]) -> list[array[float]]:
        """Return one row of `size` 32-bit figures for each text, of length 1: their dot product is the likeness.

        `row.tobytes()` is what to store. A text in which the model finds nothing (empty, say) gets zeros.
        Raises LocalModelRefused where the model breaks down while running.
        """
        rows = _in_batches(self._graph, self._figures, texts, alone=self._alone)
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
            f"has the outputs {_listed(outputs)}, none of which are sentences as figures "
            f"(sentence_embedding, {', '.join(_HIDDEN)})",
            "an encoder is exported with: optimum-cli export onnx --task feature-extraction --model MODEL FOLDER",
        )

    def _figures(self, rows: Sequence[Sequence[int]]) -> Figures:
        import numpy

        out, mask = self._graph.run(rows, self._output)
        wanted = (len(rows),) if self._ready else mask.shape
        if out.ndim != len(wanted) + 1 or out.shape[:-1] != wanted or not out.shape[-1]:
            raise self._graph.refusal(
                f"gives {self._output} in the shape {out.shape}, wanted {(*wanted, 'size')}", _EXPORT
            )
        if not self._ready:
            out = out[:, 0] if self._first_token else (out * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1)[:, None]
        with numpy.errstate(all="ignore"):  # what is not finite becomes zeros
            length = numpy.linalg.norm(out.astype(numpy.float64), axis=1, keepdims=True)
            sound = numpy.isfinite(length) & (length > 0)
            figures: Figures = numpy.where(sound, out / length, 0.0).astype(numpy.float32)
        return figures


class Classifier:
    """Any transformer classifier that knows a negative text from others. Pure once loaded.

    `labels` are the model's own in its order, `negative` those of them that count as negative.
    """

    def __init__(self, folder: Path, negative: Sequence[str] = ()) -> None:
        """Load and try the model; LocalModelRefused where it cannot be used.

        `negative` names the labels that count as negative, None of them needed where the model's names say it.
        """
        self._graph = _Graph(folder)
        self.name = self._graph.name
        self.labels = _labels(self._graph)
        self.negative = _negative(self._graph, self.labels, negative)
        self._negative_at = [at for at, label in enumerate(self.labels) if label in self.negative]
        self._other_at = [at for at in range(len(self.labels)) if at not in self._negative_at]
        outputs = self._graph.outputs
        if "logits" not in outputs and len(outputs) != 1:
            raise self._graph.refusal(f"has the outputs {_listed(outputs)}, none of which is logits", _classifying())
        self._output = "logits" if "logits" in outputs else next(iter(outputs))
        _, self._alone = _tried(self._graph, self._odds)

    def odds(self, texts: Sequence[str]) -> list[float]:
        """Return the log odds that each text is negative, from -20 to 20; 0 where the model has nothing to say.

        Raises LocalModelRefused where the model breaks down while running.
        """
        rows = _in_batches(self._graph, self._odds, texts, alone=self._alone)
        return [0.0 if row is None or not math.isfinite(row[0]) else float(row[0]) for row in rows]

    def _odds(self, rows: Sequence[Sequence[int]]) -> Figures:
        import numpy

        out, _ = self._graph.run(rows, self._output)
        if out.shape != (len(rows), len(self.labels)):
            raise self._graph.refusal(
                f"gives {self._output} in the shape {out.shape}, wanted {(len(rows), len(self.labels))}: "
                "a figure for each label of config.json",
                _classifying(),
            )
        # log(p / (1 - p)) of the softmax, without the sum of all, which falls away: exact where p rounds to 1.
        exact = out.astype(numpy.float64)
        with numpy.errstate(all="ignore"):  # what is not finite is seen by the callers
            odds = numpy.logaddexp.reduce(exact[:, self._negative_at], axis=1)
            odds -= numpy.logaddexp.reduce(exact[:, self._other_at], axis=1)
        figures: Figures = numpy.clip(odds, -_STEEPEST, _STEEPEST)[:, None].astype(numpy.float32)
        return figures


class _Answers(Protocol):
    """What a model says to rows of tokens: one row of figures for each."""

    def __call__(self, rows: Sequence[Sequence[int]]) -> Figures: ...


class _Graph:
    """A model and its tokenizer, loaded from a folder; whatever is wrong with either is said by name."""

    def __init__(self, folder: Path) -> None:
        _need_extra(folder)
        if not folder.is_dir():
            raise LocalModelRefused(f"{folder}: no such folder; write the folder that holds model.onnx")
        self.folder = folder
        nested = folder / "onnx" / "model.onnx"
        self._file = nested if nested.is_file() and not (folder / "model.onnx").exists() else folder / "model.onnx"
        for path, write in ((self._file, _EXPORT), (folder / "tokenizer.json", "copy it from the model's own folder")):
            _check(folder, path, write)
        self.config = _json(folder, "config.json")
        self.name = f"{folder.resolve().name}@{self._digest()}"
        self._tokenizer = self._load_tokenizer()
        self._session = self._load_session()
        self.outputs: dict[str, Sequence[Any]] = {each.name: each.shape for each in self._session.get_outputs()}
        self._inputs = {each.name: self._width(each.name, each.type) for each in self._session.get_inputs()}
        if "input_ids" not in self._inputs:
            raise self.refusal(f"takes {_listed(self._inputs)}, not input_ids: no model of text", _EXPORT)
        self.masked = "attention_mask" in self._inputs
        padding = self._tokenizer.padding or {}
        self._filler = _whole(self.config, "pad_token_id") or int(padding.get("pad_id", 0))
        self.longest = self._longest()
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self.longest)
        self._tokenizer.encode_special_tokens = True  # "[SEP]" in a post is what somebody typed

    def refusal(self, found: str, write: str) -> LocalModelRefused:
        """What is wrong with the model's file."""
        return LocalModelRefused(f"{_place(self.folder, self._file)}: {found}; {write}")

    def _digest(self) -> str:
        """Twelve digits that no other model has: of the graph, its weights beside it, the tokenizer, the settings."""
        files = [*self._file.parent.glob("model.onnx*"), *self.folder.glob("*.json"), *self.folder.glob("1_*/*.json")]
        whole = hashlib.sha256()
        for path in sorted(files):
            place = _place(self.folder, path)
            with _told(place, "cannot be read", _LET_READ), path.open("rb") as opened:
                whole.update(place.partition("/")[2].encode() + hashlib.file_digest(opened, "sha256").digest())
        return whole.hexdigest()[:12]

    def _load_tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        path = self.folder / "tokenizer.json"
        with _told(_place(self.folder, path), "is no tokenizer that can be read", _AGAIN, words=True):
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
        with _told(_place(self.folder, self._file), found, f"{_AGAIN}, or {_EXPORT}", words=True):
            return onnxruntime.InferenceSession(str(self._file), options, providers=["CPUExecutionProvider"])

    def _width(self, name: str, kind: str) -> str:
        if name not in _FED:
            raise self.refusal(f"asks for the input {name}; only {', '.join(_FED)} can be given", _EXPORT)
        if kind not in ("tensor(int64)", "tensor(int32)"):
            raise self.refusal(f"takes {name} as {kind}, wanted tensor(int64)", _EXPORT)
        return kind[len("tensor(") : -1]

    def _longest(self) -> int:
        """How many tokens a text may have: the least that any of the files says, 512 at most."""
        places = _whole(self.config, "max_position_embeddings")
        kind = str(self.config.get("model_type", ""))
        if places and ("roberta" in kind or kind in ("camembert", "mpnet")):
            places -= 2  # they count from 2
        said = (
            places,
            int((self._tokenizer.truncation or {}).get("max_length", 0)),
            _whole(_json(self.folder, "sentence_bert_config.json"), "max_seq_length"),
            _whole(_json(self.folder, "tokenizer_config.json"), "model_max_length"),
        )
        return min([_LONGEST, *(length for length in said if length and length >= 4)])

    def tokens(self, text: str) -> list[int]:
        """Cut a text of any sort into at most `longest` tokens."""
        bounded = text[:_MOST_CHARACTERS].replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
        with _told(_place(self.folder, self.folder / "tokenizer.json"), "cannot cut a text into tokens", _AGAIN):
            return list(self._tokenizer.encode(bounded).ids)

    def extreme(self) -> list[int]:
        """The hardest row that a text can make: as long as it may be, of the vocabulary's last token."""
        return [max(self._tokenizer.get_vocab(with_added_tokens=False).values(), default=0)] * self.longest

    def run(self, rows: Sequence[Sequence[int]], output: str) -> tuple[Figures, NDArray[numpy.int64]]:
        """Return `output` for rows of tokens, none of them empty, and where in it their tokens stand."""
        import numpy

        longest = max(map(len, rows))
        ids = numpy.full((len(rows), longest), self._filler, dtype=numpy.int64)
        mask = numpy.zeros_like(ids)
        for at, row in enumerate(rows):
            ids[at, : len(row)] = row
            mask[at, : len(row)] = 1
        given = dict(zip(_FED, (ids, mask, numpy.zeros_like(ids)), strict=True))
        fed = {name: given[name].astype(width, copy=False) for name, width in self._inputs.items()}
        with _told(_place(self.folder, self._file), f"breaks down at {len(rows)} x {longest} tokens", _TOGETHER):
            (out,) = self._session.run([output], fed)
            figures: Figures = numpy.asarray(out, dtype=numpy.float32)
        return figures, mask


def _tried(graph: _Graph, answers: _Answers) -> tuple[Figures, bool]:
    """Try what must go well later. Return the figures of one sentence, and whether texts must be asked one at a time.

    That is so where the company changes the answer: a graph without a mask, one made for a single row, or one whose
    scale is taken over the whole batch (dynamic quantisation). The same post must always be judged alike.
    """
    import numpy

    sentence = graph.tokens(_SENTENCE)
    if not sentence:
        raise LocalModelRefused(f"{_place(graph.folder, graph.folder / 'tokenizer.json')}: finds no words; {_AGAIN}")
    figures = answers([sentence])
    if not numpy.isfinite(figures).all():
        raise graph.refusal("gives figures that are not finite", _EXPORT)
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
        return figures, True
    return figures, not graph.masked or not numpy.allclose(company, figures, rtol=0, atol=_NEAR)


def _in_batches(graph: _Graph, answers: _Answers, texts: Sequence[str], *, alone: bool) -> list[Figures | None]:
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


def _pools_first_token(graph: _Graph) -> bool:
    """Whether a sentence is its first token; without a word on it, it is the mean of all."""
    said = _json(graph.folder, "1_Pooling/config.json")
    modes = [key for key, value in said.items() if key.startswith("pooling_mode_") and value is True]
    if modes in ([], ["pooling_mode_mean_tokens"]):
        return False
    if modes == ["pooling_mode_cls_token"]:
        return True
    place = _place(graph.folder, graph.folder / "1_Pooling/config.json")
    raise LocalModelRefused(
        f"{place}: asks for {' and '.join(sorted(modes))}; only the mean of the tokens and the first token are known: "
        "take a model of one of these"
    )


def _labels(graph: _Graph) -> tuple[str, ...]:
    """The names of the labels in the order of the logits."""
    place = _place(graph.folder, graph.folder / "config.json")
    named = graph.config.get("id2label")
    if not isinstance(named, dict) or len(named) < 2:
        raise LocalModelRefused(
            f"{place}: no id2label with two labels or more; a classifier's own config.json has it: copy it from there"
        )
    if graph.config.get("problem_type") == "multi_label_classification":
        raise LocalModelRefused(f"{place}: its labels do not exclude each other; take a model of one label a text")
    labels = [named.get(str(at)) for at in range(len(named))]
    if not all(isinstance(label, str) for label in labels):
        raise LocalModelRefused(f"{place}: id2label does not count from 0 to {len(named) - 1}; {_AGAIN}")
    return tuple(map(str, labels))


def _negative(graph: _Graph, labels: tuple[str, ...], wanted: Sequence[str]) -> tuple[str, ...]:
    """Those labels that count as negative: by the settings' word, or by their own names."""
    place = _place(graph.folder, graph.folder / "config.json")
    plain = {label: re.sub(r"[\W_]+", " ", label.casefold()).strip() for label in labels}
    if wanted:
        asked = {label.strip().casefold() for label in wanted}
        found = [label for label in labels if label.strip().casefold() in asked]
        unknown = asked - {label.strip().casefold() for label in found}
        if unknown:
            raise LocalModelRefused(
                f"{place}: has no label {_listed(sorted(unknown))}; write some of {_listed(labels)} as negative_labels"
            )
    else:
        found = [label for label in labels if _NEGATIVE.fullmatch(plain[label])]
        if not found and all(map(_STARS.fullmatch, plain.values())):
            found = [label for label in labels if plain[label][0] in "12"]
        if not found and sorted(plain.values()) == sorted(_NAMELESS):
            found = [label for label in labels if plain[label] == _NAMELESS[0]]
    if not found or len(found) == len(labels):
        raise LocalModelRefused(
            f"{place}: of its labels {_listed(labels)} {'none' if not found else 'all'} would count as negative; "
            "write those that do as negative_labels"
        )
    return tuple(found)


def _check(folder: Path, path: Path, write: str) -> None:
    """A file that must be there, and be itself: not empty, not the pointer that Git LFS leaves in its place."""
    place = _place(folder, path)
    if not path.is_file():
        raise LocalModelRefused(f"{place}: no such file; {write}")
    with _told(place, "cannot be read", _LET_READ), path.open("rb") as opened:
        begins = opened.read(len(_POINTER))
    if not begins:
        raise LocalModelRefused(f"{place}: empty; {_AGAIN}")
    if begins == _POINTER:
        raise LocalModelRefused(f"{place}: only a pointer of Git LFS, not the file itself; run there: git lfs pull")


def _json(folder: Path, name: str) -> Mapping[str, Any]:
    """What a small file of settings says, nothing where there is none."""
    path = folder / name
    if not path.exists():
        return {}
    _check(folder, path, _AGAIN)
    with _told(_place(folder, path), "is not the JSON that was expected", _AGAIN):
        if path.stat().st_size > _LARGEST_CONFIG:
            raise ValueError("too large")
        said = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(said, dict):
            raise TypeError("no object")
    return said


def _whole(said: Mapping[str, Any], key: str) -> int:
    value = said.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _place(folder: Path, path: Path) -> str:
    return f"{folder.resolve().name}/{path.relative_to(folder)}"


def _listed(names: Iterator[str] | Sequence[str] | Mapping[str, Any]) -> str:
    """Names as a person reads them; they come from a file, so they are bounded."""
    shown = [f'"{name[:40]}"' for name in names]
    return ", ".join(shown[:8]) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "")


def _classifying() -> str:
    return "a classifier is exported with: optimum-cli export onnx --task text-classification --model MODEL FOLDER"


def _need_extra(folder: Path) -> None:
    try:
        import numpy  # noqa: F401 - what is missing is said now, not at the first text
        import onnxruntime  # noqa: F401
        import tokenizers  # noqa: F401
    except ImportError as error:
        missing = error.name or "a library"
        raise LocalModelRefused(
            f"{folder}: {missing} is not installed, without which no local model runs; run: pip install 'earful[onnx]'"
        ) from None


@contextmanager
def _told(place: str, found: str, write: str, *, words: bool = False) -> Iterator[None]:
    """Turn whatever a library raises into a refusal; `words`: with its own words, where no text can be in them."""
    try:
        yield
    except (LocalModelRefused, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001 - tokenizers raises plain Exception, and its panics are not even that
        said = " ".join(str(error).split())[:160] if words else ""
        reason = f"{type(error).__name__}: {said}" if said else type(error).__name__
        raise LocalModelRefused(f"{place}: {found} ({reason}); {write}") from None
