"""A contract as it is told wherever an account is: to its customer, to the operator, and in evidence."""

from __future__ import annotations

from gateway.settings import Contract


def told(contract: Contract) -> dict[str, str | None]:
    """Its number, its parties and its days."""
    expires_on = contract.expires_on
    return {
        "contract": contract.number,
        "customer": contract.customer,
        "operator": contract.operator,
        "signed_on": contract.signed_on.isoformat(),
        "expires_on": None if expires_on is None else expires_on.isoformat(),
    }
