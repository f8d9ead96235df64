"""The figures of a run and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table

from tests.bench.journal import Journal


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured. `cpu_us` is CPU time a message of the gateway process, `bench_cpu_us` of ours.

    Of long messages, each segment counts as one.
    """

    messages: int
    seconds: float
    messages_per_s: float
    accepted_per_s: float
    response_p50_ms: float
    response_p99_ms: float
    receipt_p50_ms: float
    receipt_p99_ms: float
    late_max_ms: float
    cpu_us: float | None
    bench_cpu_us: float
    rss_max_mib: float | None
    faults: dict[str, int]
    refusals: dict[str, int]
    segments: int = 1


def measure(
    journal: Journal,
    *,
    late_max_s: float,
    bench_cpu_s: float,
    cpu_s: float | None = None,
    rss_max_mib: float | None = None,
) -> Figures:
    """The figures of what the journal saw. A rate counts from the first submit to the last event."""
    responses = journal.latencies_ms(journal.answered_at)
    receipts = journal.latencies_ms(journal.receipted_at)
    began_at = journal.submitted_at[0]
    seconds = max(journal.receipted_at) - began_at
    accepting_s = max(journal.answered_at) - began_at
    messages = journal.messages
    return Figures(
        messages=messages,
        seconds=seconds,
        messages_per_s=journal.receipted / seconds if seconds > 0 else 0.0,
        accepted_per_s=journal.answered / accepting_s if accepting_s > 0 else 0.0,
        response_p50_ms=_percentile(responses, 50),
        response_p99_ms=_percentile(responses, 99),
        receipt_p50_ms=_percentile(receipts, 50),
        receipt_p99_ms=_percentile(receipts, 99),
        late_max_ms=late_max_s * 1000,
        cpu_us=None if cpu_s is None else cpu_s / messages * 1e6,
        bench_cpu_us=bench_cpu_s / messages * 1e6,
        rss_max_mib=rss_max_mib,
        faults=journal.faults(),
        refusals={f"0x{status:08x}": count for status, count in journal.refusals.items()},
        segments=journal.segments,
    )


def table(figures: Figures) -> Table:
    """The figures for people."""
    shown = Table(show_header=False)
    shown.add_column(justify="left")
    shown.add_column(justify="right")
    noun = "message" if figures.segments == 1 else "segment"
    shown.add_row(f"{noun}s", f"{figures.messages:,}")
    shown.add_row("seconds", f"{figures.seconds:.2f}")
    shown.add_row(f"{noun}s/s, submit to receipt", f"{figures.messages_per_s:,.0f}")
    shown.add_row(f"{noun}s/s, accepted", f"{figures.accepted_per_s:,.0f}")
    shown.add_row("submit to response p50 / p99", _pair_ms(figures.response_p50_ms, figures.response_p99_ms))
    shown.add_row("submit to receipt p50 / p99", _pair_ms(figures.receipt_p50_ms, figures.receipt_p99_ms))
    if figures.late_max_ms:
        shown.add_row("submitted late at most", f"{figures.late_max_ms:,.1f} ms")
    if figures.cpu_us is not None and figures.rss_max_mib is not None:
        shown.add_row(f"gateway CPU a {noun}", f"{figures.cpu_us:.1f} µs")
        shown.add_row("gateway memory at most", f"{figures.rss_max_mib:,.0f} MiB")
    shown.add_row(f"benchmark CPU a {noun}", f"{figures.bench_cpu_us:.1f} µs")
    for fault, count in (figures.faults | figures.refusals).items():
        shown.add_row(f"[red]{fault}[/red]", f"[red]{count:,}[/red]")
    if not figures.faults:
        shown.add_row("answered, relayed, receipted once", "[green]all[/green]")
    return shown


def _percentile(ordered: list[float], percent: int) -> float:
    return ordered[(len(ordered) - 1) * percent // 100] if ordered else 0.0


def _pair_ms(median: float, worst: float) -> str:
    return f"{median:,.1f} / {worst:,.1f} ms"
