"""What each part of the judge adds, as log odds with words for people: the rules, and what a model cannot know."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from monitor.text.asking import asks_about_us, asks_plainly, links_to_their_case, praises, wants_of_us
from monitor.text.complaint_signals import BRAND, CONCRETE, LINK, NUMBER, OWN, PERSON, Found, kinds_of
from monitor.text.critical import may_be_harm, rings
from monitor.text.features import Features
from monitor.text.lexicon import LANGUAGES as FEELING_LANGUAGES
from monitor.text.triage import MOODS, is_calm, tells_of_trouble

REPLY_ODDS = 0.6


def extra_contributions(heard: Features) -> list[tuple[str, float]]:
    """Return what the shipped model cannot know: the brand's own complaint words, and anger at somebody else."""
    contributions = []
    own = [cue.words for cue in heard.signals.cues if cue.kind is OWN]
    if own:
        contributions.append((f"{OWN.says}: {', '.join(dict.fromkeys(own))}", OWN.weight))
    if asks_plainly(heard):
        contributions.append(("asks us plainly", _ASKED))
    elif asks_about_us(heard):
        contributions.append(("asks about us", 0.8))
    if heard.called and wants_of_us(heard):
        contributions.append(("asks us to do something", _WANTED))
    if links_to_their_case(heard):
        contributions.append(("the link shows their own case", _LINK_TO_THEIR_CASE))
    if heard.manner.calls:
        contributions.append(("calls us by our name", _CALLED))
    if is_calm(heard):
        contributions.append(("speaks to nobody, and nothing in it is wrong, asked or bitter", _CALM_ODDS))
    return contributions + _put_to(heard) + _leaving(heard) + _short(heard) + _elsewhere(heard)


def _put_to(heard: Features) -> list[tuple[str, float]]:
    """Return what it gives whom a post is put to; comments and reviews, which taught the model, are put to nobody."""
    if heard.called:
        wants = any(map(heard.values.get, _WANTING)) or heard.sentiment.label == "negative"
        if wants:
            return [] if praises(heard) else [("is put to us", _PUT_TO_US)]
        return [("calls out to us, and wants nothing", _GREETS_US)] if heard.values.get("exclaims") else []
    if heard.to_others:
        return [("is put to somebody else", _PUT_TO_OTHERS)]
    return []


# Fitted to the grades of the dev day, of the trades to develop with and of the written texts that are taught; then made
# smaller, so that as many alerts are right as before, and rounded.
_PUT_TO_US, _GREETS_US, _PUT_TO_OTHERS = 1.2, -0.6, -2.0
_WANTING = ("question", "ask", "wants", "kinds", "negated_praise", "negations", "sad_face", "why")

_CALM_ODDS = (
    -1.0
)  # who reviews or comments is for or against: to a model taught by them, what is merely told is neither


_ASKED, _WANTED, _CALLED = 1.8, 0.6, 1.2
_LINK_TO_THEIR_CASE = 1.4  # the model, taught by links to news and offers, takes about as much for any link


def _leaving(heard: Features) -> list[tuple[str, float]]:
    """Return what a calm farewell gives: reviewers for and against never wrote one."""
    leaving = [cue for cue in heard.signals.cues if cue.kind.churn]
    if not leaving or any(map(heard.signals.values.get, _NOT_CROSS)) or heard.signals.elsewhere:
        return []
    names = {BRAND, "last", "cancelled", "canceled", *heard.rivals}
    gone = [
        cue.words
        for cue in leaving
        if (not names.isdisjoint(cue.words.split()) or (heard.named and cue.end - cue.start >= _A_PHRASE))
    ]
    return [(f"says they leave: {gone[0]}", _FAREWELL)] if gone else []


def _short(heard: Features) -> list[tuple[str, float]]:
    """Return what a few words give that say no more than what is wrong, or only call out to us.

    The teachers wrote at length: to them, who says little is calm.
    """
    values, tokens = heard.signals.values, heard.signals.tokens
    if len(tokens) > _FEW or any(map(values.get, _NOT_CROSS)) or heard.signals.elsewhere:
        return []
    if values.get("direct") or values.get("many_people", 0) > 1:
        words = [token for token in tokens if token.isalpha() and token != BRAND]
        counts = values.get("times") or values.get("numbers")
        if words and _CALLING.issuperset(words) and (values.get("question") or counts):
            return [("calls out to us", 1.7)]
    return [("few words, and they tell of trouble", 0.35)] if values.get("kinds") else []


_FEW = 14  # words and signs
_FAREWELL = 1.3
_A_PHRASE = 3  # words of a farewell that is none by chance
_NOT_CROSS = ("praise", "happy_face", "news", "repost", "no_complaint", "solved")
# All that somebody says who calls out, or counts the days.
_CALLING = frozenset(
    tomllib.loads((Path(__file__).parent / "words" / "calling.toml").read_text(encoding="utf-8"))["words"].split()
)


def _elsewhere(heard: Features) -> list[tuple[str, float]]:
    others = heard.signals.elsewhere
    return [(f"the anger is at somebody else: {others[0].words}", -1.5)] if others else []


def rule_contributions(heard: Features) -> list[tuple[str, float]]:
    """Return what the rules say, as log odds with words for people."""
    values = heard.signals.values
    contributions: list[tuple[str, float]] = []
    if heard.sentiment.label == "unknown":
        contributions.append(("every post, to begin with", -0.2))
        contributions.extend(_felt_contributions(heard))
    else:
        contributions.append(("every post, to begin with", -1.6))
        contributions.append((f"sentiment {heard.sentiment.score:+.2f}", -2.2 * heard.sentiment.score))
    said: dict[str, list[Found]] = {}
    for cue in heard.signals.cues:
        said.setdefault(cue.kind.name, []).append(cue)
    for cues in said.values():
        kind = cues[0].kind
        if not values.get(kind.name) and kind.name != "own_words":
            continue
        words = ", ".join(dict.fromkeys(cue.words for cue in cues))
        contributions.append((f"{kind.says}: {words}", kind.weight * min(2.0, 1.0 + 0.4 * (len(cues) - 1))))
    contributions.extend((words, weight * values[name]) for name, words, weight in _RULES if values.get(name))
    return contributions + _put_to(heard) + _elsewhere(heard)


_RULES: tuple[tuple[str, str, float], ...] = (
    ("asks_us", "asks us something", 0.5),
    ("negated_praise", "negated praise", 1.6),
    ("direct", "speaks to us", 0.3),
    ("first_person", "tells of themselves", 0.1),
    ("negations", "says no", 0.25),
    ("shouting", "shouts", 0.7),
    ("sad_face", "an unhappy face", 0.9),
    ("happy_face", "a happy face", -0.7),
    ("link", "carries a link", -0.5),
    ("repost", "repeats somebody", -0.5),
    ("times", "speaks of hours or days", 0.2),
)


def _felt_contributions(heard: Features) -> list[tuple[str, float]]:
    """Return what is felt in a post of a language that VADER does not know, and what speaks against trouble there."""
    if heard.language not in FEELING_LANGUAGES:
        return []
    values, felt = heard.signals.values, heard.felt
    odds = felt.odds
    if heard.named and not tells_of_trouble(heard):
        odds -= _UNEASY_OF_US * min(felt.uneasy, max(0.0, odds))
    contributions = [(f"feelings: {', '.join(felt.words)}", odds)] if odds else []
    if plainly := heard.called and asks_plainly(heard):
        contributions.append(("asks us plainly", _ASKED))
    elif values.get("asks_us"):
        contributions.append(("what is asked is put to us", 0.5))
    if heard.manner.calls:
        contributions.append(("calls us by our name", _CALLED))
    if heard.critical and (rings(heard.critical) or may_be_harm(heard.critical)):
        contributions.append(("may be about harm", _HARM))
    elif _speaks_to_nobody(heard):
        contributions.append(("names nobody, and tells of no trouble", _ASTRAY))
    if values.get("ask") and (values.get("direct") or heard.called):
        contributions.append(("asks in front of us", 0.3))
    if values.get("question") and not plainly and felt.odds < FELT and not tells_of_trouble(heard):
        contributions.append(("a question, and nothing is wrong", -0.3))
    elif not (plainly or felt.unhappy) and not any(map(values.get, _UNHAPPY)):
        contributions.append(("nothing unhappy is said", -1.1))
    elif heard.named and not (plainly or odds >= FELT or heard.called or values.get("asks_us") or _tells(heard)):
        contributions.append(("hardly anything unhappy is said", _HARDLY))
    return contributions


_HARM, _ASTRAY = 1.0, -1.2
_HARDLY = -0.9
_UNEASY_OF_US = 0.7  # of what is only uneasy, in a post that names us: small words say little of a company


def _tells(heard: Features) -> bool:
    values = heard.signals.values
    return bool(tells_of_trouble(heard) or heard.critical or values.get("sad_face") or values.get("shouting"))


def _speaks_to_nobody(heard: Features) -> bool:
    """Whether it neither names nor asks us, nor says what went wrong: what it feels, it feels about something else."""
    values = heard.signals.values
    if not heard.astray or values.get("direct") or values.get("asks_us") or values.get("negated_praise"):
        return False
    return all(cue.kind.calm or cue.kind.weight < CONCRETE or cue.kind.name in MOODS for cue in heard.signals.cues)


FELT = 1.0  # from here on a post is felt to be unhappy: one plain word of sorrow, or two uneasy ones
_UNHAPPY = ("kinds", "negated_praise", "negations", "shouting", "sad_face")


def in_words(name: str) -> str:
    """Return the name of a signal as people would say it; a word in quotes stays what it is."""
    if not name.startswith("signal "):
        return _STANDS_FOR.sub(lambda found: _MEANT.get(found[0][:5], "your name"), name)
    plain = name.removeprefix("signal ")
    return _SIGNAL_WORDS.get(plain) or next((kind.says for kind, _ in kinds_of("en") if kind.name == plain), plain)


# What stands in a text for what changes from post to post; "thisb…" is how words begin that are made of it.
_MEANT = {mark[:5]: words for mark, words in ((LINK, "a link"), (PERSON, "a handle"), (NUMBER, "a number"))}
_STANDS_FOR = re.compile(rf"(?:{'|'.join(_MEANT)})(?:…|\w*>)|\b{BRAND[:5]}(?:…|\w*)")
_SIGNAL_WORDS = {
    "question": "a question mark", "exclaims": "an exclamation mark", "direct": "a handle in front",
    "first_person": "tells of themselves", "second_person": "says you", "link": "carries a link",
    "many_people": "names handles", "hashtags": "hashtags", "negations": "says no", "shouting": "capital letters",
    "times": "speaks of hours or days", "numbers": "numbers", "wants": "says please or help", "dots": "full stops",
    "sad_face": "an unhappy face", "happy_face": "a happy face", "repost": "repeats somebody", "length": "its length",
    "asks_us": "asks us something", "negated_praise": "negated praise", "contrast": "a but",
    "starts_mine": "begins with my", "states": "states things (is, was, has)", "why": "asks why",
    "compares": "compares (than, like, too)", "points": "points at things (the, this, it)",
    "kinds": "tells of something gone wrong", "mixed": "warm words beside a complaint", "feeling": "sentiment",
    "bad_feeling": "bad sentiment",
}  # fmt: skip
