"""Who is called, who is shown, who is left alone: the lines between the lanes, and what moves a post over one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from alerts.case import Lane
from monitor.text.complaint_signals import BRAND, HEARD, LINK, PERSON
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
_NEVER = 0.995  # no sum of feelings is above it
_ASKED_ELSEWHERE = 0.6  # a ping of a question in a language that no model knows
_NOTHING_SAID = 0.7  # the list for one in which nothing is wrong, asked or unhappy either
_OF_NOBODY = 0.15  # more for the list, where we are named, nothing is wrong or asked, and nobody tells of their own
_SHORT = 8  # words and signs: with so few, a link is the picture that shows it
_FEW = 14  # words and signs of a post that says what is wrong and no more
_ASKED = 0.75  # of the line of a ping: who asks us plainly waits for an answer, unless it reads as small talk
_ONE_QUESTION = 12  # words and signs of a post that is one question and nothing else
_RULED = frozenset(HEARD) - {"en"}  # the rules judge alone there
_PLEASE = frozenset({"please", "pls", "plz", "bitte", "svp", "favor", "alstublieft"})
_TELLS = ("praise", "news", "link", "repost", "happy_face")  # who asks so is telling, not asking
_ASKS_FIRST = frozenset({"does", "do", "is", "are", "can", "will", "has", "did"})  # a question, mark or none
_STRONG = 1.5  # the weight of a cue that five stars do not outvote


def lane_of(needs: float, lines: Thresholds, heard: Features, *, ours: bool, ruled: bool, stars: bool) -> Lane:
    """Return the lane of a post by how much it needs an answer.

    `ours`: it replies to us, or reviews us. `ruled`: no model knows its language. `stars`: stars have already spoken.
    """
    ping, sweep = begin(lines, heard, ours=ours, ruled=ruled)
    lane: Lane = "ping" if needs >= ping else "sweep" if needs >= sweep else "none"
    if lane == "none" and (asks_us(heard) or heard.values.get("mixed")):
        lane = "sweep"  # what is asked waits for an answer; warm words beside a trouble may be bitter
    if heard.wordless and not stars:
        calls = heard.values.get("question") and (heard.called or heard.values.get("direct"))
        lane = "sweep" if heard.values.get("sad_face") or calls else "none"
    if lane != "ping" and (rings(heard.critical) or may_be_harm(heard.critical) or (heard.critical and not ours)):
        values = heard.signals.values
        told_by = ("first_person", "direct", "second_person")
        told_of_us = may_be_harm(heard.critical) and heard.named  # of a hole in what we run nobody tells as their own
        personal = rings(heard.critical) or told_of_us or any(map(values.get, told_by))
        lane = "ping" if lane == "sweep" or personal else "sweep"
    if heard.unread and not stars and not heard.critical:
        lane = "sweep"  # nothing is known of it: somebody who reads that language has a look, nobody is woken
    return lane


def begin(lines: Thresholds, heard: Features, *, ours: bool, ruled: bool) -> tuple[float, float]:
    """Return where a ping and where the sweep begins for this post: lower the surer it is that it is put to us."""
    if not (ours or ruled) and asks_plainly(heard):
        return lines.ping * _ASKED, lines.sweep
    if ruled and not ours and _is_only_felt(heard):
        return _of_no_trouble(lines, heard)
    repost = heard.signals.values.get("repost")
    if not (ours or repost) and (heard.to_others or (not ruled and _is_only_a_mood(heard))):
        return lines.ping_aside, lines.sweep
    if ours or (tells_of_trouble(heard) if ruled else speaks_to_us(heard)):
        told = not (ours or ruled or is_put_to_somebody(heard) or _says_it_of_us(heard))
        return (lines.ping_told if told else 0.0) or lines.ping, lines.sweep
    if is_calm(heard):
        return lines.ping_aside, lines.sweep_calm or lines.sweep
    # What does not name us was taken in because it stands where only we are spoken of.
    own = heard.values.get("first_person") or tells_of_trouble(heard) or not heard.named
    more = 0.0 if own or not lines.sweep_aside else _OF_NOBODY
    return lines.ping_aside, min(0.95, lines.sweep_aside + more) or lines.sweep


def _is_only_felt(heard: Features) -> bool:
    """Whether VADER is silent, and words of feeling and questions are all there is."""
    return heard.sentiment.label == "unknown" and (not tells_of_trouble(heard) or _is_only_a_mood(heard))


def _of_no_trouble(lines: Thresholds, heard: Features) -> tuple[float, float]:
    """Return the lines where no cue tells what went wrong.

    People are called where it is said of us or put to somebody: who grumbles at the heat wants nothing of anybody.
    """
    asked, unhappy = asks_us(heard), heard.felt.unhappy or tells_of_trouble(heard)
    if is_put_to_somebody(heard) or heard.named:
        ping = lines.ping_aside if unhappy else _NEVER
        return min(ping, _ASKED_ELSEWHERE) if asked else ping, lines.sweep
    return _NEVER, lines.sweep if unhappy or asked else max(lines.sweep, _NOTHING_SAID)


def _says_it_of_us(heard: Features) -> bool:
    """Whether somebody leaves us, or names us in few words that tell of a trouble: who says so little means us."""
    cues = [cue for cue in heard.signals.cues if not cue.kind.calm]
    if any(cue.kind.churn and cue.end - cue.start > 1 for cue in cues):
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
    return not values.get("link") or (len(heard.signals.tokens) <= _SHORT and not values.get("news"))


def is_put_to_somebody(heard: Features) -> bool:
    """Whether it begins or ends with a handle, names ours, or says "you" and names one."""
    values = heard.signals.values
    if heard.called or values.get("direct") or (values.get("second_person") and values.get("many_people")):
        return True
    return bool(values.get("many_people") and not heard.named) and _ends_with_a_call(heard.signals.tokens)


def _ends_with_a_call(tokens: Sequence[str]) -> bool:
    """Whether the last word is a handle that is called, as in "it is Tuesday. @brand"; not one of a sentence."""
    said = [token for token in tokens if token not in _STOPS and token != LINK]
    return len(said) > 1 and said[-1] == PERSON and said[-2] not in _BEFORE_NAMES


def asks_about_us(heard: Features) -> bool:
    """Whether a question names us, though it is put to nobody: "does BRAND ship to Norway", "Is it dry? @brand"."""
    values, tokens = heard.signals.values, heard.signals.tokens
    if values.get("repost") or values.get("link") or values.get("asks_us") or _trades_privately(tokens):
        return False
    if values.get("question"):
        return BRAND in tokens or bool(values.get("many_people"))
    if BRAND in tokens and any(cue.kind.name == "ask" and cue.end - cue.start > 1 for cue in heard.signals.cues):
        return not any(map(values.get, _TELLS))
    return len(tokens) > 2 and tokens[0] in _ASKS_FIRST and BRAND in tokens[1:4]


def _trades_privately(tokens: Sequence[str]) -> bool:
    """Whether people are asked to sell or to take a thing of our make: "anybody selling a used BRAND"."""
    if _ASK_OTHERS.isdisjoint(tokens):
        return False
    return any(pair in _TRADES for pair in pairwise(tokens))


def asks_plainly(heard: Features) -> bool:
    """Whether a plain question is put to us: to our handle, or it names us and begins as questions do.

    Who asks everybody, whether "anyone" knows, or themselves ("would I switch back?") waits for no answer of ours.
    """
    values, tokens = heard.signals.values, heard.signals.tokens
    if not values.get("question") or heard.to_others or any(map(values.get, _NOT_PLAIN)):
        return False
    if heard.called:
        return True
    if values.get("hashtags") or values.get("many_people") or not _ASK_OTHERS.isdisjoint(tokens):
        return False
    start = 0
    for place, token in enumerate(tokens):
        if token in _QUESTION_MARKS and _begins_a_question(tokens[start:place]):
            return True
        if token in _STOPS:
            start = place + 1
    return False


def _begins_a_question(said: Sequence[str]) -> bool:
    """Whether a sentence names us and begins with a word that asks."""
    words = [token for token in said if token not in _BEFORE]
    if BRAND not in said or len(words) < 3 or words[1] in _SELVES or "me" in words[1:4]:
        return False
    return words[0] in _ASKING_WORDS or tuple(words[:2]) == ("any", "idea")


def _is_only_a_mood(heard: Features) -> bool:
    """Whether somebody swears or is cross, puts it to nobody, and says nothing that went wrong."""
    if (
        heard.tagged
        or is_put_to_somebody(heard)
        or _says_it_of_us(heard)
        or not heard.values.get("kinds")
        or heard.values.get("ask")
    ):
        return False
    return all(cue.kind.name in MOODS for cue in heard.signals.cues if not cue.kind.calm and cue.kind.weight > 0)


def asks_on(heard: Features) -> bool:
    """Whether somebody who writes on in their own case asks, or wants something: in a few words or many."""
    values = heard.signals.values
    return bool(values.get("question") or values.get("ask") or values.get("demand") or values.get("wants"))


def asks_us(heard: Features) -> bool:
    """Whether something is asked of us: a question or a request that is put to us, in whatever mood.

    Where no model knows the language, a question with the words of one is enough.
    """
    values = heard.signals.values
    if asks_about_us(heard):
        return True
    to_us = values.get("direct") or heard.called
    if to_us and values.get("ask") and not (values.get("repost") or values.get("no_complaint")):
        return True
    if values.get("repost") or values.get("news") or heard.unread:
        return False
    if values.get("asks_us") or (to_us and (values.get("demand") or _begs(heard))):
        return True
    asked = values.get("ask") or values.get("demand") or len(heard.signals.tokens) <= _ONE_QUESTION
    return bool(heard.language in _RULED and values.get("question") and asked and not values.get("link"))


def _begs(heard: Features) -> bool:
    """Whether it says please, or asks for help: "thanks for the help" does not."""
    values = heard.signals.values
    if not values.get("wants"):
        return False
    return not (values.get("solved") or values.get("praise")) or not _PLEASE.isdisjoint(heard.signals.tokens)


def is_calm(heard: Features) -> bool:
    """Whether a post speaks to nobody, and nothing in it is wrong, asked, or bitter.

    Teachers never saw such a post as one of two answers: reviews are for or against, and what is merely told ("fog over
    the harbour, bread in the basket") stays in the middle between them. So it takes more to be shown to staff.
    """
    return not any(map(heard.values.get, _NOT_CALM))


MOODS = frozenset({"bad", "maybe_bitter", "again", "thanks_for_nothing"})
_NOT_PLAIN = ("repost", "link", "praise", "solved", "no_complaint")
_QUESTION_MARKS = frozenset({"?", "??", "?!"})
_STOPS = _QUESTION_MARKS | {"!", "!!", ".", "..", "…", ";"}
_BEFORE_WORDS = "hi hey hello hallo hola ciao ola bonjour so and ok okay but question frage ps"
_BEFORE = frozenset(_BEFORE_WORDS.split())
# Words before a handle that make it part of a sentence: "at @brand", "by @brand", "via @brand".
_BEFORE_NAMES_WORDS = "via by at from with of on in for and the a my our your to vs or rt mt cc w & than like"
_BEFORE_NAMES = frozenset(_BEFORE_NAMES_WORDS.split())
_SELVES = frozenset({"i", "we", "ich", "wir", "je", "io", "noi", "eu", "ik"})  # they ask themselves
_ASK_OTHERS_WORDS = """
    anyone anybody anyones someone somebody everyone everybody everybodys people guys folks who whos jemand wer
    irgendwer alguien quelquun qualcuno alguem iemand
"""
_TRADES = frozenset(
    (first, second)
    for first, seconds in {
        "selling": "a an their his her used old", "sell": "their his her used old", "want": "my our", "buy": "my our",
        "wants": "my our", "buying": "my our", "swap": "my our", "a": "used secondhand", "take": "our",
    }.items()
    for second in seconds.split()
)  # fmt: skip
_ASK_OTHERS = frozenset(_ASK_OTHERS_WORDS.split())
_ASKING_WORDS_LIST = """
    what whats when where which how why is are does do did can could will has have was were
    wann wie wo was warum wieso welche welcher welches gibt ist sind kann hat wird liefert passt
    quand comment quel quelle quels quelles combien pourquoi peut
    cuando como donde cual cuanto cuanta hay puedo por
    quando come dove quale quanto posso perche
    onde qual tem wanneer hoe waar wat welke zijn kunnen waarom
"""
_ASKING_WORDS = frozenset(_ASKING_WORDS_LIST.split())
# What makes a post more than calm: each is a signal that is absent or more than nothing.
_NOT_CALM = (
    "kinds", "negated_praise", "direct", "many_people", "hashtags", "link", "repost", "sad_face",
    "asks_us", "question", "wants", "why", "again", "maybe_bitter", "bad_feeling",
)  # fmt: skip
