"""Hacker News' search as the bench plays it: posts are searched, looked up by their ids, and read below a story."""

from __future__ import annotations

import operator
import re
import threading
import time
from typing import Any

from benchmarks import made
from tests.fakes.server import FakeServer, Reply, Seen

API = "/api/v1"
_COMPARED = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "=": operator.eq}
_FILTER = re.compile(r"created_at_i([<>]=?|=)(\d+)")
_FIRST = 1000


class Network:
    """Its posts, newest first. A post has arrived when it first stands in an answer."""

    def __init__(self) -> None:
        self.arrived: dict[str, float] = {}
        self._hits: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def serve(self, server: FakeServer) -> None:
        """Answer what the connector asks: a listing, and single items (who is not found there counts as deleted)."""
        server.route(f"{API}/search_by_date", self._search)
        server.route(f"{API}/items/*", self._item)

    def write(self, texts: list[str]) -> list[str]:
        """Somebody writes these posts now; their ids."""
        with self._lock:
            now, first = time.time(), _FIRST + len(self._hits)
            new = [made.hit(first + place, text, now) for place, text in enumerate(texts)]
            self._hits = [*reversed(new), *self._hits]
            return [each["objectID"] for each in new]

    def _search(self, seen: Seen) -> dict[str, Any]:
        limits = [(_COMPARED[how], int(at)) for how, at in _FILTER.findall(seen.one("numericFilters"))]
        story = re.search(r"story_(\d+)", seen.one("tags"))
        size, page = int(seen.one("hitsPerPage")), int(seen.one("page", "0"))
        with self._lock:
            fitting = [each for each in self._hits if all(compare(each["created_at_i"], at) for compare, at in limits)]
        if story:
            fitting = [each for each in fitting if str(each["story_id"]) == story[1]]
        shown = fitting[page * size : (page + 1) * size]
        now = time.monotonic()
        for each in shown:
            self.arrived.setdefault(each["objectID"], now)
        return {"hits": shown, "hitsPerPage": size, "page": page}

    def _item(self, seen: Seen) -> Reply:
        wanted = seen.path.rpartition("/")[2]
        with self._lock:
            found = next((each for each in self._hits if each["objectID"] == wanted), None)
        if found is None:
            return Reply(404, json={"status": 404, "error": "Not Found"})
        words = {"id": int(wanted), "author": found["author"], "text": found["comment_text"], "children": []}
        return Reply(json=words)
