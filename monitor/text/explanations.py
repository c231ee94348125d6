"""What people are told of a verdict: why a post is shown, whether it is praise, and what it is about."""

from __future__ import annotations

import re
from collections.abc import Sequence

from alerts.case import Lane
from connectors import Post
from monitor.text.asking import asks_about_us, asks_us, only_says_our_name, praises
from monitor.text.complaint_signals import BRAND, LINK, NUMBER, PERSON, Found
from monitor.text.contributions import FELT
from monitor.text.critical import matters
from monitor.text.features import Features
from monitor.text.likely_harm import MAYBE
from monitor.types import Verdict

PRAISE = ("praise worth thanks",)
SPAM = ("offers a telephone number to call",)
LIKE_A_COMPLAINT = "reads like a complaint"
ASKS = "asks you a question"
ASKS_TO_ACT = "asks you to act"
NEGATIVE = "sounds negative"
NOT_GOOD = "says that something is not good"
UNREAD = "in a language that is not read here"
_TOOK_TIME = 20  # words, signs counted too
_WARM = 0.4  # the sentiment of praise
_TWICE = 2  # words of praise that make it warm in a language that VADER does not know
# What makes such words doubtful there: "super, danke, seit drei Stunden", "nicht toll", "toll, aber".
_DOUBTFUL = ("negated_praise", "negations", "contrast", "mixed", "maybe_bitter", "question", "kinds", "times")
_MOST_WORDS = 3  # of the post, that one reason names
# What a kind of cue says that the writer does; every other kind reports a fault.
_DOES = {
    "bad": "complains",
    "rude": "complains",
    "thanks_for_nothing": "complains",
    "maybe_bitter": "complains",
    "demand": ASKS_TO_ACT,
    "leaving": "may leave",
    "promise": "tells of a promise",
    "wish": "wishes for something",
    "waiting": "waits",
    "nobody_answers": "gets no answer",
    "billing": "writes about money",
}
_FAULT = "reports a fault"
_MAY_BE_BITTER = "may be bitter"  # words of praise, and nothing that went wrong
_BROKEN = frozenset({"down", "broken", "out"})
STUCK = "cannot"  # beside a question it says what is asked for: "do you ship to Norway? I cannot find it"
_STANDS_FOR = re.compile(rf"{LINK}|{PERSON}|{NUMBER}|\b{BRAND}\w*")  # "thisbrands": its plural and genitive too
# English words that lost their apostrophe, parted where it was: doesn-t, else-s, they-ve.
_CUT_SHORT = re.compile(
    r"\b(?:((?:do|does|did|is|are|was|were|has|have|had|ca|could|would|should|wo)n)(t)"
    r"|(else|(?:any|every|no|some)body|(?:any|every|some)one)(s)|(i|they|we|you)(ve))\b"
)
_VERBS = frozenset({_FAULT, _MAY_BE_BITTER, MAYBE.says, *_DOES.values()})
# How a reason reads after "because it", where that is not the reason itself.
_AFTER_IT = (
    (" star", "gives {}"),
    (" stars", "gives {}"),
    ("in a language", "is {}"),
    ("a sad face", "shows {}"),
    ("none of your", "has {}"),
)


def reasons_of(
    heard: Features,
    lane: Lane,
    star_reason: str,
    *,
    negative: bool = False,
    answers_us: bool = False,
    follows: bool = False,
) -> tuple[str, ...]:
    """Say in words for people what decided it, the weightiest first; nothing is said of a post that is left alone.

    Most say what the writer does ("reports a fault: never arrived"), and can follow "because it".
    """
    if lane == "none":
        return ()
    values = heard.signals.values
    reasons: list[str] = []
    reasons.extend(_dangers(heard))
    if star_reason:
        reasons.append(star_reason)
    stuck = bool(values.get("question")) and any(cue.words == STUCK for cue in heard.signals.cues)
    told = _told(heard, without=STUCK if stuck else "")
    reasons.extend(told)
    named = bool(told or heard.critical)
    if values.get("negated_praise"):
        reasons.append(NOT_GOOD)
    if (asks_us(heard) and not _asks_in_form_only(heard, told)) or (stuck and not told):
        reasons.append(ASKS)
    if values.get("shouting", 0) >= 1:
        reasons.append("shouts")
    if negative and heard.sentiment.label == "negative":
        words = ", ".join(heard.sentiment.words[:_MOST_WORDS])
        reasons.append(f"{NEGATIVE}{f' ({words})' if words and not named else ''}")
    elif heard.felt.odds >= FELT and not named:
        reasons.append(f"{NEGATIVE} ({', '.join(heard.felt.words)})")
    if heard.unread:
        reasons.append(f"{UNREAD} ({heard.language})")
    return tuple(readable(reason, heard) for reason in reasons) or (
        _nothing_named(heard, answers_us=answers_us, follows=follows),
    )


def _asks_in_form_only(heard: Features, told: Sequence[str]) -> bool:
    """Whether what looks asked has been told as what it is: "please add oat milk", "BRAND? Never again"."""
    values = heard.signals.values
    if told and only_says_our_name(heard):
        return True
    bids = any(reason.startswith(ASKS_TO_ACT) for reason in told)
    return bids and not (values.get("question") or values.get("ask") or asks_about_us(heard))


def readable(reason: str, heard: Features) -> str:
    """A reason as people read it, "day 9 of waiting": what stands for a link or a name is an ellipsis.

    Cues are found in words without apostrophes; people read them with, where leaving one out makes no other word.
    """
    if NUMBER in reason:
        what, colon, words = reason.partition(": ")
        reason = what + colon + ", ".join(_numbered(each, heard.text) for each in words.split(", "))
    reason = _STANDS_FOR.sub("…", reason)
    if heard.language != "en":
        return reason
    return _CUT_SHORT.sub(lambda found: "'".join(part for part in found.groups() if part), reason)


def _numbered(words: str, text: str) -> str:
    """The words of a cue with the numbers that the post has in them; where they are not found so, as they are."""
    parts = [r"(\d+)" if word == NUMBER else re.escape(word) for word in words.split()]
    written = re.search(r"\W+".join(parts), text, re.IGNORECASE) if NUMBER in words else None
    numbers = iter(written.groups() if written else ())
    return re.sub(re.escape(NUMBER), lambda _: next(numbers, NUMBER), words)


def _dangers(heard: Features) -> list[str]:
    """What is critical, each with its words; what a longer reason of the same kind says already is not said again."""
    found = list(dict.fromkeys((cue.kind.says, cue.words) for cue in heard.critical))
    told: dict[str, list[str]] = {}
    for says, words in found:
        kind = told.setdefault(says, [])
        if words and not any(says == other and words != more and f" {words} " in f" {more} " for other, more in found):
            kind.append(words)
    return [f"{says}: {', '.join(words)}" if words else says for says, words in told.items()]


def _told(heard: Features, *, without: str = "") -> list[str]:
    """What the cues of a post say that its writer does, each with its words: "reports a fault: never arrived, awful".

    What a critical reason has said already is not said again, nor the words `without`.
    """
    cues = [cue for cue in heard.signals.cues if not cue.kind.calm and cue.kind.name not in ("ask", "again")]
    cues.sort(key=lambda cue: (-cue.kind.weight, cue.start))
    said = {cue.words for cue in heard.critical} | {without}
    told: dict[str, list[str]] = {}
    room = _MOST_WORDS
    wrong = heard.signals.values.get("kinds") or heard.critical
    for cue in cues:
        if cue.words in said:
            continue
        does = _MAY_BE_BITTER if cue.kind.name == "maybe_bitter" and not wrong else _does(cue)
        words = told.setdefault(does, [])
        if room:
            words.append(cue.words)
            said.add(cue.words)
            room -= 1
    return [f"{does}: {', '.join(words)}" if words else does for does, words in told.items()]


def _does(cue: Found) -> str:
    """What the writer of a cue does. What has been down for days is a fault, whoever waits for it."""
    if cue.kind.name == "waiting" and not _BROKEN.isdisjoint(cue.words.split()):
        return _FAULT
    return _DOES.get(cue.kind.name, _FAULT)


def _nothing_named(heard: Features, *, answers_us: bool, follows: bool) -> str:
    """The reason of a post that no cue, question or feeling brought here: to whom it speaks, else how it reads."""
    if heard.wordless:
        return "a sad face"
    if follows:
        return "writes again"
    if answers_us:
        return "replies to you"
    if heard.called or heard.signals.values.get("direct"):
        return "speaks to you"
    return LIKE_A_COMPLAINT


def sentence(verdict: Verdict, ping: float, sweep: float) -> str:
    """Say of one verdict what becomes of the post, why, and how near it is to the lines that hold for it.

    "may need an answer because it reports a fault (never arrived) and asks you a question: it goes into the list; a
    ping from 0.62 on, this is 0.58".
    """
    because = _because(verdict.reasons)
    what = {
        "ping": f"needs an answer{because}: people are alerted",
        "sweep": f"may need an answer{because}: it goes into the list",
        "none": f"needs no answer{because or ', because nothing in it is asked of you, and nothing is wrong'}",
    }[verdict.lane]
    if verdict.praise:
        what = "is praise worth thanks: it goes into the list"
    needs = verdict.needs_answer
    lines = f"a ping from {ping:.2f} on, this is {needs:.2f}"
    by_figure: Lane = "ping" if needs >= ping else "sweep" if needs >= sweep else "none"
    if "none" in (verdict.lane, by_figure):
        lines = f"the list from {sweep:.2f} on, {lines}"
    if by_figure != verdict.lane:
        alone = {"ping": "would alert people", "sweep": "would put it into the list", "none": "would leave it alone"}
        lines += f" (the figure alone {alone[by_figure]})"
    return f"{what}; {lines}"


def _because(reasons: Sequence[str]) -> str:
    said = []
    for reason in reasons:
        before, colon, words = reason.partition(": ")
        plain = f"{before} ({words})" if colon else reason
        if colon and before not in _VERBS:  # what a critical word is about
            plain = f"tells of {plain}"
        form = next((form for mark, form in _AFTER_IT if reason.endswith(mark) or reason.startswith(mark)), "{}")
        said.append(form.format(plain))
    if not said:
        return ""
    return " because it " + (f"{', '.join(said[:-1])} and {said[-1]}" if len(said) > 1 else said[0])


def is_unread(verdict: Verdict) -> bool:
    """Whether a post is shown unjudged, because nobody here reads its language."""
    return verdict.lane == "sweep" and any(reason.startswith(UNREAD) for reason in verdict.reasons)


def is_praise(post: Post, heard: Features) -> bool:
    """Is this praise worth a thank-you: said warmly, in words of one's own, and with nothing wrong in it?

    Of the thousands of five stars with three words, only those count that somebody took the time to write.
    """
    values = heard.signals.values
    if not values.get("praise") or not _is_warm(heard):
        return False
    if any(not cue.kind.calm and cue.kind.weight > 1 for cue in heard.signals.cues) or values.get("repost"):
        return False
    if post.rating is not None and (post.rating < 5 or len(heard.signals.tokens) < _TOOK_TIME):
        return False
    if asks_us(heard) or values.get("demand") or values.get("ask") or values.get("sad_face"):
        return False
    personal = values.get("direct") or values.get("second_person") or values.get("first_person")
    return bool(personal and not values.get("news"))


def _is_warm(heard: Features) -> bool:
    """Whether it feels warm: by VADER, or where that is silent by two words of praise, and no doubt."""
    if heard.sentiment.label != "unknown":
        return heard.sentiment.label == "positive" and heard.sentiment.score >= _WARM
    values = heard.signals.values
    return (
        values.get("praise", 0.0) >= _TWICE
        and praises(heard)
        and not (heard.felt.unhappy or heard.felt.odds > 0 or any(map(values.get, _DOUBTFUL)))
    )


def tags_of(heard: Features) -> tuple[str, ...]:
    """Return the stage of the customer's way, whether a promise was not kept, and whether somebody was hurt."""
    tags = [f"stage:{stage}" for stage in heard.signals.stages()[:1]]
    tags.extend(dict.fromkeys(cue.kind.tag for cue in heard.signals.cues if cue.kind.tag))
    tags.extend(matters(heard.critical))
    tags.extend(("hurt",) if any(cue.kind.name == "injury" for cue in heard.critical) else ())
    return tuple(tags)
