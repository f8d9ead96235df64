"""What is counted and measured, for Prometheus.

Counting happens for every message and a scrape every few seconds, so the counters are plain dicts of ints
(`metrics.messages_accepted[account] += 1`) that take Prometheus's form at the scrape. Gauges are functions,
asked at the scrape: the queue knows its own length, and nobody keeps a second number.

Label values come from the settings and from our own tables, never from a peer, so the memory is bounded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_COMMIT_BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)


class Metrics:
    """The counters of one gateway, with a registry of their own; attributes are named as exported."""

    def __init__(self) -> None:
        self._families: list[Callable[[], Metric]] = []
        one, two = self._count, self._count_by_two

        # By account, and by rule (of the policy or a gateway error) or end state.
        self.messages_accepted = one("messages_accepted", "Messages answered with status 0", "account")
        self.units_accepted = one("units_accepted", "Units (segments) held for those messages", "account")
        self.messages_refused = two("messages_refused", "Messages refused at submit", "account", "rule")
        self.rules_shadowed = two(
            "rules_shadowed", "Messages that a rule that only reports would refuse", "account", "rule"
        )
        self.messages_ended = two("messages_ended", "Messages that reached their end", "account", "state")
        self.binds_refused = one("binds_refused", "Binds of customers that were refused", "rule")

        # By carrier; the outcomes are those of an attempt.
        self.submits = two("submits", "Submits upstream that ended", "carrier", "outcome")
        self.resends = one("resends", "Submits upstream after one in doubt: maybe duplicates", "carrier")
        self.receipts = two("receipts", "Receipts from a carrier", "carrier", "state")
        self.receipts_unmatched = one("receipts_unmatched", "Receipts for an id unknown so far", "carrier")
        self.receipts_unreadable = one("receipts_unreadable", "Receipts kept but not understood", "carrier")
        self.inbound = one("inbound", "Messages (MO) from a carrier", "carrier")

        # By account; the outcomes are those of a delivery.
        self.deliveries = two("deliveries", "deliver_sm to a customer that ended", "account", "outcome")

        # By kind (outcome, receipt, reply, delivery, submit, end).
        self.put_aside = one("put_aside", "What the store would not take, and went on without", "kind")

        # By side (customer, carrier) and the name of the account or carrier.
        self.binds_lost = two("binds_lost", "Binds that ended without an unbind", "side", "name")
        self.protocol_faults = two("protocol_faults", "Malformed or illegal PDUs", "side", "name")

        self.account_pages = one("account_pages", "Answers of the account page", "status")

        self.registry = CollectorRegistry()
        self.registry.register(_Families(self._families))
        ProcessCollector(registry=self.registry)
        self.commit_s = Histogram(
            "signet_commit_seconds",
            "How long a transaction of the store took, with its COMMIT",
            registry=self.registry,
            buckets=_COMMIT_BUCKETS_S,
        )

    def gauge(self, name: str, help: str, read: Callable[[], float]) -> None:
        """Export `signet_NAME`, asked from `read` at every scrape."""
        self._families.append(lambda: GaugeMetricFamily(f"signet_{name}", help, value=read()))

    def gauges(self, name: str, help: str, label: str, read: Callable[[], Mapping[str, float]]) -> None:
        """Export `signet_NAME{label}`, a value for every key that `read` gives at the scrape."""

        def family() -> Metric:
            gauges = GaugeMetricFamily(f"signet_{name}", help, labels=(label,))
            for value, number in read().items():
                gauges.add_metric((value,), number)
            return gauges

        self._families.append(family)

    def render(self) -> bytes:
        """Everything in Prometheus's text format 0.0.4."""
        return generate_latest(self.registry)

    def _count(self, name: str, help: str, label: str) -> defaultdict[str, int]:
        counts: defaultdict[str, int] = defaultdict(int)
        self._families.append(
            lambda: _counters(name, help, (label,), (((key,), n) for key, n in counts.copy().items()))
        )
        return counts

    def _count_by_two(self, name: str, help: str, *labels: str) -> defaultdict[tuple[str, str], int]:
        counts: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._families.append(lambda: _counters(name, help, labels, counts.copy().items()))
        return counts


def _counters(
    name: str, help: str, labels: tuple[str, ...], counts: Iterable[tuple[tuple[str, ...], int]]
) -> Metric:
    family = CounterMetricFamily(f"signet_{name}", help, labels=labels)
    for values, number in counts:
        family.add_metric(values, number)
    return family


class _Families(Collector):
    """Makes the metric families when Prometheus asks."""

    def __init__(self, families: list[Callable[[], Metric]]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return [family() for family in self._families]
