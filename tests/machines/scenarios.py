"""What may happen to one of several workers, the network between them, or their PostgreSQL; each leaves a `Found`.

With one worker the same happens to the one daemon, which is started again. Every wait is for a condition, with an end.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable

from tests.faults.outside import Found
from tests.machines.installation import TAKEN_UP, Machines, Worker
from tests.machines.server import full
from tests.web.office import Browser

PASSWORD = "a sentence is a good password"
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
    left = made.rows("SELECT source FROM unjudged")
    found.expect(not left, f"{len(left)} pages were never judged")
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
    victim = _one(made, lambda: _sending(made))
    made.kill(victim)
    made.slack_line.drop()
    made.slack_line.mend()
    _taken_up(made, found, lambda: made.told() == len(made.written))
    return _ends(made, found, mails=1)


def _sending(made: Machines) -> list[Worker]:
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
    victim = _one(made, lambda: _sending(made))
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
    (link,) = re.findall(r"http://127.0.0.1(/welcome/\S+)", made.says("user", "add", "Ana", "--role", "admin"))
    ana = Browser(_page_of(victim))
    ana.get(link)
    ana.post(link, {"password": PASSWORD, "again": PASSWORD})
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


def _quietly(call: Callable[[], object]) -> None:
    try:
        call()
    except Exception:  # whoever pressed sees that the page is gone
        pass


def _page_of(worker: Worker) -> str:
    found = re.search(r"the page is at (\S+)", worker.log)
    assert found, worker.log
    return found[1].rstrip("/")


def database_restarted(made: Machines) -> Found:
    """PostgreSQL is stopped for some seconds: each worker waits, says so once, and goes on."""
    found = _begins(made)
    made.server.stop()
    made.write(3)
    found.expect(made.comes(lambda: all("the database" in each.log for each in made.alive), 60), "not all said it")
    time.sleep(HELD)  # what is said again and again would be said in these
    made.server.start()
    _taken_up(made, found, lambda: made.told() == len(made.written))
    said = [line for line in made.logs.splitlines() if "the session that holds the role" in line]
    found.expect(len(said) <= 2 * len(made.workers), f"it was said {len(said)} times")
    return _ends(made, found, mails=1)


def cut_off(made: Machines) -> Found:
    """The line between a worker and PostgreSQL is cut, not the one to Slack: nothing is told twice, all goes on."""
    found = _begins(made)
    first = made.workers[0]
    made.slack_line.hold()
    made.write(2)
    victim = _one(made, lambda: _sending(made)) if made.number > 1 else first
    victim.line.cut()
    made.slack_line.mend()
    made.write(1)
    if made.number == 1:
        time.sleep(HELD)
        victim.line.mend()
    _taken_up(made, found, lambda: made.told() == len(made.written))
    victim.line.mend()
    return _ends(made, found, mails=1)


def disk_full(made: Machines) -> Found:
    """PostgreSQL has no room: it is said, nothing is lost, and all goes on once there is."""
    found = Found()
    made.all_begin()
    made.write(2)
    found.expect(made.all_told(), "the first complaints were not told")
    with full(made.url, made.disk) as how:
        made.write(3)
        found.expect(made.comes(lambda: "not stored" in made.logs or "disk is full" in made.logs), "nobody said it")
        time.sleep(HELD)
    found.expect(made.comes(lambda: made.told() == len(made.written)), "not all was told once there was room")
    found.told = how
    return _ends(made, found, mails=1)
