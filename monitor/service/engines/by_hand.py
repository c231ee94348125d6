"""For whoever lets time pass by calling the ticks: what they hand on is done before they return."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from monitor.service.work import Job


class ByHand:
    """Does everything at once; what goes wrong in it is raised."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = {job.name: job for job in jobs}
        self._stopped = False

    def start(self) -> None:
        """Nothing ticks by itself."""

    def hand_on(self, job: str, *names: str) -> bool:
        """Do it."""
        return self.spawn(job, lambda: self._jobs[job].work(*names))

    def spawn(self, _name: str, work: Callable[[], object]) -> bool:
        """Do it."""
        if self._stopped:
            return False
        work()
        return True

    def running(self) -> tuple[str, ...]:
        """Nothing is left running."""
        return ()

    def stop_ticking(self, _within_seconds: float) -> bool:
        """Do nothing from now on."""
        self._stopped = True
        return True

    def wait(self, _within_seconds: float) -> bool:
        """Nothing is in flight."""
        return True
