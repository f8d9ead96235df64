"""What a good configuration promises and may not be able to keep: told, and not in the way of a start."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from gateway import open_files
from gateway.config.field import is_loopback
from gateway.config.problem import Problem
from gateway.config.supplement import ahead_of_agreement, without_supplement
from gateway.settings import Account, Settings
from policy.clauses import CONTENT_KINDS, RULES
from policy.facts import MessageClass


def warnings(settings: Settings, files_max: int, today: date) -> Iterator[Problem]:
    """What to think over in `settings`, where at most `files_max` files may be open.

    `today` is a day of the operator's zone.
    """
    files = open_files.wanted(settings)
    if files > files_max:
        yield Problem(
            "listen.connections_max",
            f"needs {files} open files, and the system allows {files_max}",
            "raise the limit (ulimit -Hn, or LimitNOFILE= of systemd), or lower this",
        )
    page = settings.account_page
    if page is not None and page.plain and not is_loopback(page.host):
        yield Problem(
            "account_page.host",
            f"lets customers send their passwords to {page.host} in clear",
            "anybody on the way can read them: give it tls, and plain = false",
        )
    intake_max = settings.limits.intake_max
    for number, account in enumerate(settings.accounts.values()):
        outstanding = account.binds_max * account.window_max
        if outstanding > intake_max:
            yield Problem(
                f"accounts[{number}].window_max",
                f"times binds_max is {outstanding}, more than limits.intake_max ({intake_max})",
                "this account alone can fill the intake, and then all are refused with ESME_RMSGQFUL",
                account.name,
            )
        if page is not None and ":" in account.system_id:
            yield Problem(
                f"accounts[{number}].system_id",
                "has a colon, so nobody can look at the account page as it",
                "HTTP Basic ends a name at its first colon; binds are let in",
                account.name,
            )
        yield from _closures_without_effect(f"accounts[{number}].hours", account)
        yield from _lawless(f"accounts[{number}].rules", account)
        yield from without_supplement(f"accounts[{number}]", account, settings.content)
        yield from ahead_of_agreement(f"accounts[{number}]", account, today)


def _lawless(place: str, account: Account) -> Iterator[Problem]:
    """Rules with a law behind them that only report, or not even that, in some class."""
    for rule, scope in account.ruleset.scopes.items():
        known = RULES[rule]
        if not known.law:
            continue
        # Consent and the way out are what the law asks of commercial messages; no message may say all things.
        bound = known.classes if rule in CONTENT_KINDS else {MessageClass.COMMERCIAL}
        missing = bound - (known.classes if scope.classes is None else scope.classes)
        if missing:
            yield Problem(
                f"{place}.{rule}.classes",
                f"allows {', '.join(sorted(missing))} messages what the law forbids ({known.law[-1]})",
                "without classes the rule refuses it",
                account.name,
            )
        if scope.shadow:
            yield Problem(
                f"{place}.{rule}.shadow",
                f"only reports what the law forbids ({known.law[-1]})",
                "without shadow the rule refuses it",
                account.name,
            )


def _closures_without_effect(place: str, account: Account) -> Iterator[Problem]:
    """Closures that an exception opens from their beginning to their end."""
    hours = account.ruleset.hours
    for number, closure in enumerate(hours.closed):
        for exception in hours.exceptions:
            ends = exception.end is None or closure.end <= exception.end
            covers = exception.start <= closure.start and ends
            if covers and exception.scope in (None, closure.scope):
                yield Problem(
                    f"{place}.closed[{number}]",
                    f"closes nothing, for an exception is open for all of it: {exception.note}",
                    "what was agreed for a time wins over a closure",
                    account.name,
                )
