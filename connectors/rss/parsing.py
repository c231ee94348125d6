"""What a feed's bytes say: RSS and Atom by feedparser, JSON Feed by ourselves. Runs as a child process.

A hostile feed can hold the parser for minutes (feedparser #562), so this is `python -m connectors.rss.parsing`, bounded
in time and memory: one job on stdin, one JSON document on stdout. Nothing but texts comes out of it.
"""

from __future__ import annotations

import io
import json
import os
import re
import resource
import sys
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

FEED_CAP = 5_000_000
MOST_ENTRIES = 2_000
LONGEST_TEXT = 100_000
MOST_OUTPUT = 16_000_000
CHILD_MEMORY = 512 * 1024 * 1024
# Stands in for the feed's own host while it is parsed: what the parser has made an address shows by it.
_NOWHERE = "relative.invalid"
_ELSEWHERE = ("related", "via")  # kinds of links that lead to the post where none says that it is the post
_MICRODATA = re.compile(
    r"""itemprop\s*=\s*["'](ratingValue|bestRating)["'][^<>]*?(?:content\s*=\s*["']([\d.,]{1,6})["']|>\s*([\d.,]{1,6})\s*<)"""
)
# The same with its attributes in the other order.
_CONTENT_FIRST = re.compile(
    r"""content\s*=\s*["']([\d.,]{1,6})["'][^<>]{0,200}?itemprop\s*=\s*["'](ratingValue|bestRating)["']"""
)
# A character by its number, and by the next where it is the first half of one in UTF-16.
_NUMBER = rb"&#(?:[xX]([0-9a-fA-F]{1,20})|([0-9]{1,20}));?"
_NUMBERED = re.compile(_NUMBER)
_HALVES = re.compile(
    rb"(?:&#(?:[xX]0*[dD][89abAB][0-9a-fA-F]{2}(?![0-9a-fA-F])|0*5[56][0-9]{3}(?![0-9]));?)?" + _NUMBER
)
_STARS = re.compile(r"(?<![★☆⭐✩])(?=[★☆⭐✩]{5}(?![★☆⭐✩]))([★⭐]{0,5})[☆✩]*")


def main() -> None:
    """Read one job from stdin, write what was found as JSON to stdout."""
    head = json.loads(sys.stdin.buffer.readline())
    body = sys.stdin.buffer.read(FEED_CAP + 1)
    _bound(int(head["seconds"]))
    sys.stdout.buffer.write(json.dumps(read_feed(body, head["base"], head["content_type"])).encode())
    sys.stdout.buffer.flush()


def read_feed(body: bytes, base: str, content_type: str) -> dict[str, Any]:
    """Parse a feed, in this very process: texts only, at most 2,000 entries (the newest) and 16 MB of them.

    `version` is empty if the root is no feed's, `cut_off` true if the document ends before its root does.
    """
    document = _json_feed(body) or _xml_feed(body, base, content_type)
    entries = document["entries"]
    if len(entries) > MOST_ENTRIES:
        entries = sorted(entries, key=lambda entry: entry["sorted_by"], reverse=True)
    kept, size = [], 0
    for entry in entries[:MOST_ENTRIES]:
        del entry["sorted_by"]
        size += sum(map(len, entry.values()))
        if size > MOST_OUTPUT:
            break
        kept.append(entry)
    return {**document, "entries": kept}


def _bound(seconds: int) -> None:
    used = int(sum(os.times()[:2])) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, used + seconds + 2))
    try:
        resource.setrlimit(resource.RLIMIT_AS, (CHILD_MEMORY, CHILD_MEMORY))
    except (ValueError, OSError):
        pass  # macOS knows no such bound; the ones on time still stand


# ── RSS and Atom ────────────────────────────────────────────────────────────────────────────────────────────────────


def _xml_feed(body: bytes, base: str, content_type: str) -> dict[str, Any]:
    import feedparser

    parts = urlsplit(base)
    nowhere = f"{parts.scheme}://{_NOWHERE}"
    headers = {"content-location": nowhere + parts.path, "content-type": content_type}
    # Tags are stripped by us; feedparser's own cleaning takes three times as long as all the rest.
    parsed = feedparser.parse(
        io.BytesIO(_HALVES.sub(_whole, body)),
        response_headers=headers,
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    here = (nowhere, f"{parts.scheme}://{parts.netloc}")
    reviews = any("im_rating" in entry for entry in parsed.entries)
    feed = parsed.feed
    return {
        "version": parsed.get("version", ""),
        "cut_off": _is_cut_off(body),
        "title": _text(feed, "title"),
        "author": _text(feed, "author"),
        "link": _text(feed, "link").replace(*here, 1),
        "lang": _text(feed, "language"),
        # An app's own entry stands at the head of older feeds of its reviews.
        "entries": [_entry(each, here) for each in parsed.entries if not reviews or "im_rating" in each],
    }


def _whole(halves: re.Match[bytes]) -> bytes:
    """What no character has as its number: two halves of UTF-16 as their character, else the sign for none.

    feedparser ends at either, and with it all other entries.
    """
    numbers = [int(x, 16) if x else int(decimal) for x, decimal in _NUMBERED.findall(halves[0])]
    if not any(0xD800 <= number <= 0xDFFF or number > 0x10FFFF for number in numbers):
        return halves[0]
    text = "".join(chr(number) if number <= 0x10FFFF else "\ufffd" for number in numbers)
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return "".join(f"&#{ord(each)};" for each in whole).encode()


def _entry(entry: Any, here: tuple[str, str]) -> dict[str, str]:
    publisher = entry.get("source") if isinstance(entry.get("source"), dict) else {}
    detail = entry.get("author_detail") if isinstance(entry.get("author_detail"), dict) else {}
    text, more = _words(entry)
    stars, best = _stars(entry, text)
    guid = _text(entry, "id")
    return {
        "id": guid.replace(*here, 1),
        "link": _link(entry, guid, here),
        "title": _text(entry, "title"),
        "text": text,
        "more": more,
        "author": _text(detail, "name") or _text(entry, "author") or _text(publisher, "title"),
        "publisher": _text(publisher, "title"),
        "published": _when(entry, "published") or _when(entry, "created"),
        "updated": _when(entry, "updated"),
        "lang": _text(entry, "language"),
        "rating": stars,
        "best": best,
        "sorted_by": _sorted_by(entry),
        "pictures": str(_shown(entry, "image")),
        "videos": str(_shown(entry, "video")),
    }


def _shown(entry: Any, kind: str) -> int:
    """How many pictures (or videos) come with an entry, enclosed or as media; the same one named twice counts once."""
    given = [*(entry.get("enclosures") or ()), *(entry.get("media_content") or ())]
    parts = [part for part in given if isinstance(part, dict)]
    wanted = [part for part in parts if part.get("medium") == kind or str(part.get("type")).startswith(f"{kind}/")]
    return len({str(part.get("href") or part.get("url")) for part in wanted})


def _words(entry: Any) -> tuple[str, str]:
    """The words of an entry, and what describes its pictures."""
    contents = [content for content in entry.get("content") or () if isinstance(content, dict)]
    values = [str(content.get("value") or "") for content in contents]
    summary = _text(entry, "summary")
    if entry.get("media_content") and values and summary:
        # A description of a picture takes the place of the entry's own, or stands beside it.
        longest = max([*values, summary], key=len)
        return longest[:LONGEST_TEXT], min([*values, summary], key=len)[:LONGEST_TEXT]
    bare = [str(content.get("value") or "") for content in contents if content.get("type") == "text/plain"]
    longest = max(values, key=len, default="") or summary
    shown = _spaceless(re.sub(r"<[^<>]*>", " ", longest))
    # Where the same words come twice, once dressed up with title and table, the bare ones are the person's.
    plain = next((words for words in bare if words and words != longest and _spaceless(words) in shown), "")
    return (plain or longest)[:LONGEST_TEXT], ""


def _spaceless(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _link(entry: Any, guid: str, here: tuple[str, str]) -> str:
    """The address of the post itself; an id that is no address never makes one."""
    links = [link for link in entry.get("links") or () if isinstance(link, dict) and isinstance(link.get("href"), str)]
    by_kind: dict[str, str] = {}
    for link in links:
        by_kind.setdefault(str(link.get("rel")), link["href"])
    own = _text(entry, "link")
    if own and any(link["href"] == own for link in links):
        return own.replace(*here, 1)
    for kind in ("alternate", *_ELSEWHERE):
        if by_kind.get(kind):
            return by_kind[kind].replace(*here, 1)
    return guid if guid.startswith(("http://", "https://")) and not guid.startswith(here[0]) else ""


def _stars(entry: Any, text: str) -> tuple[str, str]:
    """The stars that a reviewer gave, and out of how many; "" where there are none."""
    media = entry.get("media_starrating")
    if isinstance(media, dict):
        return str(media.get("average") or "")[:20], str(media.get("max") or "")[:20]
    found = {key: value for key, given in entry.items() if (value := _short(given))}
    stars = next(
        (found[key] for key in found if re.search(r"(?:^|_)(?:ratingvalue|rating|stars)$", key)
         and re.search(r"\d", found[key])), "",
    )  # fmt: skip
    best = next((found[key] for key in found if re.search(r"(?:^|_)(?:bestrating|maximum|best)$", key)), "")
    if stars:
        return stars, best
    micro = {name: content for content, name in _CONTENT_FIRST.findall(text)}
    micro |= {name: content or shown for name, content, shown in _MICRODATA.findall(text)}
    if "ratingValue" in micro:
        return micro["ratingValue"], micro.get("bestRating", "")
    drawn = _STARS.search(_text(entry, "title")) or _STARS.search(text[:300])
    return (str(len(drawn[1])), "5") if drawn and drawn[1] else ("", "")


def _short(given: object) -> str:
    """A few characters that stand in an element or, where it is empty, in an attribute of it."""
    if isinstance(given, dict):
        given = next((given[name] for name in ("value", "label", "content") if given.get(name)), "")
    return given if isinstance(given, str) and len(given) <= 20 else ""


def _text(holder: Any, name: str) -> str:
    value = holder.get(name)
    return value[:LONGEST_TEXT] if isinstance(value, str) else ""


def _when(entry: Any, name: str) -> str:
    # feedparser answers a missing `updated` with `published`, which would make every entry an edited one.
    return _text(entry, name)[:200] if name in entry else ""


def _sorted_by(entry: Any) -> str:
    """Good enough to find the newest of thousands; the times themselves are read by the parent."""
    for name in ("published_parsed", "created_parsed", "updated_parsed"):
        # Asking for one that is not there gives another one, with a warning.
        if name in entry.keys() and (at := entry[name]):  # noqa: SIM118
            return "".join(f"{number:04}" for number in tuple(at)[:6])
    return ""


def _is_cut_off(body: bytes) -> bool:
    """Tell whether the document ends before its root does."""
    bare = body.replace(b"\0", b"").lower() if b"\0" in body[:200] else body.lower()
    return not re.search(rb"</\s*(?:[\w.-]+:)?(?:rss|feed|rdf|channel|cdf|xml)\s*>|<(?:rss|feed)\b[^<>]*/>", bare)


# ── JSON Feed (jsonfeed.org) ────────────────────────────────────────────────────────────────────────────────────────


def _json_feed(body: bytes) -> dict[str, Any] | None:
    if not re.match(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\0]*\{", body):
        return None
    try:
        read = json.loads(body.decode(json.detect_encoding(body), "replace"), strict=False)
    except (ValueError, RecursionError):
        begun = b"jsonfeed.org/version" in body.replace(b"\0", b"").replace(b"\\/", b"/")
        return {"version": "json" if begun else "", "cut_off": begun, "entries": []}
    feed = read.get("feed") if isinstance(read, dict) else None
    if isinstance(feed, dict) and ("entry" in feed or isinstance(feed.get("id"), dict)):
        return _reviews(feed)
    items = read.get("items") if isinstance(read, dict) else None
    named = isinstance(read, dict) and "jsonfeed.org" in str(read.get("version"))
    if not isinstance(items, list) or not (named or any(_is_item(item) for item in items)):
        return {"version": "", "cut_off": False, "entries": []}
    return {
        "version": "json",
        "cut_off": False,
        "title": _text(read, "title"),
        "author": _author(read),
        "link": _text(read, "home_page_url"),
        "lang": _text(read, "language"),
        "entries": [_item(item) for item in items if isinstance(item, dict)],
    }


def _is_item(item: object) -> bool:
    return isinstance(item, dict) and not item.keys().isdisjoint({"content_text", "content_html", "date_published"})


def _item(item: Mapping[str, Any]) -> dict[str, str]:
    guid = item.get("id")
    own_address = guid if isinstance(guid, str) and guid.startswith(("http://", "https://")) else ""
    published, updated = _text(item, "date_published"), _text(item, "date_modified")
    return {
        "id": str(guid)[:LONGEST_TEXT] if isinstance(guid, str | int) and not isinstance(guid, bool) else "",
        "link": _text(item, "url") or _text(item, "external_url") or own_address,
        "title": _text(item, "title"),
        "text": _text(item, "content_html") or _escaped(_text(item, "content_text")) or _text(item, "summary"),
        "more": "",
        "author": _author(item),
        "publisher": "",
        "published": published[:200],
        "updated": updated[:200],
        "lang": _text(item, "language"),
        **_stars_of(item),
        "sorted_by": published or updated,
    }


def _stars_of(item: Mapping[str, Any]) -> dict[str, str]:
    """The stars of an item: a number of its own, or schema.org's Rating (https://schema.org/reviewRating)."""
    given = item.get("reviewRating", item.get("rating"))
    stars, best = (given.get("ratingValue"), given.get("bestRating")) if isinstance(given, dict) else (given, "")
    return {"rating": _number(stars), "best": _number(best)}


def _number(value: object) -> str:
    return str(value)[:20] if isinstance(value, int | float | str) and not isinstance(value, bool) else ""


# ── Apple's customer reviews as JSON: Atom in braces, every text in a "label" ───────────────────────────────────────


def _reviews(feed: Mapping[str, Any]) -> dict[str, Any]:
    found = feed.get("entry", ())  # one alone is no list, none at all is left out
    entries = [each for each in (found if isinstance(found, list | tuple) else [found]) if isinstance(each, dict)]
    reviews = [each for each in entries if "im:rating" in each]  # an app's own entry may stand at their head
    return {
        "version": "json",
        "cut_off": False,
        "title": _label(feed, "title"),
        "author": "",
        "link": "",
        "lang": "",
        "entries": [_review(each) for each in reviews or entries],
    }


def _review(entry: Mapping[str, Any]) -> dict[str, str]:
    author = entry.get("author")
    links = entry.get("link")
    held = [one.get("attributes") for one in (links if isinstance(links, list) else [links]) if isinstance(one, dict)]
    updated = _label(entry, "updated")[:200]
    return {
        "id": _label(entry, "id"),
        "link": next((_text(one, "href") for one in held if isinstance(one, dict) and one.get("href")), ""),
        "title": _escaped(_label(entry, "title")),
        "text": _escaped(_label(entry, "content")),
        "more": "",
        "author": _label(author, "name") if isinstance(author, dict) else "",
        "publisher": "",
        "published": "",
        "updated": updated,
        "lang": "",
        "rating": _label(entry, "im:rating")[:20],
        "best": "",
        "sorted_by": updated,
    }


def _label(holder: Mapping[str, Any], name: str) -> str:
    given = holder.get(name)
    return _text(given, "label") if isinstance(given, dict) else ""


def _escaped(text: str) -> str:
    """Text that is no HTML, written as such: "x < y" has no tag in it."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _author(holder: Mapping[str, Any]) -> str:
    several = holder.get("authors")
    people: Iterable[Any] = several if isinstance(several, list) else ()
    names = [_text(one, "name") for one in (*people, holder.get("author")) if isinstance(one, dict)]
    return next((name for name in names if name), "")


if __name__ == "__main__":
    main()
