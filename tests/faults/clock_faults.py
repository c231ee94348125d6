"""Faults of the machine's clock."""

from __future__ import annotations

import time
from datetime import timedelta

from tests.faults.outside import Found, Outside


def clock_ahead(made: Outside) -> Found:
    """At one start the clock is 400 days ahead: no post is emptied, and it is told why retention waits."""
    found = Found()
    daemon = made.begin()
    made.write(5)
    found.expect(made.until(lambda: made.told() == 5, daemon), "the first complaints were not told")
    found.expect(made.stop(daemon) == 0, "it did not stop well")
    began = time.monotonic()
    real = made.clock()
    made.clock.set(real + timedelta(days=400))
    daemon = made.start()
    made.until(lambda: "retention goes on by itself" in made.log.lower(), daemon, 20)
    time.sleep(6)  # five seconds after a start is the tidying due
    found.expect(made.stop(daemon) == 0, "it did not stop well under the wrong clock")
    emptied = made.ask("SELECT count(*) FROM posts WHERE purged_at <> ''")
    found.expect(emptied == 0, f"{emptied} posts were emptied for good")
    waits = "Old posts are not being deleted at the moment"
    found.expect(waits in made.says("status"), "status does not say that retention waits")
    made.clock.set(real + timedelta(seconds=time.monotonic() - began))
    daemon = made.begin()
    made.write(2)
    found.expect(made.until(lambda: made.told() == 7, daemon), "nothing was told under the right clock again")
    found.expect(made.stop(daemon) == 0, "it did not stop well")
    told = sum("clock" in each for each in made.shown("#operators"))
    found.expect(told >= 1, "nobody was told of the clock")
    found.told = f"operators {told}, status"
    return made.counted(found)
