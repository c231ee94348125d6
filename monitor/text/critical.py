"""Which critical words are meant: our product did the harm, or one of our customers suffers it.

No word is critical by itself. "Caught fire" or "someone else's orders" tell of something that happened; "exploded" does
where the writer tells of themselves or speaks to us; "lawyer" only names a matter, and takes a writer who speaks to us,
or who is in trouble. A matter in a joke, in praise or in a plan is none. What the settings call critical always is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

from monitor.text.complaint_signals import Found, Signals
from monitor.text.lexicon import Felt
from monitor.text.negation import less_denied
from monitor.text.sentiment import Sentiment

_CONTEXT = tomllib.loads((Path(__file__).parent / "words" / "critical_context.toml").read_text(encoding="utf-8"))
_MATTERS = frozenset(_CONTEXT["matters"])
_CAUSES = frozenset(_CONTEXT["causes"].split())
_IDLE = frozenset(_CONTEXT["idle"].split())
_HARM = frozenset({"injury", "fire"})
_TROUBLED = 0.5  # log odds of what is felt in a language that VADER does not know
_PLEASED = 0.4  # VADER's score of a post that is content


def meant(
    cues: Sequence[Found], signals: Signals, language: str, sentiment: Sentiment, felt: Felt
) -> tuple[Found, ...]:
    """Return the critical cues that are meant."""
    said = [cue for cue in less_denied(cues, signals.tokens, language) if cue.kind.name != "harmless"]
    if not said:
        return ()
    values = signals.values
    us = bool(values.get("direct") or values.get("second_person"))
    own = bool(values.get("first_person"))
    wrong = bool(values.get("kinds") or values.get("negated_praise"))
    unhappy = wrong or sentiment.label == "negative" or felt.odds >= _TROUBLED
    caused = not _CAUSES.isdisjoint(signals.tokens)
    content = sentiment.score >= _PLEASED and not wrong
    idle = content or bool(values.get("praise") and not wrong) or not _IDLE.isdisjoint(signals.tokens)
    several = (
        len({cue.kind.name for cue in said}) > 1 or len({cue.start for cue in said if cue.end - cue.start > 1}) > 1
    )
    found = []
    for cue in said:
        matter = cue.words in _MATTERS or (cue.end - cue.start == 1 and cue.kind.name not in _HARM)
        if cue.kind.name == "own" or (not matter and cue.end - cue.start > 1):
            kept = True
        elif idle:
            kept = False
        elif not matter:
            kept = us or own or wrong or several or caused
        else:
            kept = us or several or (own and (wrong or caused)) or (own and unhappy and cue.kind.name not in _HARM)
        if kept:
            found.append(cue)
    return tuple(found)
