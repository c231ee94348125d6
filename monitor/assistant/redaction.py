"""What is known of people is taken out before a text leaves for a model, and put back into what comes back.

Known are: the author's handle and name, our people, and by their looks: accounts (@name), mail addresses, links, phone
numbers, order numbers and other numbers of four digits. A name that only stands in a text ("Mrs Miller never called
back") is not known and passes; README and docs/privacy.md say so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from connectors import Post
from connectors.text import LETTER_OF_SPACED, SPACELESS, clean
from monitor.settings.models import Settings
from monitor.text.language import ENGLISH_WORDS

# The names of what is taken out; a number follows: [PERSON_1].
KINDS = ("PERSON", "MAIL", "LINK", "PHONE", "NUMBER")
_PLACEHOLDER = re.compile(rf"\[\s*({'|'.join(KINDS)})[ _-]?([0-9]{{1,4}})\s*\]", re.IGNORECASE)
_MADE = rf"\[(?:{'|'.join(KINDS)})_[0-9]+\]"
# Signs in brackets that models read as "here speaks ...", and anything that looks like a placeholder of ours.
_BRACKETED = re.compile(r"\[\s*(/?[A-Za-z]+(?:[ _-]?[A-Za-z0-9]+)*)\s*\]")
_UNSEEN = re.compile("[\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f]")
_W = LETTER_OF_SPACED
_MAIL = re.compile(rf"(?<!{_W})(?<![.+@-])(?:{_W}|[.+-]){{1,64}}@(?:{_W}|-){{1,63}}(?:\.(?:{_W}|-){{1,63}}){{1,5}}")
_LINK = re.compile(
    rf"(?<!{_W})(?i:https?|ftp)://[^\s<>\"'«»„“”]+|(?<!{_W})(?i:www)\.[^\s<>\"'«»„“”]+"
    rf"|(?<!{_W})(?<![@.])(?i:(?:[a-z0-9](?:[a-z0-9-]{{0,61}}[a-z0-9])?\.)+(?:com|net|org|io|de|fr|es|it|nl|pt|uk|eu|info"
    rf"|app|dev|shop|co|me|ly|gl|xyz|top|ru|br|jp|cn|kr|example))(?!{_W})(?:/[^\s<>\"'«»„“”]*)?"
)
_HANDLE = re.compile(rf"(?<!{_W})(?<![@/])(?:@[\w](?:[\w.-]{{0,60}}\w)?(?:@[\w-]+(?:\.[\w-]+)+)?|u/[\w-]{{3,40}})")
_DATE = re.compile(r"(?:19|20)\d\d([-./])\d\d?\1\d\d?|\d\d?([-./])\d\d?\2(?:19|20)?\d\d|(?:19|20)\d\d")
_AMOUNT = re.compile(r"\d{1,3}(?:[.,]\d{3})+(?:[.,]\d{1,2})?|\d{1,6}[.,]\d{1,2}")  # of money, or how many
_DIGITS = re.compile(
    rf"(?<!{_W})[+(]?[A-Z]{{0,4}}\d(?:[\d]|[ /().-]{{1,2}}(?=\d)){{3,30}}\d(?!{_W})"
    rf"|(?<!{_W})(?<!\d[.,])\d{{4}}(?!{_W}|[.,]\d)"  # of a ticket; years are dates, and "4471,50" is an amount
)
_CODE = re.compile(rf"(?<!{_W})[A-Za-z0-9]{{1,128}}(?:-[A-Za-z0-9]{{1,128}}){{0,12}}(?!{_W})")
_SHORTEST_NUMBER = 4  # digits
_SHORTEST_PART = 3  # letters of a part of a name that is taken out by itself; of Chinese, Japanese or Korean ones two
_GENITIVE = 4  # letters of a name that is taken out of "Olgas", too
_TRAILING = ".,;:!?)]}'’"
_PART = re.compile(r"[^\W_]+(?:[-'’.][^\W_]+)*")
_LETTERS = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_DENSE = re.compile(f"[{SPACELESS}]")


@dataclass(frozen=True, slots=True)
class People:
    """Who is taken out: `names` as they are written anywhere, `kept` handles that are no person's (the brand's own)."""

    names: tuple[str, ...] = ()
    kept: frozenset[str] = frozenset()


NOBODY = People()


def people_of(settings: Settings, posts: Iterable[Post] = (), names: Iterable[str] = ()) -> People:
    """Our people, the authors of these posts and whom they answer, and further names; the brand's accounts stay."""
    found = [each for person in settings.people for each in (person.name, person.email, person.slack)]
    for post in posts:
        found += [post.author, post.author_name, post.parent_author]
    kept = {
        account.lstrip("@").casefold()
        for brand in settings.brands
        for accounts in brand.accounts.values()
        for account in accounts
    }
    wanted = dict.fromkeys(each.strip() for each in (*found, *names) if each and len(each.strip()) > 1)
    return People(tuple(each for each in wanted if each.lstrip("@").casefold() not in kept), frozenset(kept))


def harmless(text: str) -> str:
    """A text whose signs no server can take for its own: no angle brackets, no unseen letters, no words in brackets."""
    text = _UNSEEN.sub("", clean(text)).replace("<", "‹").replace(">", "›")
    return _BRACKETED.sub(r"(\1)", text)


@dataclass(slots=True)
class Redaction:
    """One request's placeholders. What is the same has the same placeholder in every text of the request."""

    people: People
    _known: dict[tuple[str, str], str] = field(default_factory=dict)  # (kind, as compared) -> placeholder
    _back: dict[str, str] = field(default_factory=dict)  # placeholder -> as it was written first
    _angles: bool = False
    _patterns: tuple[re.Pattern[str], re.Pattern[str]] | None = None  # of whole names, and of their parts

    def out(self, text: str) -> str:
        """The text with everybody taken out."""
        self._angles = self._angles or "<" in text or ">" in text
        text = harmless(text)
        text = self._spared(_LINK, "LINK", text, _end_of_link)
        text = self._spared(_MAIL, "MAIL", text)
        text = _HANDLE.sub(self._handle, text)
        text = self._names(text)
        text = _CODE.sub(self._code, text)
        return self._spared(_DIGITS, "NUMBER", text)

    def back(self, text: str) -> str:
        """What came back, with everybody where their placeholder stands; an unknown one stays as it is."""
        found = _PLACEHOLDER.sub(lambda each: self._back.get(f"[{each[1].upper()}_{int(each[2])}]", each[0]), text)
        return found.replace("‹", "<").replace("›", ">") if self._angles else found

    def back_in(self, value: Any) -> Any:
        """The same, for every text inside a value read from JSON."""
        if isinstance(value, str):
            return self.back(clean(value))
        if isinstance(value, list):
            return [self.back_in(each) for each in value]
        if isinstance(value, dict):
            return {str(key)[:100]: self.back_in(each) for key, each in value.items()}
        return value

    @property
    def taken(self) -> list[str]:
        """What was taken out so far, as it was written."""
        return list(self._back.values())

    def _placeholder(self, kind: str, written: str, compared: str = "") -> str:
        key = (kind, compared or written)
        if key not in self._known:
            number = 1 + sum(1 for each in self._back if each.startswith(f"[{kind}_"))
            self._known[key] = f"[{kind}_{number}]"
            self._back[self._known[key]] = written
        return self._known[key]

    def _spared(self, pattern: re.Pattern[str], kind: str, text: str, end: Callable[[str], int] = len) -> str:
        def put(found: re.Match[str]) -> str:
            if kind == "NUMBER" and _is_no_key(found[0]):
                return found[0]
            whole = found[0][: end(found[0])]
            kind_of = "PHONE" if kind == "NUMBER" and _looks_like_a_phone(whole) else kind
            return self._placeholder(kind_of, whole) + found[0][len(whole) :]

        return pattern.sub(put, text)

    def _code(self, found: re.Match[str]) -> str:
        has_letter = any(each.isalpha() for each in found[0])
        return self._placeholder("NUMBER", found[0]) if has_letter and not _is_no_key(found[0]) else found[0]

    def _handle(self, found: re.Match[str]) -> str:
        bare = found[0].lstrip("@").removeprefix("u/").casefold()
        if bare in self.people.kept or bare.partition("@")[0] in self.people.kept:
            return found[0]
        return self._placeholder("PERSON", found[0], f"@{bare}")

    def _names(self, text: str) -> str:
        if self._patterns is None:
            self._patterns = _patterns_of(self.people)
        for pattern, is_part in zip(self._patterns, (False, True), strict=True):
            text = self._sub(pattern, text, is_part=is_part)
        return text

    def _sub(self, pattern: re.Pattern[str], text: str, *, is_part: bool) -> str:
        def put(found: re.Match[str]) -> str:
            if found[0] in self._back or (is_part and found[0][:1].islower()):  # "Will" is no "will"
                return found[0]
            return self._placeholder("PERSON", found[0])

        return pattern.sub(put, text)


def addresses_in(text: str) -> list[str]:
    """What leads somewhere or to somebody in a text: links, mail addresses, accounts, phone and other long numbers."""
    redaction = Redaction(NOBODY)
    redaction.out(text)
    return redaction.taken


def left_over(value: Any) -> bool:
    """Whether a placeholder stands anywhere in a value: one that the model made up, since known ones are put back."""
    if isinstance(value, str):
        return _PLACEHOLDER.search(value) is not None
    if isinstance(value, dict):
        return any(left_over(each) for each in value.values())
    return isinstance(value, list) and any(left_over(each) for each in value)


def _patterns_of(people: People) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """How names are found: whole ones first, then the parts of one."""
    names = [name for each in people.names if len(name := harmless(each).strip()) > 1]  # as texts are, too
    bare = [each.lstrip("@").removeprefix("u/") for each in names]
    parts = {part for name in names for part in _parts_of(name) if part.casefold() not in people.kept}
    return _any_of([*names, *(each for each in bare if each)]), _any_of(parts)


def _parts_of(name: str) -> Iterator[str]:
    """The words of a name that are a name by themselves; none of a handle or an address."""
    is_several = re.search(r"\s", name) is not None
    if "@" in name and not is_several:
        return
    for part in {*_PART.findall(name), *(_LETTERS.findall(name) if is_several else ())}:
        shortest = _SHORTEST_PART - 1 if _DENSE.search(part) else _SHORTEST_PART
        # "just some guy" is a name, too, and takes no "Just" out of a text.
        if part != name and len(part) >= shortest and not (part.islower() and part in ENGLISH_WORDS):
            yield part


def _any_of(names: Iterable[str]) -> re.Pattern[str]:
    """Any of these as a word of its own, however it is capitalized; in scripts without spaces, wherever it stands.

    Placeholders are found before names, so that none is looked for inside one: somebody may be called "link_1". It is
    one pattern for all: a text is read once, however many people there are.
    """
    ordered = sorted((re.escape(each) for each in set(names)), key=lambda each: (-len(each), each))
    dense = [each for each in ordered if _DENSE.search(each)]
    words = [each for each in ordered if not _DENSE.search(each)]
    long = [each for each in words if len(each) >= _GENITIVE]
    short = [each for each in words if len(each) < _GENITIVE]
    # `_W` stays outside of what ignores case: else each of its 130,000 letters is looked up as it is compiled.
    ways = [
        _MADE,
        *([rf"(?<!{_W})(?i:{'|'.join(long)})(?=s?(?!{_W}))"] if long else []),
        *([rf"(?<!{_W})(?i:{'|'.join(short)})(?!{_W})"] if short else []),
        *([f"(?i:{'|'.join(dense)})"] if dense else []),
    ]
    return re.compile("|".join(ways))


def _end_of_link(link: str) -> int:
    """Where a link ends: the full stop of a sentence is not part of it."""
    return len(link.rstrip(_TRAILING)) or len(link)


def _is_no_key(number: str) -> bool:
    """Whether a number is a date or an amount, or too short to lead to anybody."""
    short = sum(each.isdigit() for each in number) < _SHORTEST_NUMBER
    return short or _DATE.fullmatch(number) is not None or _AMOUNT.fullmatch(number) is not None


def _looks_like_a_phone(text: str) -> bool:
    digits = sum(each.isdigit() for each in text)
    return 7 <= digits <= 15 and (text[:1] in "+(0") and not any(each.isalpha() for each in text)
