"""Which of four kinds a public reply of ours is, and why. Pure: text and a few facts in, a kind and its reason out.

*automatic*: a machine said it, and nothing follows from it. *holding*: "we are looking into it", "ok": somebody has
seen it, and the person still waits. *sent on*: "write to us": what goes on in private cannot be seen here. *answer*:
everything that says more. A reply counts as an answer only where it has something to say beyond courtesy, so a guess
that is wrong keeps the clock running rather than stopping it; it shows itself, and is turned by one press.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from monitor.text import reply_phrases
from monitor.text.normalize import fold

Kind = Literal["automatic", "holding", "sent_on", "answer"]
KINDS: tuple[Kind, ...] = ("automatic", "holding", "sent_on", "answer")

PROMPT = timedelta(seconds=20)  # no person reads a post and writes back in less
MACHINE_AT = 5  # so many posts of different content, answered so promptly in the same words within ...
MACHINE_WITHIN = timedelta(hours=1)
BESIDE_A_PROMISE = 6  # words of substance that a sentence needs to answer where another sends on or puts off

_NOT_LETTERS = re.compile(r"[^\w@' ]+")
_BLANKS = re.compile(r"\s+")
_CALLED = re.compile(r"^(?:[A-ZÀ-Þ][\w'’-]*(?:\s[A-ZÀ-Þ][\w'’-]*){0,2}|@[\w.@-]+)\s*[,!:–-]\s*")
_NAME = re.compile(r"\s*(?:[\w@.'’-]+\s*){0,3}[,!:–]")
_CALLED_LAST = re.compile(r",\s*(?:[A-ZÀ-Þ][\w'’-]*|@[\w.@-]+)\s*$")
_GREETED = re.compile(
    r"^(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|hallo|guten (?:tag|morgen|abend)|liebe[rs]?|moin|sehr "
    r"geehrte[rsn]?|bonjour|bonsoir|salut|chere?|hola|buenas|buen(?:os|as) (?:dias|tardes|noches)|estimad[oa]|ciao|"
    r"salve|buongiorno|buonasera|gentile|ola|oi|bom dia|boa (?:tarde|noite)|prezad[oa]|hoi|"
    r"goede(?:morgen|middag|navond)|beste|geachte)(?:\s+(?:there|all|team|zusammen|a todos))?(?=\W|$)"
)


@dataclass(frozen=True, slots=True)
class PromptReply:
    """One reply of ours that came at once: its words as `same_words` gives them, when, and what story it answered."""

    words: str
    at: datetime
    story: str


@dataclass(frozen=True, slots=True)
class Decided:
    """The kind of a reply, and the reason as it is logged and shown."""

    kind: Kind
    reason: str


def kind_of(
    text: str,
    receipts: Collection[str],
    *,
    own_words: PromptReply | None = None,
    prompt: Iterable[PromptReply] = (),
    to_praise: bool = False,
) -> Decided:
    """Decide what a public reply of ours is.

    `receipts` are the replies of a machine as settings list them ([alerts] automatic_replies). `own_words` is given
    where this reply came within `PROMPT` of the post that it answers, `prompt` are the others of ours that did.
    `to_praise`: it answers praise, which needs no more than thanks.
    """
    if _is_receipt(text, receipts):
        return Decided("automatic", "matches an automatic reply in the settings")
    if own_words is not None and _from_a_machine(own_words, prompt):
        return Decided("automatic", f"the same words within {PROMPT.seconds} s on {MACHINE_AT} different posts")
    return _by_words(text, to_praise)


def _by_words(text: str, to_praise: bool) -> Decided:
    """What a person's reply is, by what its sentences say."""
    found = [reply_phrases.read(each) for each in reply_phrases.sentences(text)]
    sent = next((each for each in found if each.says == "sent_on"), None)
    held = next((each for each in found if each.says in {"holding", "receipt"}), None)
    # Beside "write to us" or "we are looking into it", a sentence that only is long is more courtesy, as a rule.
    least = 0 if sent is None and held is None else BESIDE_A_PROMISE
    said = [each for each in found if each.says == "answer" and (each.words or each.weight >= least)]
    if said:
        words = next((each.words for each in said if each.words), "")
        return Decided("answer", f'says more: "{words}"' if words else "says more than a courtesy")
    if sent is not None:
        return Decided("sent_on", f'asks them to continue elsewhere: "{sent.words}"')
    if to_praise and found:
        return Decided("answer", "thanks them for praise, which is enough")
    if held is not None:
        return Decided("holding", f'says it is being looked into: "{held.words}"')
    return Decided("holding", "says nothing beyond courtesy")


def same_words(text: str) -> str:
    """The words of a reply without the names in it, so that "Hi Ana, thanks!" and "Hi Bo, thanks!" are the same."""
    return " ".join(" ".join(_parts(text)).split())


def _parts(text: str) -> list[str]:
    """The sentences of a reply as they are compared: no name, no greeting, no signs."""
    parts = []
    for sentence in reply_phrases.sentences(text):
        bare = _CALLED_LAST.sub("", _ungreeted(sentence.rstrip(" .!?;…")))
        folded = _BLANKS.sub(" ", _NOT_LETTERS.sub(" ", fold(bare))).strip()
        if folded:
            parts.append(folded)
    return parts


def _ungreeted(sentence: str) -> str:
    """A sentence without "Hi Ana," and "Ana," in front, however many of them."""
    for _ in range(3):
        rest = _CALLED.sub("", sentence).strip()
        folded = fold(rest)
        greeted = _GREETED.match(folded)
        if greeted is not None:
            # Folding may change the length of a text; then the name's capital is lost, and only a sign ends it.
            rest = _after_name(rest[greeted.end() :] if len(folded) == len(rest) else folded[greeted.end() :]).strip()
        if rest == sentence:
            break
        sentence = rest
    return sentence


def _after_name(rest: str) -> str:
    """What follows the name after a greeting: "Ana, we have ..." or, without a comma, "Ana we have ..."."""
    named = _NAME.match(rest)
    if named is not None:
        return rest[named.end() :]
    words = rest.split()
    return " ".join(words[1:] if words and words[0][:1].isupper() else words)


def _is_receipt(text: str, receipts: Collection[str]) -> bool:
    """Whether the whole reply is made of what settings list, name and greeting aside."""
    listed = {part for each in receipts for part in (" ".join(_parts(each)),) if part}
    single = {part for each in receipts for part in _parts(each)}
    parts = _parts(text)
    if not parts:
        return False
    return " ".join(parts) in listed or all(part in single or _listed_pair(part, single) for part in parts)


def _listed_pair(part: str, single: Collection[str]) -> bool:
    """Two listed replies in one sentence: "thank you for contacting us we have received your message"."""
    return any(part.startswith(f"{each} ") and part.removeprefix(f"{each} ") in single for each in single)


def _from_a_machine(own: PromptReply, prompt: Iterable[PromptReply]) -> bool:
    """The same words, at once, below so many posts of different content in an hour. Under one story they are a team."""
    same = {(each.at, each.story) for each in prompt if each.words == own.words}
    near = sorted(each for each in same | {(own.at, own.story)} if abs(each[0] - own.at) <= MACHINE_WITHIN)
    for start, _ in near:
        within = [(at, story) for at, story in near if start <= at <= start + MACHINE_WITHIN]
        if (own.at, own.story) in within and len({story for _, story in within}) >= MACHINE_AT:
            return True
    return False
