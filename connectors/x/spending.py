"""What reading X costs: prices, the month's money over all streams of reads, and what is not booked yet.

X bills every post it returns (https://docs.x.com/x-api/getting-started/pricing), so reads are paced over the month
within `monthly_budget`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from connectors import NoCredit
from connectors.budget import WARN_AT, BudgetState, Ledger, budget_state
from connectors.x.responses import Includes
from connectors.x.settings import SMALLEST_PAGE, Settings


class Spending:
    """The month's money of one source. A stream is what has a cursor of its own: the search, the own timeline."""

    def __init__(self, settings: Settings, page_size: int) -> None:
        """Nothing is spent yet, as far as this process knows."""
        self._settings = settings
        self._page_size = page_size
        self._spent: dict[str, tuple[str, float]] = {}  # what each stream spent, and in which month
        self._unbooked = 0.0  # was paid without a cursor to note it in: goes into the next one
        self.unnoted = 0.0  # was paid and is in no quota yet
        self._in_store = 0.0  # what the store knows of this source's spending this month

    def begin(self, in_store: float) -> None:
        """Begin a read: `in_store` is what the store knows to be spent this month."""
        self._in_store = in_store

    def opened(self, stream: str, held: object, now: datetime, in_store: float) -> Ledger:
        """Give the ledger of a stream, as its cursor holds it, with what was paid for since."""
        ledger = Ledger(held, now)
        self._spent[stream] = (ledger.month, ledger.spent)
        self.begin(in_store)
        ledger.spent += self._unbooked
        return ledger

    def saved(self, stream: str, ledger: Ledger) -> dict[str, object]:
        """Give what the stream's cursor keeps."""
        self._spent[stream] = (ledger.month, ledger.spent)
        self._unbooked = 0.0
        return ledger.held()

    def noted(self, cost: float) -> float:
        """The cost of a read, with what was paid before it and told to nobody."""
        cost, self.unnoted = cost + self.unnoted, 0.0
        return cost

    def price(self, *, owned: bool) -> float:
        """What a post costs: less only where it is the app's owner who asks for an own timeline."""
        return self._settings.prices.owned if owned else self._settings.prices.post

    def worst(self, price: float) -> float:
        """What a post may cost with all that comes along: its author, what it answers and quotes, and four pictures."""
        author = self._settings.prices.user if "authors" in self._settings.expand else 0
        author += 2 * self._settings.prices.post if "parents" in self._settings.expand else 0
        return price + author + (4 * self._settings.prices.media if "media" in self._settings.expand else 0)

    def book(self, ledger: Ledger, posts: Iterable[str], price: float, includes: Includes) -> float:
        """Count what an answer brought; its cost."""
        attached = (*includes.media, *includes.polls)
        cost = ledger.book(posts, price)
        cost += ledger.book(includes.posts, self._settings.prices.post)
        cost += ledger.book((f"u{one}" for one in includes.users), self._settings.prices.user)
        return cost + ledger.book((f"m{one}" for one in attached), self._settings.prices.media)

    def pay_for_look_up(self, posts: int, includes: Includes) -> float:
        """Book posts that were asked for again, with the next read of a stream; their cost."""
        attached = len(includes.media) + len(includes.polls)
        cost = (posts + len(includes.posts)) * self._settings.prices.post + len(
            includes.users
        ) * self._settings.prices.user
        cost += attached * self._settings.prices.media
        self._unbooked += cost
        return cost

    def pay_for_user(self, ledger: Ledger) -> None:
        """Book one user that was looked up: now, and with the next read should this one fail."""
        self._unbooked += self._settings.prices.user
        self.unnoted += self._settings.prices.user
        ledger.spent += self._settings.prices.user

    def afford(
        self, stream: str, ledger: Ledger, price: float, now: datetime, least: int = SMALLEST_PAGE
    ) -> BudgetState:
        """Say how many posts may be read now; raise NoCredit when the month's money is gone."""
        budget = self._settings.monthly_budget
        if budget is None:
            return BudgetState(0.0, self._page_size, None, used_up=False)
        state = budget_state(self._in_all(stream, ledger), budget, now, price, least)
        if state.used_up and state.not_before is not None:
            raise NoCredit(
                f"X: the monthly budget of {budget:g} USD is used up",
                f"Raise monthly_budget, or wait; reading resumes at {state.not_before:%d %B, %H:%M} UTC.",
            )
        return state

    def _in_all(self, stream: str, ledger: Ledger) -> float:
        """Add up this month's spending of every stream; never less than what the store knows of this source.

        What is not booked yet is in the ledger of the stream that reads now, and of no other.
        """
        others = sum(cost for name, (month, cost) in self._spent.items() if name != stream and month == ledger.month)
        unbooked = 0.0 if stream in {"fetch", "own"} else self._unbooked
        return max(ledger.spent + others + unbooked, self._in_store + self.unnoted)

    def notices(self, stream: str, ledger: Ledger) -> tuple[str, ...]:
        """What is to be told of the budget, once a month."""
        budget = self._settings.monthly_budget
        if not budget or ledger.warned or self._in_all(stream, ledger) < WARN_AT * budget:
            return ()
        ledger.warned = True
        return (
            f"X: {WARN_AT:.0%} of the monthly budget of {budget:g} USD is used; at 100% reading stops until the 1st.",
        )
