"""`contract` of an account: what its days and its paper must be."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.gateway.config.test_loading import ACCOUNT, CARRIER, ROUTE, problems_of, settings_of

PAPER = b"signed and sealed"
HASH = hashlib.sha256(PAPER).hexdigest()


def contract(*lines: str) -> str:
    signed = "contract.signed_on = 2025-01-06\n"
    assert signed in ACCOUNT
    return ACCOUNT.replace(signed, signed + "".join(f"contract.{line}\n" for line in lines)) + CARRIER + ROUTE


@pytest.mark.parametrize(
    "lines",
    [
        ['document = "paper.pdf"'],
        [f'document_sha256 = "{HASH}"'],
        ['document = "paper.pdf"', f'document_sha256 = "{HASH}"'],
    ],
)
def test_a_paper_that_is_named_or_told_is_kept_by_its_hash(tmp_path: Path, lines: list[str]) -> None:
    (tmp_path / "paper.pdf").write_bytes(PAPER)
    settings = settings_of(tmp_path, contract(*lines))
    assert settings.accounts["bank-1"].contract.document_sha256 == HASH


def test_a_hash_that_is_not_the_papers_is_told(tmp_path: Path) -> None:
    (tmp_path / "paper.pdf").write_bytes(PAPER + b" by somebody else")
    text = contract('document = "paper.pdf"', f'document_sha256 = "{HASH}"')
    found = problems_of(tmp_path, text)
    assert found == {"accounts[0].contract.document_sha256": "is not the hash of document"}


def test_a_paper_that_is_not_there_is_told(tmp_path: Path) -> None:
    found = problems_of(tmp_path, contract('document = "paper.pdf"'))
    assert list(found) == ["accounts[0].contract.document"]


def test_a_contract_cannot_expire_before_it_is_signed(tmp_path: Path) -> None:
    found = problems_of(tmp_path, contract("expires_on = 2025-01-05"))
    assert found == {"accounts[0].contract.expires_on": "must not be before signed_on"}
