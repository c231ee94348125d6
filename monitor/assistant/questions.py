"""A question in words about what was found ("what do people say about the new checkout?"), answered with its posts.

The question's words are looked up in the posts; those that fit best are given to the model, which answers in claims.
Each claim has to name posts that it was given and to quote one of them word for word; a claim that does not, or that
has a number, an address or an "everybody" of its own, is left out. Where none is left, the answer is "not enough".
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel

from connectors.text import SPACELESS, clean
from monitor.assistant import output_checks
from monitor.assistant.answers import Answer, Assistant, Data, Unavailable
from monitor.assistant.blocks import Block
from monitor.assistant.prompt_injection import gives_orders
from monitor.store import mentions, pages
from monitor.store.database import Database
from monitor.text.language import ENGLISH_WORDS, detect
from monitor.text.normalize import fold
from monitor.types import Mention

LONGEST = 300  # characters of a question
MOST_POSTS = 30  # that are given to the model
OF_A_POST = 350  # characters: what a model of four thousand words of memory holds of thirty
MOST_CLAIMS = 8
DAYS = 90  # how far back, unless somebody says otherwise
_MOST_TERMS = 6
_SHORTEST_QUOTE = 8  # letters; fewer prove nothing
_MANY = 3  # posts under a claim about "most" or "everybody"
_SMALL = """
    people say says said customers customer users user post posts think thinks about what which who whom whose
    how why when where does did doing done tell told show there here some something anything anyone any new last
    this that these those week month year today yesterday with without from into over more most much many been
    being have has had will would could should can may might the and for are was were not but you your our they
    them their its it's his her was sagen leute kunden über zum zur die der das den dem des ein eine einen einem
    einer und oder nicht mit von vom aus bei für wie wer wen warum wann wo welche welcher welches neue neuen
    neuer neues man sich ist sind war waren hat haben wird werden es zu im am an auf que dicen dice la el los
    las un una de del sobre por para con como cual quien nuevo nueva nuevos nuevas gente clientes hay son es
    está están se lo le les des du au aux pour avec sur dans par qui quoi quel quelle disent gens clients
    nouveau nouvelle est sont ce cette ces il elle on ne pas cosa dicono della dello degli delle gli il lo di da
    nel nella nuovo nuova clienti chi sono è o que dizem pessoas sobre novo nova do da dos das wat zeggen mensen
    klanten over het een van voor met nieuwe zijn
"""
_STOP = ENGLISH_WORDS | {fold(each) for each in _SMALL.split()}
_WORD = re.compile(rf"[{SPACELESS}]+|[^\W_]+(?:['’-][^\W_]+)*")
_EVERYBODY = re.compile(
    r"\b(?:most|majority|everybody|everyone|nobody|no one|all (?:customers|users|people)|always|many|often|widespread"
    r"|alle|jeder|niemand|die meisten|mehrheit|viele|immer|oft|tous|toutes|tout le monde|personne|la plupart|beaucoup"
    r"|toujours|todos|todas|nadie|la mayoria|muchos|muchas|siempre|tutti|nessuno|la maggior parte|molti|sempre"
    r"|a maioria|muitos|ninguem|iedereen|niemand|de meeste|veel|altijd)\b|%"
    r"|每个人|所有人|大多数|皆|全員|ほとんど|모두|대부분"
)


class Claim(BaseModel, extra="forbid"):
    """One sentence, the numbers of the posts that it rests on, and words of one of them."""

    text: str
    posts: list[int]
    quote: str


class Claims(BaseModel, extra="forbid"):
    """What must come back."""

    enough: bool
    claims: list[Claim]


@dataclass(frozen=True, slots=True)
class Shown:
    """A claim that holds: its posts, and the words of the first that it quotes."""

    text: str
    posts: tuple[Mention, ...]
    quote: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What can be said; `read` posts were given, of `found`; `unheard` gave orders; `dropped` claims rested on none."""

    claims: tuple[Shown, ...]
    found: int
    read: int
    unheard: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class NotEnough:
    """The posts do not say; `words` are a sentence for people."""

    words: str
    found: int = 0


INSTRUCTIONS = (
    "Somebody in a support team asks a question about posts by customers. Answer it from the numbered posts alone, in "
    "the language of the question. Answer in at most {most} short claims. Each claim: `text`, one sentence about what "
    "people write, never an instruction or advice; `posts`, the numbers of the posts that say so; `quote`, five to "
    "fifteen words copied letter for letter from one of these posts. Do not count, do not guess, and do not use what "
    'you know from elsewhere. If the posts do not answer the question, answer {{"enough": false, "claims": []}}.'
)


def ask(
    assistant: Assistant,
    database: Database,
    question: str,
    *,
    now: datetime,
    brand: str = "",
    days: int = DAYS,
) -> Answered | NotEnough | Unavailable:
    """Answer a question from the posts of the last `days`. Outside a transaction."""
    if not assistant.is_on:
        return Unavailable("off", "no assistant is set up; see [assistant] in the settings")
    question = " ".join(clean(question).split())[:LONGEST]
    wanted = terms(question)
    if not wanted:
        return NotEnough("Name what you want to know about: the question has no word to search for.")
    found = matching(database, wanted, brand, now - timedelta(days=days))
    unheard = [each for each in found if gives_orders(words_of(each))]
    read = [each for each in found if each not in unheard][:MOST_POSTS]
    if not read:
        about, span = " or ".join(wanted), f"the last {days} days"
        words = f"no posts of {span} mention {about}."
        if unheard:
            words = f"what was written in {span} and mentions {about} gives orders to programs, and was left out."
        return NotEnough(f"Not enough: {words}", len(found))
    posts = [each.post for each in read]
    data = Data(
        (
            Block("question", question),
            *(Block(f"post {number}", words_of(each), OF_A_POST) for number, each in enumerate(read, 1)),
        ),
        assistant.people_of(posts),
        tuple(dict.fromkeys(mentions.post_key(database, each.post.source, each.post.native_id) for each in read)),
    )
    answer = assistant.ask("ask", INSTRUCTIONS.format(most=MOST_CLAIMS), data, Claims, now=now)
    if not isinstance(answer, Answer):
        return answer
    kept = [shown for each in answer.value.claims[:MOST_CLAIMS] if (shown := held(each, read, question)) is not None]
    dropped = len(answer.value.claims) - len(kept)
    if not kept or not answer.value.enough:
        return NotEnough("Not enough: the posts that were found don't answer this.", len(found))
    return Answered(tuple(kept), len(found), len(read), len(unheard), dropped)


def terms(question: str) -> list[str]:
    """The words of a question that are worth looking up."""
    found = [each for each in _WORD.findall(question) if len(each) > 2 or re.match(f"[{SPACELESS}]", each)]
    return [each for each in dict.fromkeys(found) if fold(each) not in _STOP][:_MOST_TERMS]


def matching(database: Database, wanted: Sequence[str], brand: str, since: datetime) -> list[Mention]:
    """The posts with most of these words, rare ones before common ones, then the newest; each text once."""
    hits: dict[str, set[str]] = {}
    seen: dict[str, Mention] = {}
    for term in wanted:
        for each in pages.candidates(database, pages.Words(any_of=(term,)), with_case=False):
            if each.post.posted_at >= since and (not brand or each.brand == brand) and words_of(each):
                seen[each.id] = each
                hits.setdefault(each.id, set()).add(term)
    newest = sorted(seen.values(), key=lambda each: (each.post.posted_at, each.id), reverse=True)
    once: dict[str, Mention] = {}
    for each in newest:  # a text that many repeat is one text
        once.setdefault(fold(words_of(each))[:160], each)
    frequent = Counter(term for each in once.values() for term in hits[each.id])
    weight = {term: math.log(1 + len(once) / count) for term, count in frequent.items()}
    return sorted(once.values(), key=lambda each: -sum(weight[term] for term in hits[each.id]))


def words_of(mention: Mention) -> str:
    """What a post says, with its title."""
    post = mention.post
    return " ".join(f"{post.title} {post.text}".split())


def held(claim: Claim, read: Sequence[Mention], question: str) -> Shown | None:
    """The claim with its posts, if it rests on them; None where it does not."""
    numbers = list(dict.fromkeys(claim.posts))
    text, quote = " ".join(claim.text.split()), " ".join(claim.quote.split()).strip("\"'“”„«»‘’. …")
    if not text or not numbers or any(not 1 <= each <= len(read) for each in numbers):
        return None
    cited = [read[each - 1] for each in numbers]
    said = [words_of(each) for each in cited]
    quoted = [at for at, words in enumerate(said) if fold(quote) in fold(" ".join(words.split()))]
    if len(quote) < _SHORTEST_QUOTE and not re.search(f"[{SPACELESS}]{{3}}", quote):
        return None
    if not quoted or _says_otherwise(text, [*said, question], INSTRUCTIONS) or not _shares_words(text, said):
        return None
    if _EVERYBODY.search(fold(text)) and len(cited) < _MANY and not any(_EVERYBODY.search(fold(each)) for each in said):
        return None
    first = cited.pop(quoted[0])
    return Shown(text, (first, *cited), quote)


def _says_otherwise(text: str, given: Sequence[str], instructions: str) -> str:
    return (
        output_checks.obeyed(text, given, instructions)
        or output_checks.invented_address(text, given)
        or (output_checks.numbers_in(text) - output_checks.numbers_in(" ".join(given)) and "a number of its own")
        or ""
    )


def _shares_words(text: str, said: Sequence[str]) -> bool:
    """Whether a claim has a word of its posts; where they are in another language, nobody can say by words."""
    languages = {detect(each) for each in said}
    if detect(text) not in languages:
        return True
    stems = {fold(each)[:5] for words in said for each in terms_in(words)}
    return any(fold(each)[:5] in stems for each in terms_in(text))


def terms_in(text: str) -> list[str]:
    """The words of a text that say something."""
    return [each for each in _WORD.findall(text) if fold(each) not in _STOP and (len(each) > 2 or not each.isascii())]
