"""`python -m benchmarks.small`: one small machine: four sources that need no key, at real rates, on SQLite.

The daemon as people run it, between loopback servers: Bluesky's whole stream at the pace at which the network writes
(60 posts a second, and a deletion to every eleven), comments of Hacker News' search, a Mastodon tag, and a feed of
news. One post in a thousand of the stream, and all the others, are about the brand. Measured are its memory, its share
of a core, and the bytes that its sources sent, from which a day's are reckoned.
"""

from __future__ import annotations

import json
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks import made
from benchmarks.firehose import events_of
from benchmarks.idle import HEAD, _daemon, _used
from monitor.store.sqlite import Sqlite
from tests.connectors.contract_rss import feed, item, served
from tests.fakes.bluesky import FakeJetstream, microseconds
from tests.fakes.mastodon import FakeMastodon, status
from tests.fakes.server import FakeServer, Reply

MINUTES = 4
A_SECOND = 65  # events of Bluesky's stream: 60 posts, and what is deleted
AN_HOUR = {"hackernews": 20, "mastodon": 20, "rss": 12}  # posts about the brand
ROOM = 2_000  # MB
SOURCES = """
[[sources]]
name = "bluesky"
kind = "bluesky"
every = "1m"
api_url = "{stream}"
resolve_handles = false
[[sources]]
name = "hackernews"
kind = "hackernews"
every = "1m"
api_url = "{network}/api/v1"
[[sources]]
name = "mastodon"
kind = "mastodon"
every = "1m"
api_url = "{network}"
tags = ["harbourtea"]
[[sources]]
name = "news"
kind = "rss"
every = "1m"
feeds = ["{network}/news.xml"]
"""
_TIME = re.compile(r'"time_us":\d+')
_CREATED = re.compile(r'"createdAt":"[^"]*"')


class Stream(FakeJetstream):
    """Jetstream at the pace of the network, from the moment at which it is made; `sent` counts its bytes."""

    def __init__(self) -> None:
        super().__init__()
        said = [text for text, _bad in made.texts(50, unhappy=0.15)]
        self._texts, _ = events_of(random.Random(4), said, A_SECOND * 60 * (MINUTES + 3))
        self._begin = microseconds(datetime.now(UTC))
        self.sent = 0

    def after(self, cursor: int) -> Iterable[str]:
        """What was written since `cursor`, each event with its own time."""
        now = microseconds(datetime.now(UTC))
        step = 1_000_000 // A_SECOND
        first = max(0, -(-(cursor - self._begin) // step))
        for number in range(first, min(len(self._texts), (now - self._begin) // step)):
            at = self._begin + number * step
            written = datetime.fromtimestamp(at / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            text = _CREATED.sub(f'"createdAt":"{written}"', _TIME.sub(f'"time_us":{at}', self._texts[number]))
            self.sent += len(text.encode()) + 4
            yield text


class Networks:
    """The other three: at each question they show what was written since they began; `sent` counts their bytes."""

    def __init__(self, server: FakeServer) -> None:
        self.sent = dict.fromkeys(AN_HOUR, 0)
        self._begin = time.time()
        self._texts = [text for text, _bad in made.texts(200, unhappy=0.15, seed=9)]
        self._tags = FakeMastodon(server)
        mastodon = server._routes  # its pages go through a count of their bytes
        for path, answer in list(mastodon.items()):
            server.route(path, self._counted("mastodon", answer))
        server.route("/api/v1/search_by_date", self._counted("hackernews", self._comments))
        server.route("/api/v1/items/*", Reply(404, json={"status": 404, "error": "Not Found"}))
        server.route("/news.xml", self._counted("rss", self._news))
        self.write()

    def write(self) -> None:
        """The tag shows what was written by now."""
        self._tags.tags["harbourtea"] = [status(at, text, number) for number, at, text in self._written("mastodon")]

    def _written(self, source: str) -> list[tuple[int, datetime, str]]:
        count = 5 + int((time.time() - self._begin) * AN_HOUR[source] / 3600)
        now = datetime.now(UTC)
        pause = timedelta(hours=1) / AN_HOUR[source]
        return [(count - place, now - pause * place, self._texts[count - place]) for place in range(min(count, 50))]

    def _comments(self, _seen: Any) -> dict[str, Any]:
        found = [made.hit(number, text, at.timestamp()) for number, at, text in self._written("hackernews")]
        return {"hits": found, "hitsPerPage": 100, "page": 0}

    def _news(self, _seen: Any) -> Reply:
        entries = [
            item(number, text=text, date=f"{at:%a, %d %b %Y %H:%M:%S GMT}") for number, at, text in self._written("rss")
        ]
        return served(feed(*entries), etag=f'"{len(entries)}"')

    def _counted(self, source: str, answer: Any) -> Any:
        def count(seen: Any) -> Any:
            self.write()
            found = answer(seen)
            body = found.encoded()[0] if isinstance(found, Reply) else json.dumps(found).encode()
            self.sent[source] += len(body) + 300  # and a head
            return found

        return count


def memory(process: int) -> tuple[int, int]:
    """MB of memory now and at most, of a process and its children."""
    now = most = 0
    for file in Path("/proc").glob("[0-9]*/status"):
        try:
            said = dict(line.split(":", 1) for line in file.read_text().splitlines() if ":" in line)
        except OSError:
            continue
        if str(process) in (said["Pid"].strip(), said["PPid"].strip()) and "VmRSS" in said:
            now += int(said["VmRSS"].split()[0])
            most += int(said["VmHWM"].split()[0])
    return round(now / 1024), round(most / 1024)


def main() -> None:
    """Print the figures as one JSON object."""
    minutes = int(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    with tempfile.TemporaryDirectory(prefix="earful-bench-") as name, FakeServer() as server, Stream() as stream:
        networks = Networks(server)
        file = Path(name) / "settings.toml"
        file.write_text(
            HEAD.replace("{database}", "sqlite:idle.sqlite") + SOURCES.format(network=server.url, stream=stream.url),
            "utf-8",
        )
        with _daemon(file) as process:
            time.sleep(60)  # the first reads
            before, used, began = stream.sent, _used(process), time.monotonic()
            others = dict(networks.sent)
            time.sleep(60 * minutes)
            seconds = time.monotonic() - began
            used = _used(process) - used
            rss, most = memory(process)
            megabytes = {"bluesky": stream.sent - before}
            megabytes |= {each: networks.sent[each] - others[each] for each in others}
        database = Sqlite(Path(name) / "idle.sqlite")
        found = {
            row["source"]: row["n"]
            for row in database.rows("SELECT source, count(*) AS n FROM mentions GROUP BY source")
        }
        database.close()
        log = (Path(name) / "log").read_text("utf-8")
    a_day = {each: round(sent / seconds * 86_400 / 1e6, 1) for each, sent in megabytes.items()}
    figures = {
        "minutes": minutes,
        "rss_mb": rss,
        "most_rss_mb": most,
        "percent_of_a_core": round(100 * used / seconds, 2),
        "mb_a_day": a_day,
        "mb_a_day_in_all": round(sum(a_day.values()), 1),
        "events_a_second": A_SECOND,
        "mentions": found,
        "errors": [line for line in log.splitlines() if " ERROR " in line or " CRITICAL " in line][:3],
        "fits_in_two_gb": most < ROOM,
        "load_average": round(os.getloadavg()[0], 1),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
