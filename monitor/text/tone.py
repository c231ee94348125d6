"""Reads a reply before (or after) a customer does: does it blame, hide behind a policy, give homework, forget to say
sorry? Pure: text in, remarks out. It advises; a person decides.

English stands here, the other languages that the judge reads in `words/tone.toml`. All are asked at once.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

_LONGEST = 10_000
_OTHERS = tomllib.loads((Path(__file__).parent / "words" / "tone.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to look at again: its kind, the words that show it ("" for something missing), and what to do."""

    kind: str
    words: str
    advice: str


def _any(phrases: str, others: str) -> re.Pattern[str]:
    """One pattern of phrases that stand one a line, and of those that `words/tone.toml` has under a name."""
    lines = [*(line.strip() for line in phrases.splitlines() if line.strip()), *_OTHERS[others]]
    return re.compile(rf"(?<!\w)(?:{'|'.join(lines)})(?!\w)", re.IGNORECASE)


_RULES: tuple[tuple[str, re.Pattern[str], str], ...] = (
    (
        "blames",
        _any(
            r"""
            you(?:'ve| have)? (?:should|could|must|ought to) have \w+
            you(?:'ve| have)? (?:failed|forgot|forgotten|neglected|refused) to
            you (?:did not|didn't|do not|don't|never) (?:\w+ )?(?:read|follow|check|provide|tell|contact|use|understand)
            (?:your|their) (?:own )?(?:fault|mistake|error|responsibility)
            user error
            as (?:we|I) (?:already )?(?:told|explained|said)(?: to)? you
            if you had \w+
            nobody else (?:has )?(?:complained|had)
            you (?:are|were|'re) (?:wrong|mistaken|confused)
            calm down
            (?:we are|we're|I am|I'm)? ?sorry (?:that |if )?you (?:feel|felt)
            sorry if you
        """,
            "blames",
        ),
        "Leave out whose fault it was: say what you do about it.",
    ),
    (
        "hides behind a policy",
        _any(
            r"""
            (?:as )?per (?:our|the|company) (?:policy|policies|terms|guidelines|procedures?)
            (?:our|company) (?:policy|policies|terms|procedures?) (?:is|are|states?|says?|does not|do not|don't|doesn't)
            according to our (?:policy|policies|terms|records)
            against (?:our|company) policy
            (?:we are|we're|I am|I'm) (?:not able|unable) to
            terms and conditions
            (?:there is |there's )?nothing (?:we|I) can do
        """,
            "policy",
        ),
        "Say what you can do, not what a rule forbids.",
    ),
    (
        "gives the customer homework",
        _any(
            r"""
            you (?:will )?(?:must|need to|have to|are required to)
            (?:call|phone|ring|e-?mail|write to|contact|reach out to|message|dm|pm) (?:us|our|the|support|customer)
            (?:send|shoot|drop) us an?
            (?:fill (?:in|out)|submit|raise|open|log) (?:a|an|the|our|this) (?:\w+ )?(?:form|ticket|request|case)
            (?:visit|see|check|go to) (?:our|the) (?:website|site|faq|help|page)
            try again later
            please provide
        """,
            "homework",
        ),
        "Do the next step for them, or offer to: one contact should be enough.",
    ),
    (
        "promises without a date",
        _any(
            r"""
            as soon as possible
            asap
            in due course
            shortly
            at your earliest convenience
            we (?:are|'re) looking into (?:it|this)
        """,
            "undated",
        ),
        "Say who will do what by when.",
    ),
    (
        "sounds like a machine",
        _any(
            r"""
            dear (?:valued )?(?:customer|sir|madam|user|client)
            we apologi[sz]e for any inconvenience
            any inconvenience (?:(?:this|it|that) )?(?:(?:may|might) have )?caused
            your (?:call|feedback|business) is important
            thank you for your (?:patience|understanding)
            rest assured
        """,
            "machine",
        ),
        "Use their name, and say what went wrong in plain words.",
    ),
)
_SORRY = _any(
    r"""
    sorry
    apologi[sz]e|apolog(?:y|ies)
    our (?:mistake|fault|error|bad)
    we (?:messed|screwed) up|we let you down
    tut (?:uns|mir) leid|entschuldig\w+
    désolée?s?|excus\w+|pardon
    lo siento|lamentamos|perd[oó]n|disculp\w+
    mi dispiace|ci dispiace|scus\w+
    desculp\w+
    het spijt|excuses
""",
    "sorry",
)
_FIRST_PERSON = _any("(?:I|we)(?:'(?:ll|ve|re|m|d))?|my|our|us|wir|ich|nous|je|nosotros", "first_person")


def check(reply: str, *, we_failed: bool = False, limit: int | None = None) -> tuple[Remark, ...]:
    """Remarks on a reply, the worst first. `we_failed`: the customer complains about something that went wrong here.

    `limit` is how many characters the network takes.
    """
    text = " ".join(reply[:_LONGEST].replace("’", "'").split())
    if not text:
        return ()
    found = [
        Remark(kind, match.group(0), advice) for kind, pattern, advice in _RULES if (match := pattern.search(text))
    ]
    if we_failed and not _SORRY.search(text):
        found.insert(0, Remark("does not say sorry", "", "Something went wrong here: say sorry once, plainly, first."))
    if we_failed and not _FIRST_PERSON.search(text):
        found.append(Remark("nobody speaks", "", 'Say "I" or "we": somebody owns this.'))
    letters = [letter for letter in text if letter.isalpha()]
    if len(letters) >= 20 and sum(letter.isupper() for letter in letters) > len(letters) * 0.6:
        found.append(Remark("shouts", "", "Write in small letters."))
    if limit is not None and len(reply.strip()) > limit:
        over = len(reply.strip()) - limit
        found.insert(0, Remark("too long", "", f"This network takes {limit:,} characters: {over:,} too many."))
    return tuple(found)
