"""What the page of a case shows of translations: those that were made before, and where one can be asked for.

Looking at a page asks the model nothing; a press does (translating.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alerts.case import Case
from monitor.assistant import translation
from monitor.assistant.answers import Unavailable
from monitor.assistant.redaction import NOBODY, People
from monitor.assistant.translation import Translation
from monitor.settings.models import Settings
from monitor.text.language import UNKNOWN, detect, name_of
from monitor.types import Mention
from monitor.web.routing import RequestContext

USUAL = "en"  # of whoever has said nothing of the languages they speak: the page is in English, too


@dataclass(frozen=True, slots=True)
class Foreign:
    """Of something that was said in a language that its reader may not read: what it is in theirs, or could be."""

    key: str
    language: str  # what it is written in, in English words
    wanted: str  # into what it can be translated, in English words
    people: People  # whom it may name
    translation: Translation | None = None


def spoken_by(settings: Settings, name: str) -> tuple[str, ...]:
    """The languages that a person of the team reads, the one that translations are made into first."""
    for person in settings.people:
        if person.name == name and person.speaks:
            return person.speaks
    return (USUAL,)


def key_of(native_id: str) -> str:
    """What a form calls something that was said."""
    return hashlib.sha256(native_id.encode("utf-8", "replace")).hexdigest()[:16]


def foreign(
    context: RequestContext, case: Case, native_id: str, text: str, language: str, people: People, post_id: str
) -> Foreign | None:
    """What can be shown of a translation; None where there is no assistant, or the reader reads the language."""
    if not context.assembly.assistant.is_on or not text.strip():
        return None
    language = language or detect(text)
    spoken = spoken_by(context.settings, context.who.name)
    if language in {*spoken, UNKNOWN}:
        return None
    made = translated(context, case, text, spoken[0], people, post_id, only_kept=True)
    done = made if isinstance(made, Translation) else None
    return Foreign(key_of(native_id), name_of(language), name_of(spoken[0]), people, done)


def people_in(context: RequestContext, case: Case, names: Iterable[str]) -> People:
    """Whom the texts of a case may name, once for all of them: our staff, and whoever wrote in its conversation."""
    assistant = context.assembly.assistant
    return assistant.people_of(names=[*names, case.author]) if assistant.is_on else NOBODY


def translated(
    context: RequestContext,
    case: Case,
    text: str,
    language: str,
    people: People,
    post_id: str,
    *,
    only_kept: bool = False,
) -> Translation | Unavailable:
    """The text in this language: by the model, or with `only_kept` as it was translated before."""
    return translation.translate(
        context.assembly.assistant,
        text,
        language,
        now=context.now,
        people=people,
        posts=(post_id,) if post_id else (),
        cases=(case.id,),
        only_kept=only_kept,
    )


def language_of(told: Sequence[Mention]) -> str:
    """The language of the newest post of a case that is known; "" where none is."""
    for each in reversed(told):
        language = each.verdict.language or detect(each.post.text)
        if language not in {"", UNKNOWN}:
            return language
    return ""
