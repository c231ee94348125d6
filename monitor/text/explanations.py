"""What people are told of a verdict: why a post is shown, whether it is praise, and what it is about."""

from __future__ import annotations

from alerts.case import Lane
from connectors import Post
from monitor.text.contributions import FELT
from monitor.text.features import Features
from monitor.text.triage import asks_us

PRAISE = ("praise worth thanks",)
SPAM = ("offers a telephone number to call",)
_TOOK_TIME = 20  # words, signs counted too


def reasons_of(heard: Features, lane: Lane, star_reason: str) -> tuple[str, ...]:
    """Say in words for people what decided it, the weightiest first; nothing is said of a post that is left alone."""
    if lane == "none":
        return ()
    values = heard.signals.values
    reasons: list[str] = []
    reasons.extend(dict.fromkeys(f"{cue.kind.says}: {cue.words}" for cue in heard.critical))
    if star_reason:
        reasons.append(star_reason)
    ours = [cue for cue in heard.signals.cues if not cue.kind.calm and cue.kind.name not in ("ask", "again")]
    ours.sort(key=lambda cue: (-cue.kind.weight, cue.start))
    words = list(dict.fromkeys(cue.words for cue in ours))[:3]
    if words:
        reasons.append(f"says: {', '.join(words)}")
    if any(cue.kind.churn for cue in ours):
        reasons.append("may leave")
    if values.get("negated_praise"):
        reasons.append("negated praise")
    if asks_us(heard):
        reasons.append("asks us a question")
    if values.get("shouting", 0) >= 1:
        reasons.append("shouts")
    if heard.sentiment.label == "negative":
        told = ", ".join(heard.sentiment.words[:3])
        reasons.append(f"sounds negative{f' ({told})' if told and not words else ''}")
    elif heard.felt.odds >= FELT and not words:
        reasons.append(f"sounds negative ({', '.join(heard.felt.words)})")
    if heard.unread:
        reasons.append(f"in a language that is not read here ({heard.language})")
    return tuple(reasons) or (("reads like a complaint",) if lane == "ping" else ())


def is_praise(post: Post, heard: Features) -> bool:
    """Is this praise worth a thank-you: said warmly, in words of one's own, and with nothing wrong in it?

    Of the thousands of five stars with three words, only those count that somebody took the time to write.
    """
    values = heard.signals.values
    if any(not cue.kind.calm and cue.kind.weight > 1 for cue in heard.signals.cues) or values.get("repost"):
        return False
    if post.rating is not None and (post.rating < 5 or len(heard.signals.tokens) < _TOOK_TIME):
        return False
    if asks_us(heard) or values.get("demand") or values.get("ask") or values.get("sad_face"):
        return False
    warm = heard.sentiment.label == "positive" and heard.sentiment.score >= 0.4
    personal = values.get("direct") or values.get("second_person") or values.get("first_person")
    return bool(warm and values.get("praise") and personal and not values.get("news"))


def tags_of(heard: Features) -> tuple[str, ...]:
    """Return the stage of the customer's way, whether a promise was not kept, and whether somebody was hurt."""
    tags = [f"stage:{stage}" for stage in heard.signals.stages()[:1]]
    tags.extend(dict.fromkeys(cue.kind.tag for cue in heard.signals.cues if cue.kind.tag))
    tags.extend(("hurt",) if any(cue.kind.name == "injury" for cue in heard.critical) else ())
    return tuple(tags)
