"""Is something asked of us? Questions and requests, with their marks or without, and what only looks like one.

The words by which they are told stand in `words/asking.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

from monitor.text.complaint_signals import BRAND, HEARD, LINK, PERSON, tokens_of
from monitor.text.features import Features

_TABLE: dict[str, Any] = tomllib.loads(
    (Path(__file__).parent / "words" / "asking.toml").read_text(encoding="utf-8"),
)


def _words(name: str) -> frozenset[str]:
    return frozenset(tokens_of(_TABLE[name]))


_BEFORE = _words("before")
_ASKING = _words("asking")
_BEHIND_A_HANDLE = _words("asking_behind_a_handle")
_BEFORE_A_HANDLE, _AS_EVER = _words("asking_before_a_handle"), _words("as_ever")
_FIRST = _words("first")
_ABOUT_WHOM = _words("about_whom")
_ABOUT_WHOM_OR_US = _ABOUT_WHOM | {BRAND}
_ABOUT_WHOM_BEHIND_A_HANDLE = _words("about_whom_behind_a_handle")
_QUESTION_WORDS = _words("question_words")
_BEHIND_QUESTION_WORDS = _words("behind_question_words")
_IDLE = frozenset(tuple(tokens_of(idle)) for idle in _TABLE["idle"])
_WHO, _IDLE_WHO = _words("who"), _words("idle_who")
_LAUGHING = _words("laughing")
_WOULD_I = frozenset(tuple(tokens_of(pair)) for pair in _TABLE["would_i"])
_ONCE_MORE = _words("once_more")
_SELVES, _MAY_I = _words("selves"), _words("may_i")
_OTHERS = _words("others")
_PLEASE = _words("please")
_COURTESY = _words("courtesy")
_MINE, _CASES, _DEALT = _words("mine"), _words("cases"), _words("dealt")
_MY_CASE, _I_OR_WE, _A_THING = _CASES | {BRAND}, _words("i_or_we"), _words("a_thing")
_NO_NEWS, _TOLD_TO_ALL = _words("no_news"), _words("told_to_all")
_TRADES = frozenset((first, second) for first, seconds in _TABLE["trades"].items() for second in seconds.split())

_ONE_QUESTION = 12  # words and signs of a post that is one question and nothing else
_FEWEST = 4  # words of a question without its mark
_RULED = frozenset(HEARD) - {"en"}  # the rules judge alone there
_TELLS = ("praise", "news", "link", "repost", "happy_face")  # who asks so is telling, not asking
_ASKS_FIRST = frozenset({"does", "do", "is", "are", "can", "will", "has", "did"})  # a question, mark or none
_NOT_PLAIN = ("repost", "solved", "no_complaint")
_NOT_THEIR_CASE = ("repost", "happy_face", "solved", "no_complaint")
_WAITING = ("question", "ask", "demand", "wants", "kinds", "negated_praise", "negations")
_QUESTION_MARKS = frozenset({"?", "??", "?!"})
STOPS = _QUESTION_MARKS | {"!", "!!", ".", "..", "…", ";"}
_BEFORE_ANY_WORD = _BEFORE | STOPS | {PERSON}
_TURNED_ROUND = _FIRST | _QUESTION_WORDS  # what a question begins with whose words stand in its order


def _once(name: str) -> Callable[[Callable[[Features], bool]], Callable[[Features], bool]]:
    """Find out only once of each post: many ask the same of it."""

    def remembering(find: Callable[[Features], bool]) -> Callable[[Features], bool]:
        @wraps(find)
        def found(heard: Features) -> bool:
            known = heard.known.get(name)
            if known is None:
                known = heard.known[name] = find(heard)
            return known

        return found

    return remembering


@_once("about")
def asks_about_us(heard: Features) -> bool:
    """Whether a question names us, though it is put to nobody: "does BRAND ship to Norway", "Is it dry? @brand"."""
    values, tokens = heard.signals.values, heard.signals.tokens
    if values.get("repost") or links_elsewhere(heard) or values.get("asks_us") or _trades_privately(tokens):
        return False
    if asks_plainly(heard):
        return True
    if values.get("question"):
        return (BRAND in tokens or bool(values.get("many_people"))) and not _is_idle(heard)
    if BRAND in tokens and any(cue.kind.name == "ask" and cue.end - cue.start > 1 for cue in heard.signals.cues):
        return not any(map(values.get, _TELLS))
    return len(tokens) > 2 and tokens[0] in _ASKS_FIRST and BRAND in tokens[1:4]


def links_elsewhere(heard: Features) -> bool:
    """Whether it has a link that is not the page or the picture of what its author asks or complains of.

    Most links lead to what was written for everybody: news, offers, a story of one's own.
    """
    return bool(heard.signals.values.get("link")) and not links_to_their_case(heard)


@_once("case")
def links_to_their_case(heard: Features) -> bool:
    """Whether somebody asks or complains of their own order, account or thing of ours, and shows it by a link."""
    values, tokens = heard.signals.values, heard.signals.tokens
    if not values.get("link") or not (heard.named or heard.called) or heard.to_others or heard.manner.reported:
        return False
    if not any(map(values.get, _WAITING)) or any(map(values.get, _NOT_THEIR_CASE)) or praises(heard):
        return False
    if any(cue.kind.name == "news" and not _NO_NEWS.issuperset(cue.words.split()) for cue in heard.signals.cues):
        return False
    return _TOLD_TO_ALL.isdisjoint(tokens) and any(_is_their_case(tokens, place) for place in range(len(tokens)))


def _is_their_case(tokens: Sequence[str], place: int) -> bool:
    """Whether "my order", "I have paid" or, at the beginning, "ordered a" stands at this place."""
    token, behind = tokens[place], tokens[place + 1 : place + 4]
    if token in _MINE or token in _I_OR_WE:
        wanted = _MY_CASE if token in _MINE else _DEALT
        return any(word in wanted for word in takewhile(lambda word: word not in STOPS, behind))
    begins = place == 0 or tokens[place - 1] in STOPS
    return begins and token in _DEALT and bool(behind) and behind[0] in _A_THING


def _trades_privately(tokens: Sequence[str]) -> bool:
    """Whether people are asked to sell or to take a thing of our make: "anybody selling a used BRAND"."""
    if _OTHERS.isdisjoint(tokens):
        return False
    return any(pair in _TRADES for pair in pairwise(tokens))


def _is_idle(heard: Features) -> bool:
    """Whether a question asks nothing of us: who laughs, asks who comes tonight, sets a quiz, or asks themselves."""
    tokens = heard.signals.tokens
    if not _LAUGHING.isdisjoint(tokens) and not heard.signals.values.get("kinds"):
        return True
    sentence = _first_words(tokens)
    if sentence and sentence[0] in ("quiz", "poll"):
        return True
    if _is_only_surprise(heard) or asks_themselves(heard):
        return True
    if heard.sentiment.label == "positive" and only_says_our_name(heard):
        return True
    return any(who in _WHO and (after in _IDLE_WHO or who == "whos") for who, after in pairwise(tokens))


@_once("name")
def only_says_our_name(heard: Features) -> bool:
    """Whether nothing stands before the question marks but our name, and an answer behind: "BRAND? Never again"."""
    tokens = heard.signals.tokens
    questions = _questions(tokens)
    if not questions or any(set(said) != {BRAND} for said in questions):
        return False
    behind = takewhile(lambda token: token not in _QUESTION_MARKS, reversed(tokens))
    return any(word[0].isalpha() for word in behind)


@_once("themselves")
def asks_themselves(heard: Features) -> bool:
    """Whether nothing is asked but whether its writer would come again, as reviewers do: "Would I go back? No"."""
    questions = _questions(heard.signals.tokens)
    return bool(questions) and all(
        tuple(said[:2]) in _WOULD_I and not _ONCE_MORE.isdisjoint(said) for said in questions
    )


def _is_only_surprise(heard: Features) -> bool:
    """Whether something is told with two question marks: "BRAND wifi is fast??"; a trouble told so is asked about."""
    values, tokens = heard.signals.values, heard.signals.tokens
    if "??" not in tokens or values.get("kinds") or values.get("second_person") or values.get("negations"):
        return False
    said = _first_words(tokens)
    return bool(said) and said[0] not in _ASKING and said[0] not in _OTHERS


@_once("plainly")
def asks_plainly(heard: Features) -> bool:
    """Whether a plain question is put to us: to our handle, or it names us and begins as questions do.

    Many write no question mark. Who asks everybody, whether "anyone" knows, or themselves ("would I switch back?"),
    waits for no answer of ours; nor does who weighs us against others.
    """
    values, tokens = heard.signals.values, heard.signals.tokens
    if heard.called:
        asked = bool(values.get("question")) or _asks_our_handle(tokens, heard.language)
    elif not heard.named or values.get("hashtags") or values.get("many_people"):
        return False
    elif _OTHERS.isdisjoint(tokens):
        asked = heard.rivals.isdisjoint(tokens) and _a_sentence_asks(values, tokens)
    else:
        asked = _asks_our_people(tokens)
    if not asked or heard.to_others or any(map(values.get, _NOT_PLAIN)) or links_elsewhere(heard):
        return False
    return not (praises(heard) or _is_idle(heard))


def _a_sentence_asks(values: Mapping[str, float], tokens: Sequence[str]) -> bool:
    """Whether a sentence that names us has the form of a question."""
    if not values.get("question"):
        start = _first_place(tokens)
        if start == len(tokens) or tokens[start] not in _TURNED_ROUND or values.get("happy_face"):
            return False
        said = _first_words(tokens)
        return BRAND in said and _is_turned_round(said, _ABOUT_WHOM_OR_US)
    return any(map(_begins_a_question, _questions(tokens)))


def _questions(tokens: Sequence[str]) -> list[Sequence[str]]:
    """What stands before each question mark, from the end of the sentence before."""
    found: list[Sequence[str]] = []
    start = 0
    for place, token in enumerate(tokens):
        if token in _QUESTION_MARKS:
            found.append(tokens[start:place])
        if token in STOPS:
            start = place + 1
    return found


def _asks_our_people(tokens: Sequence[str]) -> bool:
    """Whether it is put to whoever works for us: "could somebody at BRAND ..."."""
    threes = zip(tokens, tokens[1:], tokens[2:], strict=False)
    return any(who in _OTHERS and at in ("at", "from") and whose == BRAND for who, at, whose in threes)


def _begins_a_question(said: Sequence[str]) -> bool:
    """Whether a sentence names us and begins with a word that asks."""
    words = [token for token in said if token not in _BEFORE]
    of_themselves = words[1:2] and words[1] in _SELVES and words[0] not in _MAY_I
    if BRAND not in said or len(words) < 3 or of_themselves or "me" in words[1:4]:
        return False
    return words[0] in _ASKING or tuple(words[:2]) == ("any", "idea")


def _first_place(tokens: Sequence[str]) -> int:
    """Return where the first word stands that is no handle and no greeting; behind all of them where there is none."""
    for place, token in enumerate(tokens):
        if token not in _BEFORE_ANY_WORD:
            return place
    return len(tokens)


def _first_words(tokens: Sequence[str]) -> Sequence[str]:
    """Return the words of the first sentence, without handles and greetings before it."""
    start = _first_place(tokens)
    for place in range(start, len(tokens)):
        if tokens[place] in STOPS:
            return tokens[start:place]
    return tokens[start:]


def _asks_our_handle(tokens: Sequence[str], language: str) -> bool:
    """Whether what stands right behind our handle asks, without a question mark; or before it, where it ends a post."""
    said = _first_words(tokens)
    if len(said) < _FEWEST:
        return False
    if language in _RULED and tokens[-1] == PERSON:
        return said[0] in _BEFORE_A_HANDLE and said[1] not in _AS_EVER
    if tokens[0] != PERSON:
        return False
    if language in _RULED:
        return said[0] in _BEHIND_A_HANDLE
    return _is_turned_round(said, _ABOUT_WHOM_BEHIND_A_HANDLE) or tuple(said[:2]) in (
        ("any", "chance"),
        ("any", "word"),
    )


def _is_turned_round(said: Sequence[str], about: frozenset[str]) -> bool:
    """Whether English words stand in the order of a question: "does it", "how do", "what time"."""
    if len(said) < _FEWEST:
        return False
    first, second = said[:2]
    turned = second in (about if first in _FIRST else _BEHIND_QUESTION_WORDS if first in _QUESTION_WORDS else ())
    return turned and not any(tuple(said[: len(idle)]) == idle for idle in _IDLE)


def wants_of_us(heard: Features) -> bool:
    """Whether we are asked to do something: our handle, or one in front, and a request that is not only thanks."""
    values = heard.signals.values
    if (
        heard.to_others
        or not (heard.called or values.get("direct"))
        or not (values.get("demand") or values.get("wants"))
    ):
        return False
    if any(map(values.get, _NOT_PLAIN)) or links_elsewhere(heard):
        return False
    return (_requests(heard) or _begs(heard)) and not praises(heard)


def wishes(heard: Features) -> bool:
    """Whether somebody wishes that what we make were otherwise, and names us or speaks to us."""
    values = heard.signals.values
    if not values.get("wish") or values.get("repost") or values.get("link") or values.get("news"):
        return False
    return bool(heard.named or heard.called or (values.get("direct") and not heard.to_others))


def _requests(heard: Features) -> bool:
    return any(cue.kind.name == "demand" and cue.end - cue.start > 1 for cue in heard.signals.cues)


def praises(heard: Features) -> bool:
    """Whether it praises, in more than the thanks that go with a request."""
    return any(
        cue.kind.name == "praise" and not _COURTESY.issuperset(cue.words.split()) for cue in heard.signals.cues
    ) or bool(heard.signals.values.get("praise") and not _is_asked(heard.signals.values))


def _is_asked(values: Mapping[str, float]) -> bool:
    return any(map(values.get, ("question", "ask", "demand", "wants")))


def asks_on(heard: Features) -> bool:
    """Whether somebody who writes on in their own case asks, or wants something: in a few words or many."""
    return _is_asked(heard.signals.values)


@_once("us")
def asks_us(heard: Features) -> bool:
    """Whether something is asked of us: a question or a request that is put to us, in whatever mood.

    Where no model knows the language, a question with the words of one is enough.
    """
    values = heard.signals.values
    if asks_about_us(heard):
        return True
    to_us = values.get("direct") or heard.called
    if not to_us and (links_elsewhere(heard) or values.get("hashtags", 0) > 1):
        return False  # what is sent out to everybody asks nobody
    if to_us and values.get("ask") and not (values.get("repost") or values.get("no_complaint")):
        return True
    if values.get("repost") or values.get("news") or heard.unread:
        return False
    if values.get("asks_us") or (to_us and (values.get("demand") or _begs(heard))):
        return True
    asked = values.get("ask") or values.get("demand") or len(heard.signals.tokens) <= _ONE_QUESTION
    return bool(
        heard.language in _RULED and values.get("question") and asked and not values.get("link") and not _is_idle(heard)
    )


def _begs(heard: Features) -> bool:
    """Whether it says please, or asks for help: "thanks for the help" does not."""
    values = heard.signals.values
    if not values.get("wants"):
        return False
    return not (values.get("solved") or values.get("praise")) or not _PLEASE.isdisjoint(heard.signals.tokens)


def without_links(tokens: Iterable[str]) -> list[str]:
    """Return what is said: no stops, no links."""
    return [token for token in tokens if token not in STOPS and token != LINK]
