"""What Bluesky says, read: events of Jetstream, posts, feeds and threads. Nothing is asked here."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from connectors import Aside, Nonsense, Post
from connectors.text import clean, parse_time, raw_of, text_of

FEW = 3
MOST_IN_THREAD = 2000
# What an account that is gone for good is said to be; one that was deactivated can come back, with all of its posts.
_GONE = frozenset({"deleted", "takendown"})
DID = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]{1,200}")
_KEY = re.compile(r"[A-Za-z0-9._:~-]{1,512}")


def is_gone(account: Any) -> bool:
    """Whether an account is gone for good."""
    if not isinstance(account, dict) or account.get("active") is True:
        return False
    return text_of(account.get("status")) in _GONE


def addressed_by(record: Any) -> set[str]:
    """The DIDs that a post speaks to: those it names, whose post it answers, and whose it quotes."""
    found: set[str] = set()
    for facet in _listed(record.get("facets")):
        features = facet.get("features") if isinstance(facet, dict) else None
        found |= {text_of(each.get("did")) for each in _listed(features) if isinstance(each, dict)}
    reply, embed = record.get("reply"), record.get("embed")
    quoted = embed.get("record") if isinstance(embed, dict) else None
    quoted = quoted.get("record", quoted) if isinstance(quoted, dict) else None
    parent = reply.get("parent") if isinstance(reply, dict) else None
    found |= {uri_of(each).removeprefix("at://").partition("/")[0] for each in (parent, quoted)}
    return found - {""}


def _shown(embed: Any) -> tuple[int, int]:
    """How many pictures and videos a post shows, beside what it quotes."""
    found = embed if isinstance(embed, dict) else {}
    media = found.get("media")
    parts = [found, media] if isinstance(media, dict) else [found]
    pictures = sum(isinstance(each, dict) for part in parts for each in _listed(part.get("images")))
    return pictures, sum(part.get("$type") == "app.bsky.embed.video" for part in parts)


def _also_said(embed: Any) -> list[str]:
    """What a post's pictures and its video show, in its author's words."""
    if not isinstance(embed, dict):
        return []
    media = embed.get("media")
    shown = [
        embed,
        *_listed(embed.get("images")),
        media,
        *_listed(media.get("images") if isinstance(media, dict) else 0),
    ]
    return [clean(text_of(each.get("alt"))).strip() for each in shown if isinstance(each, dict)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def checked(event: Any) -> tuple[str, dict[str, Any]]:
    """Give an event's author and its commit (empty for other kinds), or raise what is wrong with its shape."""
    did, kind = event["did"], event["kind"]
    if not isinstance(did, str) or not DID.fullmatch(did) or not isinstance(event["time_us"], int):
        raise ValueError("did or time_us is invalid")
    if kind != "commit":
        return did, {}
    commit = event["commit"]
    if not isinstance(commit, dict) or not isinstance(commit["rkey"], str) or not _KEY.fullmatch(commit["rkey"]):
        raise ValueError("the commit has no record key")
    if commit["operation"] != "delete" and not isinstance(commit["record"], dict):
        raise ValueError("the commit has no record")
    return did, commit


def fault_of(error: Exception) -> str:
    """What was wrong with an answer, in a few words and none of it."""
    if isinstance(error, json.JSONDecodeError):
        return "broken JSON"
    return str(error) if type(error) is ValueError else f"{type(error).__name__} at {str(error)[:60]}"


def said_in(record: Any) -> str:
    """All words of a post, beside each other: what its author wrote, tags, what pictures show, the card's title.

    Quicker than `post_of`, for a stream of which nearly everything is left out.
    """
    text, embed, tags = record["text"], record.get("embed"), record.get("tags")
    if not isinstance(text, str):
        raise ValueError("text is not text")
    if not embed and not tags:
        return clean(text)
    card = embed.get("external") if isinstance(embed, dict) else None
    title = text_of(card.get("title")) if isinstance(card, dict) else ""
    loose = [f"#{tag}" for tag in _listed(tags) if isinstance(tag, str)]
    return clean("\n".join([text, *loose, title, *_also_said(embed)]))


def post_of(uri: str, did: str, record: Any, seen_at: datetime, source: str) -> Post:
    """The one place that knows the fields of app.bsky.feed.post. Its times are the author's word: never the future."""
    if not isinstance(record, dict) or not isinstance(record["text"], str):
        raise ValueError("text is not text")
    reply = record.get("reply") or {}
    parent, root = (uri_of(reply.get(key)) for key in ("parent", "root"))
    langs = record.get("langs")
    embed = record.get("embed")
    card = embed.get("external") if isinstance(embed, dict) else None
    pictures, videos = _shown(embed)
    tags = record.get("tags")
    text = clean(record["text"])
    # Tags that the app shows below the text.
    loose = [clean(tag) for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return Post(
        source=source,
        native_id=uri,
        url=f"https://bsky.app/profile/{did}/post/{uri.rpartition('/')[2]}",
        author=did,
        text="\n".join([" ".join([text, *(f"#{tag}" for tag in loose)]), *filter(None, _also_said(embed))]),
        posted_at=min(parse_time(record.get("createdAt")) or seen_at, seen_at),
        title=clean(text_of(card.get("title"))) if isinstance(card, dict) else "",
        lang=clean(langs[0]) if isinstance(langs, list) and langs and isinstance(langs[0], str) else "",
        parent_id=parent,
        thread_id=root or parent or uri,
        author_id=did,
        pictures=pictures,
        videos=videos,
    )


def uri_of(reference: Any) -> str:
    """The address of a post (at://...); empty for what is none."""
    uri = reference.get("uri") if isinstance(reference, dict) else None
    return clean(uri)[:1000] if isinstance(uri, str) and uri.startswith("at://") else ""


def own_posts(feed: list[Any], source: str) -> tuple[list[Post], list[Aside]]:
    """Read a feed's own posts; a repost (it has a `reason`) is somebody else's."""
    read: list[Post] = []
    aside: list[Aside] = []
    for each in feed:
        try:
            if each.get("reason"):
                continue
            view = each["post"]
            author = view["author"]
            seen_at = parse_time(view["indexedAt"])
            uri = uri_of(view)
            if seen_at is None or not uri or not DID.fullmatch(author["did"]):
                raise ValueError("indexedAt, uri or did is missing")
            post = post_of(uri, author["did"], view["record"], seen_at, source)
            name, asked = clean(text_of(author.get("displayName"))), _parent_author(each)
            read.append(replace(post, author_name=name, parent_author=asked, raw=raw_of(view)))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            aside.append(Aside(raw_of(each).encode(), fault_of(error)))
    if len(aside) > FEW and not read:
        raise Nonsense(f"Bluesky sent {len(aside)} posts, none of them readable", "Check appview_url of this source.")
    return read, aside


def _parent_author(item: Any) -> str:
    """Whom a post of a feed answers, where the feed shows it."""
    reply = item.get("reply")
    parent = reply.get("parent") if isinstance(reply, dict) else None
    return _author_of({"post": parent})


def in_thread(thread: dict[str, Any], source: str) -> list[Post]:
    """The replies in a thread, named by their handles as `fetch` names who wrote; what cannot be read is left out."""
    read: list[Post] = []
    open_branches: list[tuple[Any, str]] = [(each, _author_of(thread)) for each in _replies(thread)]
    while open_branches and len(read) < MOST_IN_THREAD:
        branch, parent_author = open_branches.pop()
        open_branches += [(each, _author_of(branch)) for each in _replies(branch)]
        try:
            view, author = branch["post"], branch["post"]["author"]
            seen_at, uri = parse_time(view["indexedAt"]), uri_of(view)
            if seen_at is None or not uri or not DID.fullmatch(author["did"]):
                continue
            post = post_of(uri, author["did"], view["record"], seen_at, source)
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
        named = _author_of(branch) or post.author
        read.append(replace(post, author=named, parent_author=parent_author, raw=raw_of(view)))
    return sorted(read, key=lambda post: post.posted_at)


def _replies(branch: Any) -> list[Any]:
    found = branch.get("replies") if isinstance(branch, dict) else None
    return found if isinstance(found, list) else []


def _author_of(branch: Any) -> str:
    """The handle of who wrote, else their DID; empty for what is blocked or gone."""
    view = branch.get("post") if isinstance(branch, dict) else None
    author = view.get("author") if isinstance(view, dict) else None
    if not isinstance(author, dict):
        return ""
    handle = clean(text_of(author.get("handle"))).strip().casefold()
    return handle if handle and handle != "handle.invalid" else clean(text_of(author.get("did")))
