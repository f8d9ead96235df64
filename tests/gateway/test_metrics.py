from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from gateway.metrics import Metrics


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """What a scraper reads: (name, labels) -> value."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }


def test_a_counter_is_exported_for_each_label_value() -> None:
    metrics = Metrics()
    metrics.messages_accepted["demo"] += 2
    metrics.messages_accepted["完美"] += 1
    exported = samples(metrics)
    assert exported["signet_messages_accepted_total", (("account", "demo"),)] == 2
    assert exported["signet_messages_accepted_total", (("account", "完美"),)] == 1


def test_a_counter_by_two_labels_keeps_them_apart() -> None:
    metrics = Metrics()
    metrics.messages_refused["demo", "OUTSIDE_HOURS"] += 3
    metrics.messages_refused["demo", "SIGNATURE_MISSING"] += 4
    exported = samples(metrics)
    assert exported["signet_messages_refused_total", (("account", "demo"), ("rule", "OUTSIDE_HOURS"))] == 3
    assert (
        exported["signet_messages_refused_total", (("account", "demo"), ("rule", "SIGNATURE_MISSING"))] == 4
    )


def test_a_gauge_is_asked_at_every_scrape() -> None:
    metrics = Metrics()
    waiting = [1, 2, 3]
    metrics.gauge("intake_waiting", "Messages that wait for the store", lambda: len(waiting))
    assert samples(metrics)["signet_intake_waiting", ()] == 3
    waiting.clear()
    assert samples(metrics)["signet_intake_waiting", ()] == 0


def test_gauges_follow_the_keys_that_are_there_at_the_scrape() -> None:
    metrics = Metrics()
    rooms = {"north": 10.0}
    metrics.gauges("window_room", "Free window slots", "carrier", lambda: rooms)
    assert samples(metrics)["signet_window_room", (("carrier", "north"),)] == 10
    del rooms["north"]
    rooms["south"] = 4
    exported = samples(metrics)
    assert exported["signet_window_room", (("carrier", "south"),)] == 4
    assert ("signet_window_room", (("carrier", "north"),)) not in exported


def test_the_time_of_commits_is_a_histogram() -> None:
    metrics = Metrics()
    metrics.commit_s.observe(0.003)
    exported = samples(metrics)
    assert exported["signet_commit_seconds_count", ()] == 1
    assert exported["signet_commit_seconds_bucket", (("le", "0.002"),)] == 0
    assert exported["signet_commit_seconds_bucket", (("le", "0.005"),)] == 1


def test_two_gateways_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.inbound["north"] += 1
    assert ("signet_inbound_total", (("carrier", "north"),)) not in samples(other)


def test_the_process_itself_is_measured() -> None:
    assert ("process_resident_memory_bytes", ()) in samples(Metrics())
