"""What may happen to one of several workers, the network between them, or their PostgreSQL; each leaves a `Found`.

With one worker the same happens to the one daemon, which is started again. Every wait is for a condition, with an end.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from tests.faults.outside import Found
from tests.machines.installation import TAKEN_UP, Machines, Worker
from tests.machines.server import full
from tests.web.office import Browser

PASSWORD = "a sentence is a good password"
AWAY = "the database does not answer"
MOST_SAID = 6  # beside it: that the role's session has ended and is held again, that jobs are taken again
BESIDE = "already in use by"  # what a worker is told beside a daemon that knows of no others
HELD = 8.0  # seconds in which nothing may come, where a scenario has to see that nothing does


def _begins(made: Machines, complaints: int = 2) -> Found:
    """All workers run, and a few complaints have gone the whole way."""
    found = Found()
    made.all_begin()
    made.write(complaints)
    found.expect(made.all_told(), "the first complaints were not told")
    return found


def _ends(made: Machines, found: Found, *, mails: int = 0) -> Found:
    """What is said in the end, that all stop well, and what the ledgers hold; so many mails may have come again."""
    found.expect(made.all_told(), f"not everything was told: {made.told()} of {len(made.written)} in Slack")
    made.counted(found)
    ids = [(each.recipient, each.message_id) for each in made.far.smtp.ledger]
    again = len(ids) - len(set(ids))
    found.expect(again <= mails, f"{again} mails came again")
    cases = made.rows("SELECT source, author, count(*) FROM cases GROUP BY source, author HAVING count(*) > 1")
    found.expect(not cases, f"{len(cases)} people have two cases")
    found.expect(made.comes(lambda: not made.rows("SELECT 1 FROM unjudged"), 60), "some pages were never judged")
    return _stopped(made, found)


def _stopped(made: Machines, found: Found) -> Found:
    """All stop in order, and none has broken."""
    for each in made.alive:
        code = made.stop(each.process)
        found.expect(code == 0, f"{each.name} ended with {code}")
    for each in made.workers:
        found.expect("Traceback" not in each.log, f"{each.name} shows a traceback")
    return found


def _taken_up(made: Machines, found: Found, what: Callable[[], object]) -> None:
    """The work of the dead is taken up in time, by the clock of the database."""
    began = made.now()
    found.expect(made.comes(what), "nobody took it up")
    seconds = made.now() - began
    found.expect(seconds <= TAKEN_UP, f"it was taken up after {seconds:.0f} s")
    found.told = f"taken up after {seconds:.0f} s"


def _one(made: Machines, which: Callable[[], list[Worker]]) -> Worker:
    """The worker that is at it."""
    met: list[Worker] = []

    def there() -> bool:
        met[:] = which()
        return bool(met)

    assert made.comes(there), f"nobody came to do it\n{made.logs[-3000:]}"
    return met[0]


def reader_killed(made: Machines) -> Found:
    """kill -9 of whoever reads a source, in the middle of its answer."""
    found = _begins(made)
    made.network_line.hold()
    victim = _one(made, lambda: made.speaking(made.network_line))
    made.write_on("hn")
    made.kill(victim)
    made.network_line.drop()
    made.network_line.mend()
    _taken_up(made, found, lambda: made.told() == len(made.written))
    return _ends(made, found)


def judge_killed(made: Machines) -> Found:
    """kill -9 of whoever judges, with a page claimed and half of it stored."""
    found = _begins(made)
    with made.held("posts"):
        made.write_on("mastodon")
        victim = made.by_name(_one(made, lambda: [made.by_name(each) for each in made.waiting_for("posts")]).name)
        found.expect(bool(made.rows("SELECT 1 FROM unjudged WHERE claims > 0")), "no page was claimed")
        made.kill(victim)
    _taken_up(made, found, lambda: made.told() == len(made.written))
    return _ends(made, found)


def sender_killed_before(made: Machines) -> Found:
    """kill -9 of whoever tells Slack, between its claim and the moment in which Slack hears it."""
    found = _begins(made)
    made.slack_line.drop()
    made.slack_line.hold()
    made.write(1)
    victim = _one(made, lambda: sending(made))
    made.kill(victim)
    made.slack_line.drop()
    made.slack_line.mend()
    _taken_up(made, found, lambda: made.told() == len(made.written))
    return _ends(made, found, mails=1)


def sending(made: Machines) -> list[Worker]:
    """Who has a message to Slack in flight."""
    flying = made.rows("SELECT 1 FROM deliveries WHERE state = 'inflight' AND channel = 'slack'")
    return made.speaking(made.slack_line) if flying else []


def sender_killed_after(made: Machines) -> Found:
    """kill -9 of whoever tells Slack, between the moment in which Slack took it and the one in which it is marked."""
    found = _begins(made)
    before = len(made.far.slack.accepted)
    slow = [method for method, _ in made.far.slack.requests]  # what comes next is the message
    made.far.slack.mode = "hang"
    made.write(1)
    found.expect(
        made.comes(lambda: any(each["method"] == "chat.postMessage" for each in made.far.slack.accepted[before:])),
        f"Slack never took it, after {len(slow)} requests",
    )
    victim = _one(made, lambda: sending(made))
    made.kill(victim)
    made.far.slack.mode = "ok"
    _taken_up(made, found, lambda: not made.rows("SELECT 1 FROM deliveries WHERE state IN ('inflight', 'unknown')"))
    return _ends(made, found, mails=1)


def page_killed(made: Machines) -> Found:
    """kill -9 of whoever serves the page, while somebody presses; at another page they are known, and press again."""
    made.change("[earful]\n", '[earful]\npage_url = "http://127.0.0.1"\n')
    found = _begins(made, 1)
    case = made.rows("SELECT id FROM cases")[0][0]
    victim = made.workers[0]
    ana = logged_in(made, victim)
    found.expect(ana.get(f"/cases/{case}").status_code == 200, "the page does not show the case")
    with made.held("case_log"):
        press = threading.Thread(target=_quietly, args=(lambda: ana.post(f"/cases/{case}", {"verb": "take"}),))
        press.start()
        found.expect(made.comes(lambda: victim.name in made.waiting_for("case_log")), "the press never came to it")
        made.kill(victim)
    press.join(10)
    other = made.alive[-1]
    found.expect(made.comes(lambda: "the page is at" in other.log), "no other page")
    ana.http.base_url = _page_of(other)
    found.expect(ana.get(f"/cases/{case}").status_code == 200, "the other page does not know who Ana is")
    found.expect(ana.post(f"/cases/{case}", {"verb": "take"}).status_code == 303, "the press was not taken")
    taken = made.rows("SELECT count(*) FROM case_log WHERE what = 'take'")[0][0]
    found.expect(taken == 1, f"it was taken {taken} times")
    found.told = "pressed again at another page"
    ana.close()
    return _ends(made, found)


def logged_in(made: Machines, worker: Worker) -> Browser:
    """Ana's browser at the page of a worker."""
    (link,) = re.findall(r"http://127.0.0.1(/welcome/\S+)", made.says("user", "add", "Ana", "--role", "admin"))
    ana = Browser(_page_of(worker))
    ana.get(link)
    ana.post(link, {"password": PASSWORD, "again": PASSWORD})
    return ana


def _quietly(call: Callable[[], object]) -> None:
    try:
        call()
    except Exception:  # whoever pressed sees that the page is gone
        pass


def _page_of(worker: Worker) -> str:
    found = re.search(r"the page is at (\S+)", worker.log)
    assert found, worker.log
    return found[1].rstrip("/")


def sender_frozen(made: Machines) -> Found:
    """Whoever tells Slack stands still before its message has left, for longer than its lease, and then wakes."""
    found = _begins(made)
    made.slack_line.drop()
    made.slack_line.stall()
    made.write(1)
    victim = _one(made, lambda: _asking(made))
    victim.freeze()
    made.slack_line.mend()
    if made.number > 1:
        made.runs_out(victim)
        _taken_up(made, found, lambda: made.told() == len(made.written))
    else:
        time.sleep(HELD)
    victim.wake()
    found.expect(made.comes(lambda: made.told() == len(made.written)), "nobody told it")
    time.sleep(HELD)  # it would be told a second time in these
    return _ends(made, found, mails=1)


def _asking(made: Machines) -> list[Worker]:
    """Who wants to be let in by Slack and has not been."""
    flying = made.rows("SELECT 1 FROM deliveries WHERE state = 'inflight' AND channel = 'slack'")
    return [each for each in made.alive if each.connects(made.slack_line.port)] if flying else []


def frozen_anywhere(made: Machines) -> Found:
    """Workers stand still at any moment of a busy minute, one after the other, each for longer than its leases."""
    found = _begins(made)
    for number in range(3):
        made.write(1)
        time.sleep(random.uniform(0, 2))
        victim = made.workers[number % len(made.workers)]
        victim.freeze()
        if made.number > 1:
            made.runs_out(victim)
            found.expect(made.comes(lambda: made.told() == len(made.written)), f"nobody took it up at {number}")
        else:
            time.sleep(1)
        victim.wake()
        found.expect(made.comes(lambda: made.told() == len(made.written)), f"it was not told at {number}")
    time.sleep(HELD)
    found.told = "three stood still"
    return _ends(made, found, mails=3)


def killed_anywhere(made: Machines) -> Found:
    """kill -9 of one after the other, at any moment; a new one is started for each."""
    found = _begins(made)
    for _ in range(3):
        made.write(1)
        time.sleep(random.uniform(0, 2))
        made.kill(made.alive[0])
        if made.number > 1:
            made.worker()
    _taken_up(made, found, lambda: made.told() == len(made.written))
    return _ends(made, found, mails=3)


def listener_killed(made: Machines) -> Found:
    """kill -9 of whoever listens to Slack's buttons: another does within half a minute, and hears what is pressed."""
    found = _begins(made, 1)
    port = _port(made.far.slack.api_url)
    case = made.rows("SELECT id FROM cases")[0][0]
    found.expect(made.far.slack.connected(60), "nobody listens")
    listening = [each for each in made.alive if each.speaks_to(port)]
    found.expect(len(listening) == 1, f"{len(listening)} workers listen to Slack")
    began = made.now()
    made.kill(_one(made, lambda: [each for each in made.alive if each.speaks_to(port)]))
    heard = made.comes(lambda: bool(made.far.slack._sockets) and made.far.slack.press(case, "take", wait=2)[1])
    seconds = made.now() - began
    found.expect(heard, "nobody heard the press")
    found.expect(seconds <= 30 or made.number == 1, f"another listens after {seconds:.0f} s")
    took = made.comes(lambda: made.rows("SELECT 1 FROM case_log WHERE what = 'take'"), 60)
    found.expect(took, "the press was not worked off")
    time.sleep(2)
    taken = made.rows("SELECT count(*) FROM case_log WHERE what = 'take'")[0][0]
    found.expect(taken == 1, f"it was taken {taken} times")
    found.told = f"heard after {seconds:.0f} s"
    return _ends(made, found)


def each_role_killed(made: Machines) -> Found:
    """A collector, two judges, a notifier and a page: each is killed at its work, and one of its role goes on."""
    made.change("[earful]\n", '[earful]\npage_url = "http://127.0.0.1"\n')
    found = Found()
    made.all_begin(["collect"], ["judge"], ["judge"], ["notify"], ["page"])
    collector, notifier, page = made.workers[0], made.workers[3], made.workers[4]
    made.write(1)
    found.expect(made.all_told(), "the first complaint was not told")
    with made.held("posts"):
        made.write_on("mastodon")
        made.kill(_one(made, lambda: [made.by_name(each) for each in made.waiting_for("posts")]))
    _taken_up(made, found, lambda: made.told() == len(made.written))
    made.network_line.hold()
    found.expect(made.comes(lambda: collector in made.speaking(made.network_line)), "the collector does not read")
    made.write_on("hn")
    made.kill(collector)
    made.worker("collect")
    made.network_line.drop()
    made.network_line.mend()
    _taken_up(made, found, lambda: made.told() == len(made.written))
    made.slack_line.drop()
    made.slack_line.hold()
    made.write_on("x")
    found.expect(made.comes(lambda: sending(made) == [notifier]), "the notifier tells nobody")
    made.kill(notifier)
    made.worker("notify")
    made.slack_line.drop()
    made.slack_line.mend()
    _taken_up(made, found, lambda: made.told() == len(made.written))
    ana = logged_in(made, page)
    made.kill(page)
    page = made.worker("page")
    found.expect(made.comes(lambda: "the page is at" in page.log), "no other page")
    ana.http.base_url = _page_of(page)
    found.expect(ana.get("/").status_code == 200, "the other page does not know who Ana is")
    ana.close()
    found.told = "each was followed"
    return _ends(made, found, mails=1)


def _port(url: str) -> int:
    return int(re.search(r":(\d+)/", url)[1])  # type: ignore[index]


def once_however_many(made: Machines) -> Found:
    """Eight days go by over people who wait: the letter, each reminder and each list come once."""
    made.settings.write_text(made.settings.read_text("utf-8") + DIGEST, "utf-8")
    found = _begins(made)
    for _ in range(24):
        made.clock.forward(timedelta(hours=8))
        reads, end = made.networks.reads(), time.monotonic() + 2.0
        made.comes(lambda reads=reads, end=end: made.networks.reads() > reads and time.monotonic() > end, 20)  # type: ignore[misc]
    made.comes(lambda: made.mailed("boss@harbourtea.example"), 60)
    letters = [each.partition("\n")[0] for each in made.mailed("boss@harbourtea.example")]
    found.expect(bool(letters), "the letter never came")
    found.expect(len(letters) == len(set(letters)), f"letters came twice: {letters}")
    again = made.rows(
        "SELECT case_id, detail FROM case_log WHERE what IN ('remind', 'escalate') GROUP BY 1, 2 HAVING count(*) > 1"
    )
    found.expect(not again, f"{len(again)} reminders came twice")
    steps = made.rows("SELECT count(*) FROM case_log WHERE what = 'remind'")[0][0]
    found.expect(steps > 0, "nobody was reminded")
    found.told = f"{len(letters)} letters, {steps} reminders"
    made.written.clear()  # days later a complaint stands in lists as well: what counts is the key of each message
    made.counted(found)
    return _stopped(made, found)


DIGEST = """
[digest]
to = ["email:boss@harbourtea.example"]
"""


def by_role(made: Machines) -> Found:
    """One process a role: a complaint goes the whole way through four, and so does a press on the page."""
    made.change("[earful]\n", '[earful]\npage_url = "http://127.0.0.1"\n')
    found = Found()
    made.all_begin(["collect"], ["judge"], ["notify"], ["page"])
    made.write(3)
    found.expect(made.all_told(), "not everything was told")
    ana = logged_in(made, made.workers[3])
    case = made.rows("SELECT id FROM cases ORDER BY n")[0][0]
    ana.get(f"/cases/{case}")
    found.expect(ana.post(f"/cases/{case}", {"verb": "take"}).status_code == 303, "the press was not taken")
    found.expect(made.comes(lambda: any("taken by Ana" in each for each in made.shown())), "Slack does not show it")
    ana.close()
    found.told = "through four processes"
    return _ends(made, found)


def database_restarted(made: Machines) -> Found:
    """PostgreSQL is stopped for some seconds: each worker waits, says so once, and goes on."""
    found = _begins(made)
    before = {each.name: len(each.log) for each in made.alive}
    made.server.stop()
    made.write(3)
    found.expect(made.comes(lambda: all(AWAY in each.log for each in made.alive), 60), "not all said it")
    time.sleep(HELD)  # what is said again and again would be said in these
    made.server.start()
    _taken_up(made, found, lambda: made.told() == len(made.written))
    found.expect(made.comes(lambda: all("answers again" in each.log for each in made.alive), 60), "not all went on")
    for each in made.alive:
        said = [
            line for line in each.log[before[each.name] :].splitlines() if re.search("WARNING|ERROR|CRITICAL", line)
        ]
        found.expect(sum(AWAY in line for line in said) == 1, f"{each.name} said it more than once")
        found.expect(len(said) <= MOST_SAID, f"{each.name} said {len(said)} things: {said}")
    return _ends(made, found, mails=1)


def old_beside_new(made: Machines, old: Path) -> Found:
    """The last release works on while the schema is brought up under it, beside the new version or until it stops."""
    found = Found()
    made.number = 1
    older = made.worker(code=old)
    found.expect(made.comes(lambda: older.begun and made.networks.reads() >= 2), f"it did not begin: {older.log}")
    made.write(1)
    found.expect(made.all_told(), "the last release did not tell on its own schema")
    before = made.rows("SELECT count(*) FROM schema_steps")[0][0]
    made.says("status")
    after = made.rows("SELECT count(*) FROM schema_steps")[0][0]
    found.expect(after > before, f"the schema was not brought up: {before} steps, then {after}")
    made.write(2)
    found.expect(made.all_told(), f"it neither reads, judges nor tells on the new schema: {older.log[-500:]}")
    newer = made.worker()
    made.comes(lambda: newer.begun or not newer.runs)
    beside = newer.runs
    found.expect(beside or BESIDE in newer.log, f"the new version ended beside it: {newer.log[-500:]}")
    made.write(1)
    found.expect(made.all_told(), "not everything was told with both there")
    found.expect(made.stop(older.process) == 0, f"it did not stop well: {older.log[-500:]}")
    again = made.worker(code=old)
    code = made.code(again.process)
    found.expect(code != 0 and "written by a newer Earful" in again.log, f"started again it ended with {code}")
    if not beside:
        newer = made.worker()
    found.expect(made.comes(lambda: newer.begun), f"the new version did not begin: {newer.log[-500:]}")
    made.write(1)
    found.told = "side by side" if beside else "one after the other: the last release refuses to share a database"
    return _ends(made, found)


def cut_off(made: Machines) -> Found:
    """The line between a worker and PostgreSQL is cut, not the one to Slack: nothing is told twice, all goes on."""
    found = _begins(made)
    first = made.workers[0]
    made.slack_line.hold()
    made.write(2)
    victim = _one(made, lambda: sending(made)) if made.number > 1 else first
    victim.line.cut()
    made.slack_line.mend()
    made.write(1)
    if made.number == 1:
        time.sleep(HELD)
        victim.line.mend()
    _taken_up(made, found, lambda: made.told() == len(made.written))
    victim.line.mend()
    return _ends(made, found, mails=1)


def line_held(made: Machines) -> Found:
    """Nothing arrives on the line of a worker to PostgreSQL, amid a transaction: the others wait for seconds."""
    found = _begins(made)
    with made.held("posts"):
        made.write_on("mastodon")
        victim = _one(made, lambda: [made.by_name(each) for each in made.waiting_for("posts")])
        victim.line.hold()
    made.write(1)
    if made.number == 1:
        time.sleep(HELD)
        victim.line.mend()
    _taken_up(made, found, lambda: made.told() == len(made.written))
    victim.line.mend()
    made.write(1)
    found.expect(made.comes(lambda: made.told() == len(made.written)), "it does not go on once it is mended")
    return _ends(made, found, mails=1)


def disk_full(made: Machines) -> Found:
    """PostgreSQL has no room: it is said, nothing is lost, and all goes on once there is."""
    found = Found()
    made.all_begin()
    made.write(2)
    found.expect(made.all_told(), "the first complaints were not told")
    with full(made.url, made.disk) as how:
        made.write(3)
        found.expect(made.comes(lambda: re.search("not stored|DiskFull|disk is full", made.logs)), "nobody said it")
        time.sleep(HELD)
    found.expect(made.comes(lambda: made.told() == len(made.written)), "not all was told once there was room")
    found.told = how
    return _ends(made, found, mails=1)
