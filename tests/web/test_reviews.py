"""Reviews from where they are read to where people see them: stars, verdict, case, page and lines for scripts."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from connectors.http import Http
from connectors.rss.connector import Rss, Settings
from monitor.cli.mentions import mention_json
from monitor.store import cases, finding
from tests.connectors import contract_appstore as apple
from tests.connectors import contract_googleplay as google
from tests.connectors.contracts import NOW, again, first_request, walk
from tests.fakes.server import FakeServer, Reply
from tests.helpers import messages
from tests.web.office import Office

REVIEWS = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns:im="http://itunes.apple.com/rss" xmlns="http://www.w3.org/2005/Atom" xml:lang="en">
<title>Store: Customer Reviews</title><updated>2026-11-20T11:00:00Z</updated>
<entry><updated>2026-11-20T11:30:00Z</updated><id>90000000001</id><title>Since the last version</title>
<content type="text">Acme used to open on my tablet. Now there is a grey page.</content><im:rating>1</im:rating>
<author><name>mia</name></author><link rel="related" href="https://store.example/review?id=1"/></entry>
<entry><updated>2026-11-20T11:20:00Z</updated><id>90000000002</id><title>Daily driver</title>
<content type="text">Acme is on my first page of icons.</content><im:rating>5</im:rating>
<author><name>noah</name></author><link rel="related" href="https://store.example/review?id=1"/></entry>
</feed>"""


def test_the_stars_of_a_feed_decide_and_are_shown(office: Office) -> None:
    """One star without a cross word calls people; stars are on the page and in the lines for scripts."""
    with FakeServer() as server:
        server.route("/r", Reply(body=REVIEWS, headers={"Content-Type": "text/xml"}))
        reader = Rss(Settings(feeds=(f"{server.url}/r",)), Http(trusted=[server.host]))
        posts = [post for batch in walk(reader, first_request("forum")) for post in batch.posts]
    (opened,) = office.take(*posts)
    found = {each.post.author: mention_json(each) for each in finding.find(office.database, finding.Filter())}
    assert [(name, found[name]["rating"], found[name]["lane"]) for name in sorted(found)] == [
        ("mia", 1.0, "ping"), ("noah", 5.0, "none"),
    ]  # fmt: skip
    assert found["mia"]["case"] == opened
    assert found["mia"]["reasons"][0] == "1 star"
    assert found["mia"]["url"] == "https://store.example/review?id=1"
    person = office.person("Ana")
    assert "1 of 5 stars" in person.get(f"/cases/{opened}").text
    assert "5 of 5 stars" in person.get(f"/mentions/{found['noah']['id']}").text


MINUTES = timedelta(minutes=1)
MENDED = "Sorry! Version 6 is out and mends it, please update."


class Apple:
    """The App Store: a review says when it was written, and neither when it was changed nor whether."""

    changed_at = None  # then it is the moment at which it is read
    path, contract = apple.PATH, apple

    @staticmethod
    def page(words: str, stars: int, *, replied: Any = None, changed: Any = None) -> Any:
        answer = {"responseBody": MENDED, "lastModifiedDate": str(replied), "state": "PUBLISHED"}
        included = [{"type": "customerReviewResponses", "id": "a", "attributes": answer}]
        return apple.page(apple.review(1, answer="a" if replied else "", body=words, rating=stars), included=included)


class Google:
    """Google Play: a review says when it was changed last."""

    changed_at = NOW + 40 * MINUTES
    path, contract = google.PATH, google

    @staticmethod
    def page(words: str, stars: int, *, replied: Any = None, changed: Any = None) -> Any:
        reply = MENDED if replied else ""
        return google.page(google.review(1, at=changed, reply=reply, replied=replied, text=words, starRating=stars))


@pytest.mark.parametrize("store", [Apple, Google])
def test_a_review_is_answered_in_the_store_and_waits_again_once_it_is_changed(office: Office, store: Any) -> None:
    """It names no brand: whose app it is, is enough. The reply's own time stops the clock, and a change restarts it."""
    with FakeServer() as server:
        server.route("/token", google.TOKEN)
        connector = store.contract.make(server, 20)
        request = first_request("forum")

        def read(page: Any, minutes: int) -> list[str]:
            """What the store shows, read so many minutes later."""
            nonlocal request
            server.route(store.path, page)
            (batch,) = walk(connector, again(request, request.cursor, minutes * MINUTES))
            moved = list(batch.posts)
            request = again(request, batch.cursor)
            return office.assembly.intake.take(moved, NOW + minutes * MINUTES).opened

        (opened,) = read(store.page("It lost all my photos.", 1), 0)
        row = cases.row_of(office.database, opened)
        assert row is not None
        assert (row["rating"], row["lane"], row["brand"]) == (1.0, "ping", "Acme")

        def waiting() -> Any:
            return cases.one(office.database, opened)

        replied = NOW + 10 * MINUTES
        assert read(store.page("It lost all my photos.", 1, replied=replied), 30) == []
        assert waiting().answered_at == replied
        worse = store.page("Version 6 lost all my photos again!", 1, replied=replied, changed=store.changed_at)
        read(worse, 60)
        read(worse, 65)
        assert waiting().last_posted_at == (store.changed_at or NOW + 60 * MINUTES)
        assert waiting().answered_at == replied
        kinder = {"replied": NOW + 90 * MINUTES, "changed": store.changed_at}
        read(store.page("Version 6 lost all my photos again!", 1, **kinder), 95)
        assert waiting().answered_at == NOW + 90 * MINUTES
        changed = NOW + 120 * MINUTES
        read(store.page("Version 7 lost all my photos again!", 1, replied=NOW + 90 * MINUTES, changed=changed), 125)
        assert waiting().answered_at < waiting().last_posted_at
        told = [each for each in messages(office.database) if each.reason == "writes again"]
        assert len(told) == 2, "each time it is news, though it is one post"
    assert cases.row_of(office.database, opened)["mentions"] == 1, "an edited review is one post"  # type: ignore[index]
    shown = office.person("Ana").get(f"/cases/{opened}").text
    assert "lost all my photos again" in shown
    assert "1 of 5 stars" in shown
    assert re.search(r"· edited <time", shown)
    assert len(finding.find(office.database, finding.Filter())) == 1
