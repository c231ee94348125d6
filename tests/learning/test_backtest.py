"""What other settings would have told: gained, lost and moved, with what people said; nothing sent, nothing stored."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from monitor.cases.actions import say
from monitor.learning.backtest import Sums, backtest
from monitor.privacy import forgetting
from monitor.settings.loading import load
from monitor.store import key_values
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import ANGRY, BROKEN, DAY, LATE, MINUTE, NOW, assembly_of, post, settings_from, take

Base = Sqlite | Postgresql
LOVELY = "great day at the Acme museum, we loved the old posters"
TABLES = (
    "posts", "mentions", "cases", "case_log", "deliveries", "labels", "models", "mutes", "periods", "facts", "stories",
)  # fmt: skip


def other(acme: Assembly, folder: Path, **changes: str) -> Assembly:
    """The same database under other settings."""
    folder.mkdir(exist_ok=True)
    return assembly_of(acme.database, settings_from(folder, **changes))  # type: ignore[arg-type]


def compared(acme: Assembly, after: Assembly, days: int = 30) -> Sums:
    return backtest(acme.intake, after.intake, NOW - timedelta(days=days), NOW)


def everything(acme: Assembly) -> dict[str, list[dict[str, object]]]:
    return {
        table: sorted((dict(row) for row in acme.database.rows(f"SELECT * FROM {table}")), key=repr) for table in TABLES
    }


def test_the_same_settings_change_nothing(acme: Assembly, tmp_path: Path) -> None:
    take(acme, post(ANGRY), post(LATE, author="mira"), post(LOVELY, author="joon"))
    sums = compared(acme, other(acme, tmp_path / "same"))
    assert (sums.posts, sums.alerts_before, sums.alerts_after, sums.changes) == (3, 2, 2, [])


def test_an_ignored_author_is_an_alert_lost_with_what_people_said_of_it(acme: Assembly, tmp_path: Path) -> None:
    for author, verb in (("olga", "dismiss"), ("mira", "take")):
        (opened,) = take(acme, post(ANGRY if verb == "dismiss" else BROKEN, author=author))
        say(acme.database, acme.rules, opened, verb, who="ANA", way="page", now=NOW)
    before = everything(acme)
    file = settings_from(tmp_path).file
    text = file.read_text(encoding="utf-8").replace('"acme_staff"', '"acme_staff", "olga", "mira"')
    folder = tmp_path / "others"
    folder.mkdir()
    (folder / "settings.toml").write_text(text, encoding="utf-8")
    after = assembly_of(acme.database, load(folder / "settings.toml", {}))
    sums = compared(acme, after)
    found = [(change.what, change.mention.post.author, change.why, change.answer) for change in sums.changes]
    assert sorted(found) == [
        ("lost", "mira", "an ignored author", "yes"),
        ("lost", "olga", "an ignored author", "not_a_complaint"),
    ]
    assert (sums.alerts_before, sums.alerts_after) == (2, 0)
    assert everything(acme) == before, "a backtest stores nothing and sends nothing"


def test_a_critical_word_of_ones_own_gains_an_alert(acme: Assembly, tmp_path: Path) -> None:
    take(acme, post("my Acme lamp smells of almonds, so pretty", author="olga"), post(LOVELY, author="joon"))
    after = other(acme, tmp_path / "others", alerts='critical_words = ["smells of almonds"]')
    (gained,) = compared(acme, after).of("gained")
    assert gained.mention.post.author == "olga"
    assert "critical" in gained.why


def test_another_channel_is_an_alert_moved(acme: Assembly, tmp_path: Path) -> None:
    take(acme, post(ANGRY), post(LATE, author="mira", source="chirp"))
    rule = '[[alerts.routes]]\nname = "chirps"\nsource = ["chirp"]\nnotify = ["console:#chirps"]\npriority = "urgent"\n'
    sums = compared(acme, other(acme, tmp_path / "others", tables=rule))
    assert [(change.mention.post.author, change.why) for change in sums.changes] == [
        ("mira", "console -> console:#chirps as urgent")
    ]
    assert (sums.alerts_before, sums.alerts_after) == (2, 2)


def test_old_posts_call_nobody_on_either_side(acme: Assembly, tmp_path: Path) -> None:
    take(acme, post(ANGRY, ago=3 * DAY))
    shorter = compared(acme, other(acme, tmp_path / "same"))
    assert (shorter.alerts_before, shorter.alerts_after) == (0, 0)
    longer = compared(acme, other(acme, tmp_path / "others", alerts='alert_not_older_than = "7d"'))
    assert (longer.alerts_before, longer.alerts_after) == (0, 1)


def test_only_the_asked_days_are_judged_page_by_page_each_post_once(acme: Assembly, tmp_path: Path) -> None:
    take(acme, *(post(f"Acme and Globex both, number {n}", author=f"c{n}", ago=MINUTE * 5) for n in range(620)))
    take(acme, post(ANGRY, ago=40 * DAY))
    after = other(acme, tmp_path / "same")
    assert compared(acme, after).posts == 620
    assert compared(acme, after, days=60).posts == 621


def test_what_was_deleted_is_left_out_and_mutes_hold_on_both_sides(acme: Assembly, tmp_path: Path) -> None:
    take(acme, post(ANGRY, native_id="gone"), post(LATE, author="loud"))
    forgetting.deleted(acme.database, "forum", ["gone"], (), NOW)
    key_values.add_mute(acme.database, "Acme", "author", "forum/loud", "ANA", NOW)
    sums = compared(acme, other(acme, tmp_path / "same"))
    assert (sums.posts, sums.alerts_before, sums.alerts_after) == (1, 0, 0)
