"""Which critical words are meant: our product did the harm, or one of our customers suffers it.

No word is critical by itself. "Caught fire" or "someone else's orders" tell of something that happened; "exploded" does
where the writer tells of themselves or speaks to us; "lawyer" only names a matter, and takes a writer who speaks to us,
or who is in trouble. A matter in a joke, in praise or in a plan is none. What the settings call critical always is.
Beside the words a small model is asked (`likely_harm.py`): what it is sure of rings too, and parts that it
much doubts do not.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

from connectors.values import value_class
from monitor.text.complaint_signals import BRAND, CONCRETE, Found, Signals
from monitor.text.harm import Places, begins_one, parts_of, told_by
from monitor.text.lexicon import Felt
from monitor.text.likely_harm import MAYBE, SURELY, HarmModel, shipped
from monitor.text.negation import BREAKS, less_denied
from monitor.text.sentiment import Sentiment

_CONTEXT = tomllib.loads((Path(__file__).parent / "words" / "critical_context.toml").read_text(encoding="utf-8"))
_MATTERS = frozenset(_CONTEXT["matters"])
_CAUSES = frozenset(_CONTEXT["causes"].split())
_IDLE = frozenset(_CONTEXT["idle"].split())
_SUPPOSING = frozenset(_CONTEXT["supposing"].split())
_NOT_SUPPOSING = frozenset(_CONTEXT["not_supposing"].split())
_SUPPOSED = 6  # words behind an "if" that are only supposed
_HARM = frozenset({"injury", "fire"})
_TROUBLED = 0.5  # log odds of what is felt in a language that VADER does not know
_PLEASED = 0.4  # VADER's score of a post that is content
_CONTENT = -0.9  # the same where VADER is silent: log odds of what is felt
_BODILY = frozenset({"injury", "danger", "fire"})
_RINGS = frozenset({"injury", "danger", "fire", "data", "own", SURELY.name})
_DOUBTED = frozenset({"danger", "data"})  # who is hurt, and a fire, wake people whatever else a long post says
_MAYBE, _SURELY = Found(MAYBE, "", 0, 1), Found(SURELY, "", 0, 0)
_MAYBE_BY_WORDS = Found(MAYBE, "", 0, 0)  # no part stands there from which a harm may be told
_CONTENT_BELOW = 0.18  # how unhappy the model finds whoever is content
_RINGS_FROM, _CALLS_FROM = 0.12, 0.17  # the judge's figures from which on the model of harm rings, and calls by words
_TAGS = {"legal": "law", "press": "press", "money": "money", "fraud": "money"}


def rings(found: Sequence[Found]) -> bool:
    """Whether one of these tells of harm that goes on, which calls people day and night."""
    return any(cue.kind.name in _RINGS for cue in found)


def may_be_harm(found: Sequence[Found]) -> bool:
    """Whether a post reads like harm that no frame knows, which calls people and rings at no night."""
    return any(cue.kind is MAYBE for cue in found)


def believed(found: Sequence[Found], needs: float, unhappy: float = -1.0) -> tuple[Found, ...]:
    """Return what is meant of a post that needs an answer by the judge's figure `needs`.

    How `unhappy` its writer is found is below 0 where no model tells. Who hardly needs an answer at all rings by no
    model: two that were taught by different things must agree to wake somebody. Nor does it call people then by words
    alone, where no part stands from which a harm may be told, nor where its writer is found content: the sixteen such
    posts on six days needed nobody.
    """
    if needs >= _CALLS_FROM:
        return tuple(found)
    rung = found if needs >= _RINGS_FROM else [_MAYBE if one.kind is SURELY else one for one in found]
    content = 0 <= unhappy < _CONTENT_BELOW
    return tuple(one for one in rung if not (one == _MAYBE_BY_WORDS or (content and one.kind is MAYBE)))


def matters(found: Sequence[Found]) -> tuple[str, ...]:
    """Return what else is meant, as tags: "law" and "press" are for leads, "money" was taken wrongly."""
    return tuple(dict.fromkeys(_TAGS[cue.kind.name] for cue in found if cue.kind.name in _TAGS))


@value_class(frozen=True, slots=True)
class _Mood:
    """How a post speaks: to us, of the writer, of something wrong, of what caused it, idly."""

    us: bool
    ours: bool  # it names us, or stands where only we are spoken of
    own: bool
    wrong: bool
    unhappy: bool
    caused: bool
    content: bool
    praises: bool
    joking: bool
    passed_on: bool
    denied: bool  # what might have gone wrong has not: "never broke"
    troubles: tuple[tuple[int, int], ...]  # where words tell of something gone wrong

    @property
    def may_tell_of_harm(self) -> bool:
        """Whether somebody may be telling us, in earnest, of harm that was done to them."""
        return self.ours and not (self.joking or self.passed_on or self.content or self.denied)


def _is_ours(token: str) -> bool:
    return token.startswith(BRAND)  # "thisbrands kettle"


def _mood(signals: Signals, sentiment: Sentiment, felt: Felt, *, called: bool, ours: bool) -> _Mood:
    values = signals.values
    wrong = bool(values.get("kinds") or values.get("negated_praise"))
    return _Mood(
        us=bool(values.get("direct") or values.get("second_person") or called),
        ours=bool(ours or called or values.get("many_people") or BRAND in signals.tokens)
        or any(map(_is_ours, signals.tokens)),
        own=bool(values.get("first_person")),
        wrong=wrong,
        unhappy=wrong or sentiment.label == "negative" or felt.odds >= _TROUBLED,
        caused=not _CAUSES.isdisjoint(signals.tokens),
        content=(sentiment.score >= _PLEASED or felt.odds <= _CONTENT) and not wrong,
        praises=bool(values.get("praise") and not wrong),
        joking=not _IDLE.isdisjoint(signals.tokens),
        passed_on=bool(values.get("repost")),
        denied=bool(values.get("no_complaint") and not wrong),
        troubles=tuple((cue.start, cue.end) for cue in signals.cues if cue.kind.weight >= CONCRETE),
    )


def meant(
    cues: Sequence[Found],
    signals: Signals,
    language: str,
    sentiment: Sentiment,
    felt: Felt,
    *,
    called: bool = False,
    ours: bool = False,
    rivals: frozenset[str] = frozenset(),
) -> tuple[Found, ...]:
    """Return the critical cues that are meant. `called`: the post names a handle of ours. `rivals`: competitors.

    `ours`: it stands where only we are spoken of, as a review does. Bodily harm that is told to nobody, of nothing that
    is ours, is talk among strangers.
    """
    places = parts_of(language).find(signals.tokens, wholly=bool(cues))
    model = shipped()
    by_words = model.by_words(signals.tokens) if model is not None else 0.0
    if not (cues or places) and (model is None or model.is_far(by_words)):
        return ()  # as of most posts
    mood = _mood(signals, sentiment, felt, called=called, ours=ours)
    heeded = model if mood.may_tell_of_harm and rivals.isdisjoint(signals.tokens) else None
    if not places and heeded is not None and heeded.looks_further(by_words):
        places = parts_of(language).find(signals.tokens, wholly=True)
    told, elsewhere = _told(places, cues, signals, language, mood, rivals)
    said = [cue for cue in less_denied(cues, signals.tokens, language) if cue.kind.name != "harmless"]
    several = (
        len({cue.kind.name for cue in said}) > 1 or len({cue.start for cue in said if cue.end - cue.start > 1}) > 1
    )
    if elsewhere:
        said = [cue for cue in said if cue.kind.name not in _BODILY]
    said = [cue for cue in said if not (_is_theirs(cue, signals.tokens, rivals) or _is_supposed(cue, signals.tokens))]
    if not mood.ours:
        said = [cue for cue in said if cue.kind.name not in _BODILY]
    if any(one.kind.name in _DOUBTED for one in told) and model is not None and model.doubts(by_words, places):
        told = [*(one for one in told if one.kind.name not in _DOUBTED), _MAYBE]
    found = [cue for cue in said if _is_meant(cue, mood, several=several)] + told
    if heeded is not None and not (rings(found) or elsewhere) and heeded.is_likely(by_words, places):
        if heeded.rings(signals.tokens, tuple(places)):
            found.append(_SURELY)
        elif not (
            _denies_a_part(places, signals.tokens, language)
            or _is_only_told(signals, mood, places, language)
            or _is_only_unanswered(signals, places, heeded, language)
        ):
            found.append(_MAYBE if begins_one(places) else _MAYBE_BY_WORDS)
    return tuple(found)


def _is_only_told(signals: Signals, mood: _Mood, places: Places, language: str) -> bool:
    """Whether it asks calmly, or tells calmly of nothing that is a part of harm, in a language that is not English.

    Of these the model has read few harmless lines but those of pairs: "our gran was in the shop yesterday".
    """
    return language != "en" and not mood.unhappy and (bool(signals.values.get("question")) or not begins_one(places))


def _is_only_unanswered(signals: Signals, places: Places, model: HarmModel, language: str) -> bool:
    """Whether nothing but a telephone that nobody answers is like a harm, in a language that is not English.

    There the model has read "nobody" and "telephone" in lines of harm alone: "nadie coge el teléfono".
    """
    if language == "en" or begins_one(places):
        return False
    said = {
        place
        for cue in signals.cues
        if cue.kind.name == "nobody_answers"
        for place in range(cue.start, cue.end + 1)  # the telephone may stand behind it
    }
    rest = [token for place, token in enumerate(signals.tokens) if place not in said]
    return bool(said) and not model.is_likely(model.by_words(rest), places)


def _denies_a_part(places: Places, tokens: Sequence[str], language: str) -> bool:
    """Whether it says that one of the parts was not: a sum of words does not hear the "never" of "never hacked"."""
    parts = [Found(MAYBE, part, start, end) for part, spans in places.items() for start, end in spans]
    return {one.words for one in less_denied(parts, tokens, language)} != set(places)


def _is_theirs(one: Found, tokens: Sequence[str], rivals: frozenset[str]) -> bool:
    """Whether the last name that stands before a harm in its sentence, or in it, is a competitor's."""
    for place in range(one.end - 1, -1, -1):
        token = tokens[place]
        if _is_ours(token) or (place < one.start and token in BREAKS):
            return False
        if token in rivals:
            return True
    return False


def _told(
    places: Places, cues: Sequence[Found], signals: Signals, language: str, mood: _Mood, rivals: frozenset[str]
) -> tuple[list[Found], bool]:
    """Return what the parts at these places tell of, where nobody jokes; whether something that is not ours did it."""
    found = told_by(places, signals.tokens, me=mood.own, us=mood.us)
    elsewhere = "elsewhere" in places
    if elsewhere or not (mood.ours or (mood.own and "thing" in places)):
        found = [one for one in found if one.kind.name not in _BODILY]
    if "grants" in places:
        found = [one for one in found if one.kind.name != "data"]
    if "fiction" in places:
        return [], True
    pleased = mood.praises and mood.content and not _two_apart(found)  # "thanks to your steward" is bitter then
    if not found or mood.joking or pleased:
        return [], elsewhere
    calm = [cue for cue in cues if cue.kind.name == "harmless"]
    kept = [
        one
        for one in less_denied(found, signals.tokens, language)
        if not any(cue.start < one.end and one.start < cue.end for cue in calm)
        and not (_is_theirs(one, signals.tokens, rivals) or _is_supposed(one, signals.tokens))
    ]
    return kept, elsewhere


def _is_supposed(one: Found, tokens: Sequence[str]) -> bool:
    """Whether it stands behind an "if", and so has not happened; "as if" and "what if" tell of a fright."""
    for place in range(one.start - 1, max(-1, one.start - 1 - _SUPPOSED), -1):
        if tokens[place] in BREAKS:
            return False
        if tokens[place] in _SUPPOSING:
            return one.kind.name != "own" and not (place and tokens[place - 1] in _NOT_SUPPOSING)
    return False


def _two_apart(found: Sequence[Found]) -> bool:
    """Whether two harms are told that share no word."""
    return max(one.start for one in found) >= min(one.end for one in found) if found else False


def _is_meant(cue: Found, mood: _Mood, *, several: bool) -> bool:
    kind = cue.kind.name
    matter = cue.words in _MATTERS or (cue.end - cue.start == 1 and kind not in _HARM)
    if kind == "own" or (not matter and cue.end - cue.start > 1 and kind != "press"):
        return True
    if mood.content or mood.praises or mood.joking:
        return False
    if kind in _TAGS:  # named in passing by many; it takes somebody who is in trouble, and says so to us
        wrong = any(end <= cue.start or start >= cue.end for start, end in mood.troubles)
        return (mood.us or mood.own) and (wrong or (mood.us and (mood.unhappy or several)))
    if not matter:
        return mood.us or mood.own or mood.wrong or several or mood.caused
    if mood.us or several or (mood.own and (mood.wrong or mood.caused)):
        return True
    return mood.own and mood.unhappy and kind not in _HARM
