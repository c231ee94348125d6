"""Whose a post is, and whom it speaks to: our own accounts and the ignored authors, by the ids behind their handles.

Settings name handles; posts often show only an id (X) or a name that can change hands (Bluesky). `ingest/identities.py`
looks up what each handle stands for, once; here it is compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from connectors import Account, Post
from monitor.settings.models import Settings

OUR_PLACE = "our own place"  # why a post is about a brand that it does not name
READER = "*"  # in Post.addressed: the account that the connector reads with


def handle_of(name: str) -> str:
    """Write a handle as all are compared: without @ or u/, in small letters."""
    return re.sub(r"^/?u/", "", name.strip().lstrip("@"), flags=re.IGNORECASE).casefold()


@dataclass(slots=True)
class _Known:
    """Some accounts of one source: who holds which name and id, each with the brand that it is for."""

    names: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    id_of: dict[str, str] = field(default_factory=dict)

    def learn(self, handle: str, account: Account) -> None:
        """Take in what a handle stands for."""
        if handle not in self.names:
            return
        brand = self.names[handle]
        for name in (account.name, account.id):
            if name:
                self.names.setdefault(handle_of(name), brand)
        if account.id:
            self.ids[account.id] = brand
            self.id_of |= {handle: account.id, handle_of(account.name or handle): account.id}

    def brand_of(self, name: str, native_id: str = "") -> str | None:
        """The brand of an author, None for anybody else. A name whose id is known is only its holder's."""
        if native_id and native_id in self.ids:
            return self.ids[native_id]
        handle = handle_of(name)
        if native_id and self.id_of.get(handle, native_id) != native_id:
            return None
        return self.names.get(handle)


class Accounts:
    """Made from settings; `learn` brings the ids in, as they are looked up."""

    def __init__(self, settings: Settings) -> None:
        self._brands = [(brand.name, f"{brand.name} {brand.query}".casefold()) for brand in settings.brands]
        self._own: dict[str, _Known] = {}
        self._ignored: dict[str, _Known] = {}
        self._about = {each.name: each.about for each in settings.sources if each.about}
        self._everywhere = _Known({handle_of(name): "" for brand in settings.brands for name in brand.ignore_authors})
        self._addressed: dict[str, dict[str, str]] = {}
        self._written: dict[str, dict[str, None]] = {}
        self._patterns: dict[str, re.Pattern[str] | None] = {}
        for brand in settings.brands:
            for place, names in brand.accounts.items():
                # A kind's name stands for all sources of that kind.
                sources = [each.name for each in settings.sources if place in {each.name, each.kind}] or [place]
                for source in sources:
                    self._add(source, names, brand.name)
        for each in settings.sources:
            self._ignored[each.name] = _Known(dict(self._everywhere.names))
            read = getattr(each.options, "mentions_of", ())
            addressed = self._addressed.setdefault(each.name, {})
            for name in read if isinstance(read, tuple) else ():
                addressed[handle_of(name)] = addressed.get(handle_of(name)) or self._likeliest(name)

    def _add(self, source: str, names: Iterable[str], brand: str) -> None:
        for name in names:
            self._written.setdefault(source, {})[name] = None
            self._own.setdefault(source, _Known()).names[handle_of(name)] = brand
            self._addressed.setdefault(source, {})[handle_of(name)] = brand

    def _likeliest(self, name: str) -> str:
        """The brand that an account speaks for which no brand names: the one whose words are in it, else the first."""
        handle = re.sub(r"\W|_", "", handle_of(name))
        for brand, words in self._brands:
            if any(len(word) > 2 and word in handle for word in re.findall(r"\w+", words)):
                return brand
        return self._brands[0][0]

    def own(self, source: str) -> tuple[str, ...]:
        """The brands' own accounts on a source, as settings write them."""
        return tuple(self._written.get(source, ()))

    def handles(self, source: str) -> tuple[str, ...]:
        """Every handle that is compared with authors of a source."""
        return tuple(dict.fromkeys([*(handle_of(name) for name in self.own(source)), *self._everywhere.names]))

    def ids(self, source: str) -> dict[str, str]:
        """The brands' own accounts on a source with the ids that they stand for, "" while that is not known."""
        known = self._own.get(source, _Known())
        return {name: known.id_of.get(handle_of(name), "") for name in self.own(source)}

    def learn(self, source: str, found: Mapping[str, Account]) -> None:
        """Take in what handles of a source stand for."""
        for handle, account in found.items():
            for known in (
                self._own.get(source),
                self._ignored.setdefault(source, _Known(dict(self._everywhere.names))),
            ):
                if known is not None:
                    known.learn(handle, account)
            brand = self._addressed.get(source, {}).get(handle)
            for name in (account.id, account.name):
                if name and brand is not None:
                    self._addressed[source].setdefault(handle_of(name), brand)

    def brand_of(self, post: Post) -> str:
        """The brand that wrote this itself, "" for anybody else's."""
        known = self._own.get(post.source)
        return (known.brand_of(post.author, post.author_id) or "") if known else ""

    def owns(self, source: str, author: str) -> bool:
        """Whether an author of that name is a brand's own account."""
        return source in self._own and self._own[source].brand_of(author) is not None

    def is_ignored(self, post: Post) -> bool:
        """Whether the author is one whom settings ignore (staff, bots)."""
        return self._ignored.get(post.source, self._everywhere).brand_of(post.author, post.author_id) is not None

    def spoken_to(self, post: Post) -> dict[str, str]:
        """The brands whose accounts a post speaks to, each with how: by the network's word, or by name in the text."""
        ours = self._addressed.get(post.source, {})
        found = {self._about[post.source]: OUR_PLACE} if post.source in self._about else {}
        for one in post.addressed:
            brand = ours.get(handle_of(one))
            if brand:
                found.setdefault(brand, f"@{handle_of(one)}")
        pattern = self._pattern(post.source)
        for match in pattern.finditer(f"{post.title}\n{post.text}") if pattern else ():
            handle = match["handle"].casefold()
            if handle in ours:
                found.setdefault(ours[handle], f"@{handle}")
        if READER in post.addressed and not found:
            found[self._brands[0][0]] = "our account"
        return found

    def _pattern(self, source: str) -> re.Pattern[str] | None:
        """Finds "@handle" and "u/handle" of our accounts in a text."""
        if source not in self._patterns:
            names = sorted(
                self._own.get(source, _Known()).names | self._addressed.get(source, {}), key=len, reverse=True
            )
            names = [name for name in names if name in self._addressed.get(source, {}) and not name.isdigit()]
            either = "|".join(re.escape(name) for name in names)
            found = rf"(?<![\w@./])(?:@|/?u/)(?P<handle>{either})(?![\w-]|[.@]\w)"
            self._patterns[source] = re.compile(found, re.IGNORECASE) if names else None
        return self._patterns[source]
