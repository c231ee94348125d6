"""Who is called, who is shown, who is left alone: the lines between the lanes, and what moves a post over one."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.case import Lane
from monitor.text.asking import (
    asks_plainly,
    asks_themselves,
    asks_us,
    links_elsewhere,
    links_to_their_case,
    praises,
    wants_of_us,
    wishes,
    without_links,
)
from monitor.text.complaint_signals import PERSON
from monitor.text.critical import may_be_harm, rings
from monitor.text.features import Features
from monitor.text.model.linear import Thresholds

RULES_ONLY = Thresholds(ping=0.60, ping_aside=0.75, sweep=0.14)  # where the rules alone draw the lines
# Where VADER is silent, cues and feelings speak: one strong word calls people. Italian, Arabic and Hindi use strong
# words every day.
_CUES_ONLY = Thresholds(ping=0.50, ping_aside=0.60, sweep=0.28)
_CUES_ONLY_OF = {
    "it": Thresholds(ping=0.70, ping_aside=0.76, sweep=0.28),
    "ar": Thresholds(ping=0.70, ping_aside=0.92, sweep=0.28),
    "hi": Thresholds(ping=0.70, ping_aside=0.92, sweep=0.28),
}
_TO_OTHERS = 0.98  # a ping of one that is put to somebody else, whatever happened: it is a talk about us
_PASSED_ON = 0.88  # a ping of what somebody passes on: its original is heard, too
_NEVER = 0.995  # no sum of feelings is above it
_FELT_OF_US = 0.9  # a ping of one that only feels something, and names us without speaking to us
_ASKED_ELSEWHERE = 0.6  # a ping of a question in a language that no model knows
_NOTHING_SAID = 0.7  # the list for one in which nothing is wrong, asked or unhappy either
_IDLE = 0.12  # beneath it what asks wants nothing of us: hardly one was a must on the dev halves
_IDLE_CALL = 0.22  # the list for one that speaks to us, and neither asks nor says anything that could be looked into
_CALL_WITH_A_TAG = 0.8  # a ping of one that calls a handle of who knows whom, bears a tag, and says nothing of the kind
_OF_NOBODY = 0.15  # more for the list, where we are named, nothing is wrong or asked, and nobody tells of their own
_SHORT = 8  # words and signs: with so few, a link is the picture that shows it
_CURT = 8  # words and signs of a post that names us and is only cross: it means us
_FEW = 14  # words and signs of a post that says what is wrong and no more
_ASKED = 0.6  # of the line of a ping: who asks us plainly waits for an answer, unless it reads as small talk
_STRONG = 1.5  # the weight of a cue that five stars do not outvote


def lane_of(needs: float, lines: Thresholds, heard: Features, *, ours: bool, ruled: bool, stars: bool) -> Lane:
    """Return the lane of a post by how much it needs an answer.

    `ours`: it replies to us, or reviews us. `ruled`: no model knows its language. `stars`: stars have already spoken.
    """
    ping, sweep = begin(lines, heard, ours=ours, ruled=ruled)
    lane: Lane = "ping" if needs >= ping else "sweep" if needs >= sweep else "none"
    asked = asks_us(heard) and (ruled or needs >= _IDLE)
    if lane == "none" and (asked or heard.values.get("mixed") or wishes(heard)):
        lane = "sweep"  # what is asked waits for an answer; warm words beside a trouble may be bitter
    if heard.wordless and not stars:
        asks = heard.values.get("question")
        calls = asks and (heard.called or heard.values.get("direct"))
        lane = "sweep" if heard.values.get("sad_face") or calls else "none"
        if asks and heard.called and not (heard.values.get("link") or heard.values.get("repost")):
            lane = "ping"  # "@brand ?": whoever calls us so waits for an answer
    if lane != "ping" and heard.critical and (not ours or rings(heard.critical) or may_be_harm(heard.critical)):
        values = heard.signals.values
        told_by = ("first_person", "direct", "second_person")
        told_of_us = may_be_harm(heard.critical) and heard.named  # of a hole in what we run nobody tells as their own
        personal = rings(heard.critical) or told_of_us or heard.called or any(map(values.get, told_by))
        lane = "ping" if lane == "sweep" or personal else "sweep"
    if heard.unread and not stars and not heard.critical:
        lane = "sweep"  # nothing is known of it: somebody who reads that language has a look, nobody is woken
    return lane


def begin(lines: Thresholds, heard: Features, *, ours: bool, ruled: bool) -> tuple[float, float]:
    """Return where a ping and where the sweep begins for this post: lower the surer it is that it is put to us."""
    special = None if ours else _special(lines, heard, ruled=ruled)
    if special is not None:
        return special
    if ours or (tells_of_trouble(heard) if ruled else speaks_to_us(heard)):
        told = not (ours or ruled or is_put_to_somebody(heard) or _says_it_of_us(heard))
        says = ours or ruled or _says_something(heard)
        sweep = lines.sweep if says else max(lines.sweep, _IDLE_CALL)
        if not (says or heard.called) and heard.values.get("hashtags"):
            return max(lines.ping, _CALL_WITH_A_TAG), sweep
        return (lines.ping_told if told else 0.0) or lines.ping, sweep
    if is_calm(heard):
        return lines.ping_aside, lines.sweep_calm or lines.sweep
    # What does not name us was taken in because it stands where only we are spoken of.
    own = heard.values.get("first_person") or links_to_their_case(heard)
    told = tells_of_trouble(heard) and not links_elsewhere(heard)
    more = 0.0 if own or told or not heard.named or not lines.sweep_aside else _OF_NOBODY
    return lines.ping_aside, min(0.95, lines.sweep_aside + more) or lines.sweep


def _special(lines: Thresholds, heard: Features, *, ruled: bool) -> tuple[float, float] | None:
    """Return the lines of what is asked of us, felt, put to others, reported, or only a mood; None of all others."""
    if not ruled and (asks_plainly(heard) or wants_of_us(heard)):
        return lines.ping * _ASKED, lines.sweep
    if ruled and _is_only_felt(heard):
        return _of_no_trouble(lines, heard)
    if (of_others := _of_others(lines, heard)) is not None:
        return of_others
    if not (ruled or heard.values.get("repost")) and _is_only_a_mood(heard):
        return lines.ping_aside, lines.sweep
    return None


def _of_others(lines: Thresholds, heard: Features) -> tuple[float, float] | None:
    """Return the lines of what is passed on, said to others or to oneself, reported, or a joke; None of all others."""
    if heard.values.get("repost"):
        if heard.called or heard.values.get("direct"):
            return None
        ping = max(lines.ping_aside, _PASSED_ON)
        return ping, lines.sweep if heard.critical or tells_of_trouble(heard) else _NEVER
    if heard.to_others:
        return max(lines.ping_aside, _TO_OTHERS), lines.sweep if _is_worth_a_look(heard) else _NEVER
    if heard.manner.reported or heard.manner.joke:
        return _NEVER, lines.sweep if heard.critical else lines.ping_aside
    if asks_themselves(heard) and not (heard.called or tells_of_trouble(heard)):
        return _NEVER, lines.sweep
    return None


def _says_something(heard: Features) -> bool:
    """Whether it asks, tells of a trouble, says no, or gives a number or a day to look into."""
    names = ("question", "ask", "wants", "kinds", "negated_praise", "negations", "numbers", "times", "sad_face", "why")
    return any(map(heard.values.get, names)) or heard.sentiment.label == "negative"


def _is_worth_a_look(heard: Features) -> bool:
    """Whether somebody who talks with others about us tells of a trouble, or asks: tips and jokes are none."""
    return tells_of_trouble(heard) or bool(heard.values.get("question"))


def _is_only_felt(heard: Features) -> bool:
    """Whether VADER is silent, and words of feeling and questions are all there is."""
    return heard.sentiment.label == "unknown" and (not tells_of_trouble(heard) or _is_only_a_mood(heard))


def _of_no_trouble(lines: Thresholds, heard: Features) -> tuple[float, float]:
    """Return the lines where no cue tells what went wrong.

    People are called where it is said of us or put to somebody: who grumbles at the heat wants nothing of anybody.
    """
    asked, said = asks_us(heard), tells_of_trouble(heard)
    unhappy = heard.felt.unhappy or said
    if (spoken_to := is_put_to_somebody(heard)) or heard.named:
        surely = lines.ping_aside if spoken_to or said else max(lines.ping_aside, _FELT_OF_US)
        ping = surely if unhappy else _NEVER
        return min(ping, _ASKED_ELSEWHERE) if asked else ping, lines.sweep
    return _NEVER, lines.sweep if unhappy or asked else max(lines.sweep, _NOTHING_SAID)


def _says_it_of_us(heard: Features) -> bool:
    """Whether somebody leaves us, or names us in few words that tell of a trouble: who says so little means us."""
    cues = [cue for cue in heard.signals.cues if not cue.kind.calm]
    if any(cue.kind.churn and cue.end - cue.start > 1 for cue in cues) and not praises(heard):
        return True
    short = len(heard.signals.tokens) <= _FEW and heard.named
    return short and any(not cue.kind.churn for cue in cues)


def rule_lines(heard: Features) -> Thresholds:
    """Return where the lanes begin when the rules are alone."""
    if heard.sentiment.label != "unknown":
        return RULES_ONLY
    return _CUES_ONLY_OF.get(heard.language, _CUES_ONLY)


def by_stars(needs: float, rating: float | None, heard: Features, lines: Thresholds) -> tuple[float, str]:
    """Let stars outvote words: one or two always call people, five mild ones never do."""
    if rating is None:
        return needs, ""
    ping, sweep = lines.ping, lines.sweep
    stars = f"{rating:g} star{'' if rating == 1 else 's'}"
    if rating <= 2:
        return max(needs, ping + (1 - ping) * 0.75), stars
    if rating <= 3:
        return min(max(needs, sweep + 0.01), 0.97), stars
    if needs >= ping and any(not cue.kind.calm and cue.kind.weight >= _STRONG for cue in heard.signals.cues):
        return min(needs, max(sweep, ping - 0.01)) if rating >= 5 else needs, ""
    return min(needs, sweep * 0.5), ""


def tells_of_trouble(heard: Features) -> bool:
    """Whether a cue of something gone wrong stands in the post."""
    values = heard.signals.values
    return bool(values.get("kinds") or values.get("negated_praise"))


def speaks_to_us(heard: Features) -> bool:
    """Whether the post is put to somebody, or tells of something gone wrong: such a one waits for an answer.

    The others grumble in passing, or repeat what somebody said; far more certainty is asked before they call people.
    """
    values = heard.signals.values
    if values.get("repost"):
        return False
    if is_put_to_somebody(heard):
        return True
    if not values.get("kinds"):
        return False
    return not links_elsewhere(heard) or (len(heard.signals.tokens) <= _SHORT and not values.get("news"))


def is_put_to_somebody(heard: Features) -> bool:
    """Whether it begins or ends with a handle, names ours, or says "you" and names one."""
    values = heard.signals.values
    if (
        heard.called
        or heard.manner.calls
        or values.get("direct")
        or (values.get("second_person") and values.get("many_people"))
    ):
        return True
    return bool(values.get("many_people") and not heard.named) and _ends_with_a_call(heard.signals.tokens)


def _ends_with_a_call(tokens: Sequence[str]) -> bool:
    """Whether the last word is a handle that is called, as in "it is Tuesday. @brand"; not one of a sentence."""
    said = without_links(tokens)
    return len(said) > 1 and said[-1] == PERSON and said[-2] not in _BEFORE_NAMES


def _is_only_a_mood(heard: Features) -> bool:
    """Whether somebody swears or is cross, puts it to nobody, and says nothing that went wrong."""
    if not heard.values.get("kinds") or heard.values.get("ask") or heard.tagged:
        return False
    if is_put_to_somebody(heard) or (heard.named and len(heard.signals.tokens) <= _CURT):
        return False
    if any(cue.kind.churn and cue.end - cue.start > 1 for cue in heard.signals.cues):
        return False
    return all(cue.kind.name in MOODS for cue in heard.signals.cues if not cue.kind.calm and cue.kind.weight > 0)


def is_calm(heard: Features) -> bool:
    """Whether a post speaks to nobody, and nothing in it is wrong, asked, or bitter.

    Teachers never saw such a post as one of two answers: reviews are for or against, and what is merely told ("fog over
    the harbour, bread in the basket") stays in the middle between them. So it takes more to be shown to staff.
    """
    return not any(map(heard.values.get, _NOT_CALM))


# Words before a handle that make it part of a sentence: "at @brand", "by @brand", "via @brand".
_BEFORE_NAMES_WORDS = "via by at from with of on in for and the a my our your to vs or rt mt cc w & than like"
_BEFORE_NAMES = frozenset(_BEFORE_NAMES_WORDS.split())
MOODS = frozenset({"bad", "maybe_bitter", "again", "thanks_for_nothing"})
# What makes a post more than calm: each is a signal that is absent or more than nothing.
_NOT_CALM = (
    "kinds", "negated_praise", "direct", "many_people", "hashtags", "link", "repost", "sad_face",
    "asks_us", "question", "wants", "why", "again", "maybe_bitter", "bad_feeling",
)  # fmt: skip
