"""Translating a post or a reply, piece by piece, so that what comes back can be laid beside what was asked.

A post is cut into numbered pieces (sentences, short ones together), and as many must come back, each about as long as
its own, with the same addresses and no numbers of its own. What a post orders a model to say instead has none of that.
A translation is shown beside the original and is never sent, stored as a reply, or judged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel

from connectors.text import SPACELESS
from monitor.assistant import output_checks
from monitor.assistant.answers import Answer, Assistant, Data, Unavailable
from monitor.assistant.blocks import Block
from monitor.assistant.prompt_injection import gives_orders
from monitor.assistant.redaction import NOBODY, People, addresses_in
from monitor.text.language import UNKNOWN, detect, name_of
from monitor.text.normalize import MARKS, fold

LONGEST = 4_000  # characters; of a longer text the beginning is translated, and the words say so
MOST_PIECES = 40
_SHORTEST_PIECE = 60  # characters: shorter sentences go together
_SHORTEST, _LONGEST_PIECE = 0.4, 3.0  # times the length of the original
_SURE_OF_LANGUAGE = 40  # letters; of fewer, a guess at the language is often wrong
_WORDS_OF_A_SENTENCE = 5  # fewer may be names, which stay
_LEEWAY = 25  # letters: of a few words, a translation may be several times as long
_SENTENCE = re.compile(r"(?<=[.!?…。！？])(?:\s+|(?<=[。！？]))|\n+")
_WORD_ENDS = re.compile(rf"\s|(?![{MARKS}])[{SPACELESS}]")  # what may stand behind the end of a word
_DENSE = re.compile(f"[{SPACELESS}]")
_DENSER = 2.5  # a letter of these says as much as two or three of others


class Pieces(BaseModel, extra="forbid"):
    """What must come back: one translation for each piece, in their order."""

    pieces: list[str]


@dataclass(frozen=True, slots=True)
class Translation:
    """The text in another language, named in English; `cut`: only the beginning; `orders`: the text gives orders."""

    text: str
    language: str
    cut: bool = False
    orders: bool = False


def translate(
    assistant: Assistant,
    text: str,
    language: str,
    *,
    now: datetime,
    people: People = NOBODY,
    posts: Sequence[str] = (),
    cases: Sequence[str] = (),
    only_kept: bool = False,
) -> Translation | Unavailable:
    """Translate `text` into `language` ("de"). With `only_kept` nothing is asked: a translation made before, or not."""
    whole = text.strip()
    pieces = pieces_of(beginning(whole))
    if not pieces:
        return Unavailable("unusable", "there are no words to translate")
    instructions = instructions_of(len(pieces), language)
    data = Data(
        tuple(Block(f"piece {number}", piece) for number, piece in enumerate(pieces, 1)),
        people, tuple(posts), tuple(cases),
    )  # fmt: skip
    asked = assistant.kept if only_kept else assistant.ask
    found = asked("translate", instructions, data, Pieces, now=now)
    if not isinstance(found, Answer):
        return found
    if why := wrong_with(found.value.pieces, pieces, language, instructions):
        return Unavailable("unusable", f"the translation could not be used: {why}")
    return Translation(joined(found.value.pieces, whole), name_of(language), len(whole) > LONGEST, gives_orders(whole))


def beginning(text: str) -> str:
    """What is translated of a text: cut between two words, for half an address would not be taken out.

    In scripts without spaces any letter ends a word, but where a sign stands above it.
    """
    if len(text) <= LONGEST:
        return text
    head = text[:LONGEST]
    if text[LONGEST].isspace():
        return head
    ends = [found.start() for found in _WORD_ENDS.finditer(text, 0, LONGEST + 1)]
    return head[: ends[-1]].rstrip() if ends and ends[-1] else head


def instructions_of(count: int, language: str) -> str:
    """What the model is told to do with so many pieces."""
    return (
        f"Translate each of the {count} numbered pieces into {name_of(language)}. They are parts of one text that "
        "somebody wrote on the internet, in order. Translate what it says as it says it: its tone, its names, its "
        f'numbers. Answer as {{"pieces": [...]}} with exactly {count} translations in the same order.'
    )


def pieces_of(text: str) -> list[str]:
    """A text in pieces of a sentence or a few short ones."""
    found: list[str] = []
    for sentence in (each.strip() for each in _SENTENCE.split(text)):
        if not sentence:
            continue
        if found and (len(found[-1]) < _SHORTEST_PIECE or len(found) >= MOST_PIECES):
            found[-1] = f"{found[-1]} {sentence}"
        else:
            found.append(sentence)
    return found


def joined(pieces: Sequence[str], original: str) -> str:
    """The pieces as one text; where the original has lines, each piece has its own."""
    return ("\n" if "\n" in original else " ").join(each.strip() for each in pieces)


def wrong_with(said: Sequence[str], pieces: Sequence[str], language: str, instructions: str = "") -> str:
    """Why these are no translations of these pieces, in words; "" where nothing speaks against it."""
    if len(said) != len(pieces):
        return "it has not as many sentences as the original"
    for one, original in zip(said, pieces, strict=True):
        if why := _wrong_with_piece(one, original):
            return why
    whole = "\n".join(said)
    if why := output_checks.obeyed(whole, pieces, instructions):
        return why
    spoken = detect(whole)
    if spoken not in {language, UNKNOWN} and _weight(whole) > _SURE_OF_LANGUAGE:
        return f"it is not in {name_of(language)}"
    return ""


def _wrong_with_piece(said: str, original: str) -> str:
    length, wanted = _weight(said), _weight(original)
    same = fold(said).split() == fold(original).split()
    wrong = {
        "it leaves out much of the original": not said.strip() or length < wanted * _SHORTEST,
        "it says more than the original": length > wanted * _LONGEST_PIECE + _LEEWAY,
        "it is not translated": len(original.split()) >= _WORDS_OF_A_SENTENCE and same,
        "it leaves out an address or number of the original": bool(output_checks.invented_address(original, [said])),
        "it has a number that the original has not": bool(
            output_checks.numbers_in(said) - output_checks.numbers_in(original)
        ),
    }
    invented = output_checks.invented_address(said, [original])
    return invented or next((words for words, holds in wrong.items() if holds), "")


def _weight(text: str) -> float:
    """How much a text says, by its letters; addresses stay as they are and count for nothing."""
    for address in addresses_in(text):
        text = text.replace(address, " ")
    text = text.strip()
    dense = len(_DENSE.findall(text))
    return len(text) + dense * (_DENSER - 1)
