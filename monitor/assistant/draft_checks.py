"""Whether a draft may be shown: what a model wrote is held against the post, the facts and our last replies. Pure.

Nothing here trusts the model or its prompt. A draft that breaks one rule is not shown; why is said in words for people.
The phrases are those of `monitor/text/draft_phrases.py`. In languages that it does not know nothing can be vouched for,
so no draft is asked for there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from monitor.text import draft_phrases as phrases
from monitor.text import language, tone

RECENT = 10  # replies of ours whose thanks and apologies may not come again
SENTENCES = 2  # that a draft may be longer than the post
WORDS = 40  # the same in words: two long sentences
COPIED = 3  # words in a row, from where a post tells programs what to do
NEW = 3  # words of a sentence that neither the post nor the facts have: with so many it says something of its own
ECHOED = 8  # words in a row, from anywhere in the post: more is no reply
_SURE = 5  # words of a sentence from which its language can be told

_PLACEHOLDER = re.compile(
    r"\{[^{}]*\}|\[[^\[\]]*\]|<[^<>\d\s][^<>]*>|⟦[^⟧]*⟧|\b[Xx]{3,}\b|_{3,}|\.{4,}|%s"
    r"|(?-i:\b(?:TOD[O]|TBD)\b)|\blorem ipsum\b"
    r"|\b(?:PERSON|NAME|MAIL|EMAIL|PHONE|ORDER|LINK|USER)_?\d+\b|```|^\s*[\"{\[]"
    r"|\b(?:insert|your name|max mustermann)\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"(?:https?://|www\.)\S+"
    r"|[\w.+-]+\s?(?:@|\[at\]|\(at\))\s?[\w-]+(?:\s?(?:\.|\[dot\]|\(dot\))\s?[\w-]+)+"
    r"|\b(?:[a-z0-9-]+\.)+(?:com|net|org|info|biz|io|co|me|ly|gl|app|shop|store|online|site|help|support|example|test|de|"
    r"at|ch|fr|be|es|it|pt|br|nl|eu|uk|us|in|ae|sa|eg|ma|mx|ar|cl)\b(?:/\S*)?"
    r"|(?<![\w.,€$£%-])\+?\(?\d(?:[\s()/.-]{0,2}\d){5,}(?![\w%€])"
    r"|\b(?=[A-Z0-9-]*\d)(?=[A-Z0-9-]*[A-Z])[A-Z0-9]{2,}-?[A-Z0-9-]{4,}\b"
    r"|\b\d{5,}\b",
    re.IGNORECASE,
)
_CODE = re.compile(r"[A-Z0-9-]+")
_ACCOUNT = re.compile(r"(?<![\w@.])@[\w.-]*\w(?:@[\w.-]*\w)?")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_CLAUSE = re.compile(r"[,;:()–—!?.،।؟]+\s*|\s-\s")


@dataclass(frozen=True, slots=True)
class Given:
    """What a draft answers and may rest on.

    `facts` are statements that the team stands by, `has_step` whether one of them holds a next step, `told_elsewhere`
    whether that is in another language, so that its words can't be compared; `recent` our last replies, newest first;
    `names` those of the author, the brand and whoever writes; `form` how the brand says "you" where the post does not
    show it.
    """

    post: str
    language: str
    facts: tuple[str, ...] = ()
    has_step: bool = False
    told_elsewhere: bool = False
    recent: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    form: str = ""
    we_failed: bool = False
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """One rule that a draft breaks: its name, what is wrong in words for people, and the words that show it."""

    rule: str
    words: str
    quote: str = ""

    def __str__(self) -> str:
        return f"{self.words}: “{self.quote}”" if self.quote else self.words


def check(draft: str, given: Given) -> tuple[Refusal, ...]:
    """Every rule that a draft breaks, in the order of the list below; empty for one that may be shown."""
    return tuple(refusal for rule in _RULES for refusal in rule(draft, given))


def _names_something(draft: str, given: Given) -> Iterator[Refusal]:
    theirs = phrases.matters(given.post, given.names)
    if not phrases.in_common(_without_names(draft, given), theirs):
        yield Refusal("nothing_named", "it doesn't name anything that the person said")


def _has_a_step(draft: str, given: Given) -> Iterator[Refusal]:
    questions = sum(phrases.asks(sentence) for sentence in phrases.sentences(draft))
    if questions > 1:
        yield Refusal("no_step", "it asks more than one question")
    elif not questions and not given.has_step:
        yield Refusal("no_step", "no next step is known, and it asks nothing")


def _courtesy_is_new(draft: str, given: Given) -> Iterator[Refusal]:
    said = {
        part
        for reply in given.recent[:RECENT]
        for part in _courteous(reply, ())  # names in old replies are those of other people
    }
    for part, written in _courteous(draft, given.names).items():
        if any(_alike(part, old) for old in said):
            yield Refusal("repeated_courtesy", "this was in one of your last ten replies", written)
            return


def _courteous(text: str, names: tuple[str, ...]) -> dict[tuple[str, ...], str]:
    """The sentences and clauses that thank or say sorry, as their words, with how they are written."""
    found: dict[tuple[str, ...], str] = {}
    for sentence in phrases.sentences(text):
        for part, whole in [(sentence, True), *((each, False) for each in _CLAUSE.split(sentence))]:
            words = tuple(each for each in phrases.tokens(part) if each not in _tokens_of(names))
            # "I'm sorry," alone is how many a sentence begins; with what it is about it is a phrase of its own.
            enough = len(words) >= (1 if whole else 3)
            if enough and phrases.is_courtesy(part) and (whole or _says_more(part)):
                found.setdefault(words, part.strip())
    return found


def _says_more(part: str) -> bool:
    return sum(not phrases.is_courtesy(word) for word in phrases.tokens(part)) >= 2


def _tokens_of(names: tuple[str, ...]) -> set[str]:
    return {token for name in names for token in phrases.tokens(name)}


def _alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two sentences of courtesy are one, but for a name in it: a word more at an end does not matter."""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if len(short) < 3 or len(long) - len(short) > 2:
        return False
    return any(long[place : place + len(short)] == short for place in range(len(long) - len(short) + 1))


def _is_short(draft: str, given: Given) -> Iterator[Refusal]:
    most = max(len(phrases.sentences(given.post)), 1) + SENTENCES
    longest = len(phrases.tokens(given.post)) + WORDS
    if len(phrases.sentences(draft)) > most or len(phrases.tokens(draft)) > longest:
        yield Refusal("too_long", "it is longer than the post plus two sentences")


def _speaks_their_language(draft: str, given: Given) -> Iterator[Refusal]:
    if given.language not in phrases.LANGUAGES:
        return
    for part in [draft, *phrases.sentences(draft)]:
        bare = _without_names(part, given)
        found = language.detect(bare) if len(phrases.tokens(bare)) >= _SURE else language.UNKNOWN
        if found not in {given.language, language.UNKNOWN} and found in phrases.LANGUAGES:
            theirs, its = language.name_of(given.language), language.name_of(found)
            yield Refusal("language", f"it is in {its}, but they write {theirs}", part[:80])
            return


def _addresses_them_alike(draft: str, given: Given) -> Iterator[Refusal]:
    used = phrases.form_of(draft, given.language)
    theirs = phrases.form_of(given.post, given.language)
    wanted = next(iter(theirs)) if len(theirs) == 1 else given.form
    if len(used) > 1:
        yield Refusal("address_form", "it mixes the familiar and the formal “you”")
    elif used and wanted and wanted not in used:
        yield Refusal("address_form", f"it uses the {next(iter(used))} “you”, but here the {wanted} one is right")


def _has_the_tone(draft: str, given: Given) -> Iterator[Refusal]:
    for remark in tone.check(draft, we_failed=given.we_failed, limit=given.limit):
        yield Refusal("tone", f"the tone check says: {remark.kind}", remark.words)


def _promises_nothing(draft: str, given: Given) -> Iterator[Refusal]:
    for sentence in phrases.sentences(draft):
        asks = phrases.asks(sentence)
        for kind, words in phrases.promises(sentence, given.language).items():
            told = [fact for fact in given.facts if kind in phrases.promises(fact, language.detect(fact))]
            if (kind != "will" or not asks) and not _backed(sentence, given, told):
                yield Refusal("promise", "it makes a promise your team hasn't made", words)
                return
        known = phrases.folded(" ".join(given.facts))
        for words, deadline in phrases.dates(sentence, given.language):
            held = known if deadline else f"{known} {phrases.folded(given.post)}"
            if words not in held and (deadline or not asks):
                yield Refusal("promise", "it names a day or time your team hasn't given", words)
                return


def _claims_nothing(draft: str, given: Given) -> Iterator[Refusal]:
    for sentence in phrases.sentences(draft):
        found = phrases.claims(sentence)
        if len(found) > 1:
            found.pop("other", None)  # the kind says it better
        for kind, words in found.items():
            if kind == "other" and phrases.in_common(words.split()[-1], phrases.matters(given.post)):
                continue  # "we charged you twice" is what they said themselves
            if not _backed(sentence, given, [fact for fact in given.facts if kind in phrases.claims(fact)]):
                yield Refusal("claim", "it says or explains something that nothing known confirms", words)
                return


def _backed(sentence: str, given: Given, told: list[str]) -> bool:
    """Whether one of the facts that say such a thing says it of the same matter, with every number in the sentence."""
    numbers = set(_NUMBER.findall(sentence))
    found = (*phrases.promises(sentence, given.language).values(), *phrases.claims(sentence).values())
    said = {token for words in found for token in phrases.tokens(words)}  # "refunded" alone is no matter in common
    for fact in told:
        about = phrases.matters(fact, given.names)
        shared = set(phrases.in_common(sentence, about)) - said or phrases.in_common(given.post, about)
        other = language.detect(fact) not in {given.language, language.UNKNOWN}
        if (shared or other) and numbers <= set(_NUMBER.findall(f"{fact} {given.post}")):
            return True
    return False


def _stays_with_what_is_known(draft: str, given: Given) -> Iterator[Refusal]:
    """No phrase tells every promise: a sentence with many words of its own says something that nobody told it."""
    if given.told_elsewhere:
        return
    known = [*phrases.matters(given.post), *(word for fact in given.facts for word in phrases.matters(fact))]
    for sentence in phrases.sentences(_without_names(draft, given)):
        words = [] if phrases.asks(sentence) else phrases.matters(sentence)
        new = [word for word in words if not any(phrases.same_stem(word, each) for each in known)]
        if len(new) >= NEW:
            yield Refusal("unfounded", "it says things that are neither in the post nor known", sentence[:80])
            return


def _gives_no_address(draft: str, given: Given) -> Iterator[Refusal]:
    known = phrases.plain(" ".join(given.facts))
    ours = {name.lstrip("@").casefold() for name in given.names}
    for match in _ACCOUNT.finditer(draft):
        if match[0].lstrip("@").casefold() not in ours and match[0].casefold() not in known:
            yield Refusal("address", "it names an account your team hasn't given", match[0])
            return
    for match in _ADDRESS.finditer(draft):
        words = match[0].rstrip(".,;:!?)")
        if words.lstrip("@").casefold() in ours or _is_a_word(words, match, given):
            continue
        if phrases.plain(words) not in known:
            yield Refusal("address", "it gives a link, address or number your team hasn't given", words)
            return
    told = set(_NUMBER.findall(phrases.plain(f"{given.post} {' '.join(given.facts)}")))
    for match in _NUMBER.finditer(phrases.plain(draft)):
        if match[0] not in told:
            yield Refusal("address", "it names a number that is neither in the post nor known", match[0])
            return


def _is_a_word(words: str, match: re.Match[str], given: Given) -> bool:
    """ "RTX-4090" out of the post is a product; all digits are looked at as they are."""
    code = _CODE.fullmatch(words)
    if code is None or words.isdigit():
        return match[0].isalnum() and not any(each.isupper() for each in match[0]) and not match[0].isdigit()
    return words in given.post and sum(each.isdigit() for each in words) < 5


def _has_no_gaps(draft: str, given: Given) -> Iterator[Refusal]:
    for match in _PLACEHOLDER.finditer(draft):
        if match[0] not in given.post:
            yield Refusal("placeholder", "something in it was left open", match[0])
            return


def _obeys_nobody(draft: str, given: Given) -> Iterator[Refusal]:
    if (words := phrases.machine(draft)) and words not in phrases.plain(" ".join(given.facts)):
        yield Refusal("obeyed", "it speaks as a program, or says of you what the post wants said", words)
        return
    told = phrases.orders_of(given.post)
    if copied := _run(draft, told, COPIED) if told else _run(draft, given.post, ECHOED):
        yield Refusal("obeyed", "it repeats what the post wants said", copied)


def _run(draft: str, other: str, length: int) -> str:
    """The first so many words in a row that both have."""
    theirs, ours = phrases.tokens(other), phrases.tokens(draft)
    known = {tuple(theirs[place : place + length]) for place in range(len(theirs) - length + 1)}
    for place in range(len(ours) - length + 1):
        if tuple(ours[place : place + length]) in known:
            return " ".join(ours[place : place + length])
    return ""


def _without_names(text: str, given: Given) -> str:
    for name in sorted(given.names, key=len, reverse=True):
        if name:
            text = re.sub(rf"(?<!\w)@?{re.escape(name)}(?!\w)", " ", text, flags=re.IGNORECASE)
    return text


_RULES: tuple[Callable[[str, Given], Iterator[Refusal]], ...] = (
    _names_something,
    _has_a_step,
    _has_no_gaps,
    _obeys_nobody,
    _claims_nothing,
    _promises_nothing,
    _stays_with_what_is_known,
    _gives_no_address,
    _speaks_their_language,
    _addresses_them_alike,
    _courtesy_is_new,
    _is_short,
    _has_the_tone,
)
