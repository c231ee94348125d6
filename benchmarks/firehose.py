"""`python -m benchmarks.firehose`: a stream of everything, ten thousand brands, one process.

The events have the shape that Jetstream documents (https://github.com/bluesky-social/jetstream), written here from a
fixed seed: posts in several languages, with replies, links and pictures, and deletions between them. One post in a
thousand is about a brand. Measured is what the daemon does with each: JSON read, looked at, and those that may be about
somebody made a post, tidied and matched. Then the same with fifty brands, by turns with what was done before: a pattern
of all words over the raw event, and each query by itself.

The last line is one JSON object; times are of the processor, so that a busy machine does not change them much.
"""

from __future__ import annotations

import json
import random
import re
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.progress import Bar
from connectors import Request
from connectors.bluesky.stream import Page, Sieve, microseconds
from monitor.text.query.matching import Queries, Query, brands_in, wanted_by
from monitor.text.query.parsing import parse
from monitor.text.query.subject import Subject
from monitor.text.sanitize import tidy

EVENTS = 60_000
PIECE = 2_000  # events between two looks at the clock, and two turns of what is compared
BRANDS, FEW_BRANDS = 10_000, 50
ONE_IN = 1_000
NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
# Everyday words, so that texts are about as long and as mixed as people write.
WORDS = {
    "en": "the of and to in is you that it was for on are with they be at this have from or had by hot but some what "
    "there we can out other were all your when up use word how said an each she which do their time will way about "
    "many then them would write like so these her long make thing see him two has look more day could go come did my "
    "sound no most number who over know water than call first people may down side been now find any new work part "
    "target apple gap shell orange square stripe slack monday notion",
    "pt": "não uma para com mais você está isso muito também até já só então agora coisa ninguém amanhã é à você",
    "de": "nicht für über können möchte schon heute morgen auch wieder straße groß früh später ähnlich übrigens doch",
    "ja": "今日 は とても 暑い です ね 猫 が かわいい 新しい 電車 遅れた 仕事 終わった ありがとう おはよう 明日 雨",
}
SHARES = (("en", 55), ("ja", 20), ("pt", 15), ("de", 10))
SIGNS = ("", "", "", "!", "...", " \U0001f602", " \u2764\ufe0f", " #art", " \u2014 don\u2019t")
SYLLABLES = [first + vowel for first in "bdfgklmnprstvz" for vowel in "aeiou"]


def names(made: random.Random, count: int) -> list[str]:
    """Names that nobody uses as a word."""
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(made.choices(SYLLABLES, k=made.choice((3, 4, 4, 5)))) + made.choice(("x", "", "qu"))] = None
    return list(found)


# How a brand is asked for, and what is said of it: {0} its name, {1} the same with a capital, {2} an everyday word.
SHAPES = (
    ("{0}", "{0} again"),
    ('"{0} air"', "{0} Air lost it"),
    ("{0} OR @{0} OR #{0}fail", "#{0}fail"),
    ("{0} (refund OR broken OR late) -jobs", "my {0} came late"),
    ("{0}* -hiring", "{0}s are gone"),
    ("{0} NEAR/5 (order OR parcel)", "a parcel of {0}"),
    ('="{1}" OR {0}shop', "{1} it is"),
    ('"{2} {0}" OR "{0} {2}"', "{0} {2}"),
    ("{0} lang:en OR {0}.com", "see {0}.com"),
    ("{0}猫", "{0}猫"),
)


class Brands:
    """Made brands: their queries, and for each what is said of it."""

    def __init__(self, made: random.Random, called: Sequence[str]) -> None:
        common = WORDS["en"].split()
        self.queries: dict[str, Query] = {}
        self.said: list[str] = []
        for number, name in enumerate(called):
            asked, said = SHAPES[number % len(SHAPES)]
            filled = (name, name.capitalize(), made.choice(common))
            self.queries[name] = parse(asked.format(*filled))
            self.said.append(said.format(*filled))


def events_of(made: random.Random, mentions: Sequence[str], count: int) -> tuple[list[str], int]:
    """Events as they come over the line, and how many of them are posts about a brand."""
    languages = [each for each, share in SHARES for _ in range(share)]
    words = {each: text.split() for each, text in WORDS.items()}
    events, about = [], 0
    for number in range(count):
        at = NOW - timedelta(milliseconds=20 * (count - number))
        if number % 12 == 11:
            events.append(_written(made, at, {"operation": "delete"}))
            continue
        language = made.choice(languages)
        text = ("" if language == "ja" else " ").join(made.choices(words[language], k=made.randint(3, 40)))[:250]
        if number % ONE_IN == 0:
            text = f"{made.choice(mentions)} {text}"
            about += 1
        text += made.choice(SIGNS)
        events.append(_written(made, at, {"operation": "create", "record": _record(made, at, text, language)}))
    return events, about


def _record(made: random.Random, at: datetime, text: str, language: str) -> dict[str, Any]:
    """One in two answers somebody, one in three shows or links to something."""
    record: dict[str, Any] = {
        "$type": "app.bsky.feed.post", "createdAt": at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z", "langs": [language],
        "text": text,
    }  # fmt: skip
    if made.random() < 0.5:
        parent = {
            "cid": f"bafyrei{made.getrandbits(200):x}",
            "uri": f"at://{_did(made)}/app.bsky.feed.post/3l{made.getrandbits(50):x}",
        }
        record["reply"] = {"parent": parent, "root": parent}
    kind = made.random()
    if kind < 0.15:
        card = {"uri": f"https://news.example/{made.getrandbits(60):x}", "title": text[:60], "description": text}
        record["embed"] = {"$type": "app.bsky.embed.external", "external": card}
    elif kind < 0.3:
        image = {
            "$type": "blob",
            "ref": {"$link": f"bafkrei{made.getrandbits(200):x}"},
            "mimeType": "image/jpeg",
            "size": 512_000,
        }
        record["embed"] = {"$type": "app.bsky.embed.images", "images": [
            {"alt": text[:80], "aspectRatio": {"height": 1350, "width": 1080}, "image": image}]}  # fmt: skip
    return record


def _written(made: random.Random, at: datetime, commit: Mapping[str, Any]) -> str:
    key = f"3l{made.getrandbits(50):x}"
    rest = {"rev": key, "collection": "app.bsky.feed.post", "rkey": key, "cid": f"bafyrei{made.getrandbits(200):x}"}
    event = {"did": _did(made), "time_us": microseconds(at), "kind": "commit", "commit": {**commit, **rest}}
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def _did(made: random.Random) -> str:
    return f"did:plc:{made.getrandbits(110):024x}"


def pieces(events: Sequence[str]) -> Iterator[Sequence[str]]:
    """So many events at a time."""
    for start in range(0, len(events), PIECE):
        yield events[start : start + PIECE]


def through(events: Sequence[str], queries: Mapping[str, Query], wants: Callable[[str], bool] | None) -> int:
    """What the daemon does with events; how many posts are about a brand."""
    page, about = Page(0), 0
    sieve = Sieve(Request("sky", ("everything",), "", NOW, NOW, wants=wants))
    for message in events:
        sieve.take(page, message, 0)
    for post in page.posts:
        post = tidy(post, NOW)  # noqa: PLW2901
        subject = Subject(post.text, post.title, post.author, post.source, post.lang, post.url)
        about += bool(brands_in(subject, queries))
    return about


def before(events: Sequence[str], queries: Mapping[str, Query], pattern: re.Pattern[str]) -> int:
    """The same as it was done until then: the raw event by one pattern, then each query by itself."""
    looked = [each for each in events if pattern.search(each) or '"operation":"delete"' in each]
    return through(looked, queries, lambda _text: True)


def seconds(work: Callable[[], int], about: list[int]) -> float:
    """Of the processor."""
    started = time.process_time()
    about.append(work())
    return time.process_time() - started


def main() -> None:
    """Print the figures as one JSON object."""
    made = random.Random(19)
    brands = Brands(made, names(made, BRANDS))
    events, about = events_of(made, brands.said, EVENTS)
    rss_before = _rss()
    started = time.process_time()
    many, wants = Queries(brands.queries), wanted_by(brands.queries.values())
    built = time.process_time() - started
    bar = Bar("reading the stream", EVENTS)
    wall, found, spent, done = time.perf_counter(), [0], 0.0, 0
    for piece in pieces(events):
        spent += seconds(lambda piece=piece: through(piece, many, wants), found)  # type: ignore[misc]
        done += len(piece)
        bar.to(done)
    wall = time.perf_counter() - wall
    bar.end()
    together, formerly = _with_few(brands, events)
    figures: dict[str, Any] = {
        "firehose_posts_per_second": round(EVENTS / spent), "firehose_posts_per_second_wall": round(EVENTS / wall),
        "firehose_brands": BRANDS, "firehose_events": EVENTS, "firehose_about_a_brand": sum(found),
        "firehose_bytes_per_event": round(sum(map(len, events)) / EVENTS),
        "firehose_automaton_seconds": round(built, 2), "firehose_rss_mb": _rss(),
        "firehose_rss_of_the_stream_mb": rss_before, "firehose_with_50_brands_per_second": round(EVENTS / together),
        "firehose_with_50_brands_to_before": round(together / formerly, 3),
    }  # fmt: skip
    print(json.dumps(figures))
    if sum(found) != about:
        sys.exit(f"{about} posts were made about a brand, and {sum(found)} were matched")


def _with_few(brands: Brands, events: Sequence[str]) -> tuple[float, float]:
    """Seconds with fifty brands: as the daemon does it, and as it did before."""
    each = dict(list(brands.queries.items())[:FEW_BRANDS])
    queries, wants = Queries(each), wanted_by(each.values())
    terms = sorted({term.strip("@#").casefold() for query in each.values() for term in query.terms()})
    pattern = re.compile("|".join(map(re.escape, terms)), re.IGNORECASE)
    now, formerly = 0.0, 0.0
    found, then = [0], [0]
    for piece in pieces(events):
        now += seconds(lambda piece=piece: through(piece, queries, wants), found)  # type: ignore[misc]
        formerly += seconds(lambda piece=piece: before(piece, each, pattern), then)  # type: ignore[misc]
    if sum(found) != sum(then):
        sys.exit(f"{sum(found)} posts are about one of fifty brands, and {sum(then)} by the way of before")
    return now, formerly


def _rss() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main()
