"""Reviews from where they are read to where people see them: stars, verdict, case, page and lines for scripts."""

from __future__ import annotations

from connectors.http import Http
from connectors.rss.connector import Rss, Settings
from monitor.cli.cases import mention_json
from monitor.store import mentions
from tests.connectors.contracts import first_request, walk
from tests.fakes.server import FakeServer, Reply
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
    found = {each.post.author: mention_json(each) for each in mentions.find(office.database, mentions.Filter())}
    assert [(name, found[name]["rating"], found[name]["lane"]) for name in sorted(found)] == [
        ("mia", 1.0, "ping"), ("noah", 5.0, "none"),
    ]  # fmt: skip
    assert found["mia"]["case"] == opened
    assert found["mia"]["reasons"][0] == "1 star"
    assert found["mia"]["url"] == "https://store.example/review?id=1"
    person = office.person("Ana")
    assert "1 of 5 stars" in person.get(f"/cases/{opened}").text
    assert "5 of 5 stars" in person.get(f"/mentions/{found['noah']['id']}").text
