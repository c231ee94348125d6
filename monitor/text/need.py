"""How much a post needs us, of all that may need an answer: what the list is ordered by.

The judge's figure says how much a post is like those that needed an answer. In the list, where it is neither high nor
low, who asks, who is spoken to and whether something is wrong say more: a plain question stands above a bad mood. Sizes
are log odds, chosen on the halves called *dev* and on the fifth of the labels that is never trained on.
"""

from __future__ import annotations

import math

from monitor.text.features import Features
from monitor.text.triage import asks_us

MUST = 0.8  # of the posts of the list above it half are "must"; three in five of the list's musts stand there
_CONCRETE = 1.1  # the weight from which a cue tells of something that went wrong
_ASKED = 2.0
_ASKED_OTHERS = 1.0  # "does anybody know if ...": we could help, and nobody waits for us
_SPOKEN_TO = 1.5
_WRONG = 0.7
_DANGER = 2.0
_STARS = 1.0
_OF_THEMSELVES = 0.3
_ONLY_A_MOOD = -1.0  # it sounds negative, and nothing is named that went wrong
_TO_EVERYBODY = -1.0  # tags, and no handle
_PASSED_ON = -1.0
_LINK = -0.7
# Who is asked where a question is put to others.
_OTHERS_WORDS = """
    anyone anybody someone somebody everyone everybody people guys folks jemand wer irgendwer alguien quelquun qualcuno
    alguem iemand
"""
_OTHERS = frozenset(_OTHERS_WORDS.split())
_WROTE_BEFORE = 0.5
_NOT_ANSWERED = 1.0


def need_of(needs: float, heard: Features, *, answers_us: bool, stars: bool) -> float:
    """Return how much this post needs us, from 0 to 1; `needs` is what the judge's figure says."""
    values = heard.signals.values
    spoken_to = answers_us or heard.called or bool(values.get("direct"))
    wrong = any(not cue.kind.calm and cue.kind.weight >= _CONCRETE for cue in heard.signals.cues)
    given = (
        (_ASKED_OTHERS if not spoken_to and not _OTHERS.isdisjoint(heard.signals.tokens) else _ASKED, asks_us(heard)),
        (_SPOKEN_TO, spoken_to),
        (_WRONG, wrong),
        (_DANGER, bool(heard.critical)),
        (_STARS, stars),
        (_OF_THEMSELVES, bool(values.get("first_person"))),
        (_ONLY_A_MOOD, heard.sentiment.label == "negative" and not wrong),
        (_TO_EVERYBODY, bool(values.get("hashtags")) and not spoken_to),
        (_PASSED_ON, bool(values.get("repost"))),
        (_LINK, bool(values.get("link"))),
    )
    return _moved(needs, sum(size for size, holds in given if holds))


def with_history(need: float, *, contacts: int, unanswered: int) -> float:
    """Return it for somebody of whom `contacts` cases are known in 30 days, `unanswered` of the earlier ones never."""
    more = (_WROTE_BEFORE if contacts > 1 else 0.0) + (_NOT_ANSWERED if unanswered else 0.0)
    return _moved(need, more) if more else need


def _moved(share: float, odds: float) -> float:
    share = min(max(share, 1e-6), 1 - 1e-6)
    return round(1 / (1 + math.exp(-(math.log(share / (1 - share)) + odds))), 4)
