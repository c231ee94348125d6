"""GET /metrics for Prometheus: how much was heard, what waits, how old each source's last success is.

Names of sources, channels, brands and states are the only labels: nothing that a stranger wrote, no person, no secret.
It asks for a token of the API (`earful token add prometheus`), but not at a port of its own (`metrics_listen`).
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from starlette.responses import Response

from monitor.store import cases, channel_health, deliveries_owed, mentions, pages, sources, unjudged, workers
from monitor.web.routing import RequestContext, get

TEXT = "text/plain; version=0.0.4; charset=utf-8"


@get("/metrics", role="viewer", kind="api")
def metrics(context: RequestContext) -> Response:
    """Everything as it stands now."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(context))
    return Response(generate_latest(registry), 200, {"cache-control": "no-store"}, TEXT)


class _Figures:
    """What is told, made anew at every look; the library only writes it down."""

    def __init__(self, context: RequestContext) -> None:
        self.context = context

    def collect(self) -> Iterator[Metric]:
        """All families."""
        yield from self._heard()
        yield from self._cases()
        yield from self._sources()
        yield from self._channels()
        yield from self._workers()
        yield from self._audit()

    def _heard(self) -> Iterator[Metric]:
        found = mentions.counts(self.context.database)
        for name, about in (("posts", "Posts stored"), ("mentions", "Mentions stored"),
                            ("flagged", "Mentions that people were alerted about")):  # fmt: skip
            yield GaugeMetricFamily(f"earful_{name}", about, value=found[name])

    def _cases(self) -> Iterator[Metric]:
        found = cases.count_open(self.context.database)
        family = GaugeMetricFamily("earful_open_cases", "Open cases by lane", labels=["lane"])
        for lane in ("ping", "sweep"):
            family.add_metric([lane], found.get(lane, 0))
        yield family
        waiting = GaugeMetricFamily(
            "earful_waiting_cases",
            "Open cases that waited or wait for an answer, by state",
            labels=["state"],
        )
        standing = pages.counts(self.context.database, pages.Inbox(), self.context.now)
        for state in ("waiting", "taken", "later", "answered", "private"):
            waiting.add_metric([state], standing[state])
        yield waiting

    def _sources(self) -> Iterator[Metric]:
        known = sources.all_health(self.context.database)
        now = self.context.now
        gauges = {
            "age": _gauge("earful_source_last_success_age_seconds", "Seconds since a source was last read completely"),
            "failing": _gauge("earful_source_failing", "1 while a source can't be read"),
            "failures": _gauge("earful_source_failures", "Failures in a row"),
            "paused": _gauge("earful_source_paused", "1 while it is paused"),
            "quota": _gauge("earful_source_quota_left", "Requests left, where the network says so"),
            "spent": _gauge("earful_source_spent", "Spent this month, in the currency of the settings"),
        }
        for source in self.context.settings.sources:
            health = known.get(source.name)
            if health is None or not source.enabled:
                continue
            values: dict[str, float | None] = {
                "age": max(0.0, (now - health.last_success_at).total_seconds()) if health.last_success_at else None,
                "failing": float(health.failing_since is not None),
                "failures": health.failures,
                "paused": float(health.paused_at is not None),
                "quota": health.quota_remaining,
                "spent": health.spent_in(now),
            }
            for name, value in values.items():
                if value is not None:
                    gauges[name].add_metric([source.name], value)
        yield from gauges.values()

    def _channels(self) -> Iterator[Metric]:
        queue = GaugeMetricFamily("earful_deliveries", "Messages by state", labels=["state"])
        found = deliveries_owed.waiting(self.context.database)
        for state in sorted({"pending", "retry", "unknown", "inflight", "sent", "dead", *found}):
            queue.add_metric([state], found.get(state, 0))
        yield queue
        oldest = deliveries_owed.oldest_waiting(self.context.database)
        age = max(0.0, (self.context.now - oldest).total_seconds()) if oldest else 0.0
        yield GaugeMetricFamily(
            "earful_oldest_delivery_age_seconds", "How late the oldest due message is, in seconds", value=age
        )
        failing = GaugeMetricFamily("earful_channel_failing", "1 while a channel can't be reached", labels=["channel"])
        standing = channel_health.standing(self.context.database)
        for channel in self.context.settings.channels:
            failing.add_metric([channel.name], float(standing.down(channel.name) is not None))
        yield failing

    def _workers(self) -> Iterator[Metric]:
        """On PostgreSQL, where several processes share the work and pages wait for judges."""
        database = self.context.database
        if database.one_writer:
            return
        at_work = GaugeMetricFamily("earful_workers", "Processes that work, by role", labels=["role"])
        now = database.time()
        found = [each for each in workers.all_of(database) if not each.is_gone(now)]
        for role in workers.ROLES:
            at_work.add_metric([role], sum(role in each.roles for each in found))
        yield at_work
        pages_waiting = _gauge("earful_pages_to_judge", "Pages that were read and wait to be judged")
        waiting = unjudged.waiting(database)
        for name in dict.fromkeys((*self.context.rules.sources, *waiting)):
            pages_waiting.add_metric([name], waiting[name].pages if name in waiting else 0)
        yield pages_waiting

    def _audit(self) -> Iterator[Metric]:
        audited_at, findings = pages.last_audit(self.context.database)
        yield GaugeMetricFamily("earful_audit_sound", "1 if the self-check found no problem", value=float(not findings))
        if audited_at is not None:
            age = max(0.0, (self.context.now - audited_at).total_seconds())
            yield GaugeMetricFamily("earful_audit_age_seconds", "Seconds since the last self-check", value=age)
        yield CounterMetricFamily("earful_cases_opened", "Cases opened in total",
                                  value=cases.next_number(self.context.database) - 1)  # fmt: skip


def _gauge(name: str, about: str) -> Any:
    return GaugeMetricFamily(name, about, labels=["source"])
