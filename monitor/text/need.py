"""How much a post needs us, of all that may need an answer: what pings and list are ordered by.

The judge's figure says how much a post is like those that needed an answer. Among those that stand in a lane, who is
spoken to, what went wrong and how much of it is told say more. Sizes are log odds, fitted to the grades of posts of the
halves called *dev* and of labelled reviews (a "look" counts two fifths), and rounded; danger and stars are set.
"""

from __future__ import annotations

import math

from monitor.text.asking import asks_plainly, asks_us, wishes
from monitor.text.features import Features
from monitor.text.triage import MOODS

MUST = 0.55  # on the sample day half of the list's posts above it are "must", and half of its musts stand there
_LEAST = 0.13  # of the posts of the halves called *dev* that need us less one in six was "look", and none "must"
_LIKENESS = 0.5  # how much the judge's own figure counts, in its log odds
_BEGINS = -0.5
_CONCRETE = 1.1  # the weight from which a cue tells of something that went wrong
_ASKED = 0.3
_QUESTION = 0.3
_SPOKEN_TO, _CALLED = 1.0, 0.4  # the judge's figure, too, is higher where our handle stands
_FACT = 0.1
_SEVERAL_FACTS = 0.4
_CROSS = -1.2  # bitter or rude words, and nothing that went wrong
_DANGER = 2.0
_STARS = 1.0
_OF_THEMSELVES = 0.3
_FIGURES = 0.4  # an order's number, a date, a sum: told so that somebody can look it up
_ONLY_A_MOOD = -0.5  # it sounds negative, and nothing is named that went wrong
_TO_EVERYBODY = -0.8  # tags, and no handle
_PASSED_ON = -1.0
_LINK = -0.3
_WROTE_BEFORE = 0.5
_NOT_ANSWERED = 1.0


def need_of(needs: float, heard: Features, *, answers_us: bool, stars: bool) -> float:
    """Return how much this post needs us, from 0 to 1; `needs` is what the judge's figure says."""
    values = heard.signals.values
    spoken_to = answers_us or heard.called or bool(values.get("direct") and not heard.to_others)
    cues = [cue for cue in heard.signals.cues if not cue.kind.calm and cue.kind.weight >= _CONCRETE]
    facts = [cue for cue in cues if cue.kind.name not in MOODS]
    given = (
        (_ASKED, asks_us(heard) and spoken_to and not asks_plainly(heard)),
        (_QUESTION, bool(values.get("question"))),
        (_SPOKEN_TO, spoken_to and not heard.called),
        (_CALLED, spoken_to and heard.called),
        (_FACT, bool(facts)),
        (_SEVERAL_FACTS, len(facts) > 1),
        (_CROSS, bool(cues) and not facts),
        (_DANGER, bool(heard.critical)),
        (_STARS, stars),
        (_OF_THEMSELVES, bool(values.get("first_person"))),
        (_FIGURES, bool(values.get("numbers"))),
        (_ONLY_A_MOOD, heard.sentiment.label == "negative" and not cues),
        (_TO_EVERYBODY, bool(values.get("hashtags")) and not spoken_to),
        (_PASSED_ON, bool(values.get("repost"))),
        (_LINK, bool(values.get("link"))),
    )
    return moved_by(needs, _BEGINS + sum(size for size, holds in given if holds), _LIKENESS)


def is_beneath_the_list(needs: float, heard: Features) -> bool:
    """Whether nobody would miss it in the list, by how much it needs us; `needs` is what the judge's figure says.

    Where no model knows the language, the figure says less: there only what is passed on is left out. What nobody
    here reads stays. What staff teach moves the lines, and not this.
    """
    values = heard.signals.values
    if heard.critical or heard.unread or values.get("mixed") or wishes(heard):
        return False
    if heard.named and values.get("asks_us"):  # "#BRAND do you sell gift cards?": put to us, though to no handle
        return False
    if heard.sentiment.label == "unknown" and not (values.get("link") or values.get("repost")):
        return False
    return need_of(needs, heard, answers_us=False, stars=False) < _LEAST


def with_history(need: float, *, contacts: int, unanswered: int) -> float:
    """Return it for somebody of whom `contacts` cases are known in 30 days, `unanswered` of the earlier ones never."""
    more = (_WROTE_BEFORE if contacts > 1 else 0.0) + (_NOT_ANSWERED if unanswered else 0.0)
    return moved_by(need, more) if more else need


def moved_by(share: float, odds: float, likeness: float = 1.0) -> float:
    """Return a share from 0 to 1 moved by so many log odds, of its own only the part `likeness`; to four places."""
    share = min(max(share, 1e-6), 1 - 1e-6)
    return round(1 / (1 + math.exp(-(likeness * math.log(share / (1 - share)) + odds))), 4)
