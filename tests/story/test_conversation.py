"""A conversation counts: what is asked without the name, and whoever says below a complaint that it is the same."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from monitor.store import mentions
from tests.story.world import moment, world


def test_any_news_waits_again_and_plus_one_counts_in_the_story(tmp_path: Path, database_url: str) -> None:
    step = timedelta(minutes=3)
    with world(tmp_path, database_url, start="Wed 14:00") as earful:
        # Olga complains. Below her post somebody says that it is the same, and somebody else speaks of the weather.
        complaint = earful.posts("olga", "#harbourtea my parcel never arrived, nobody answers.", at="Wed 14:01")
        earful.posts("mira", "+1", at="Wed 14:05", to=complaint)
        earful.posts("paul", "Lovely weather in Leith today.", at="Wed 14:06", to=complaint)
        earful.until("Wed 14:20", step=step)
        olga = earful.case_of("olga")
        told = mentions.of_case(earful.database, olga.id)
        assert [(each.post.author.split("@")[0], each.suppressed) for each in told] == [
            ("olga", ""), ("mira", "the same trouble"),
        ]  # fmt: skip
        assert len(earful.database.rows("SELECT id FROM cases")) == 1, "nobody else is a case"
        assert not earful.database.rows("SELECT id FROM posts WHERE text LIKE '%weather%'")
        assert len(earful.messages()) == 1

        # She is answered, and asks on without naming anybody: the next clock runs.
        earful.answers(
            "Olga, we are sorry: it left Hull this morning and is with you tomorrow.", at="Wed 14:30", to=complaint
        )
        earful.until("Wed 14:48", step=step)
        assert earful.case_of("olga").state_at(moment("Wed 14:48")) == "answered"
        earful.posts("olga", "any news?", at="Wed 14:49", to=complaint)
        earful.until("Wed 15:04", step=step)
        again = earful.case_of("olga")
        assert (again.state_at(moment("Wed 15:04")), again.id) == ("open", olga.id)
        assert again.due_at is not None
        assert again.due_at > moment("Wed 14:49")
