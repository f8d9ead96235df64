"""Evidence: one archive that shows what became of a message, or of all that a recipient was sent.

The rows are there as the database has them, a file of JSON lines for each table, with texts decoded beside
their octets; a summary in Chinese and one in English tell the same for people; proofs of consents that were
handed over are there as they came; a manifest has the hash of every file. The same rows and proofs, asked for
as of the same time, make the same octets.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from gateway.message import State
from gateway.records import contract
from gateway.records.proofs import Proofs
from gateway.records.summary import CHINESE, ENGLISH, summary
from gateway.records.text import pdu_of, text_of, units_of, whole_of
from gateway.settings import Account, Settings
from gateway.store.evidence import Row, Tables
from gateway.stored import AttemptOutcome, DeliveryOutcome
from ledger.transfer import Kind
from smpp.message_state import MessageState
from smpp.pdu import SubmitSm

# Zip has no times before 1980; the manifest tells when it was made.
_TIMELESS = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Asked:
    """What evidence was asked for, and of whom: `named` is a message id or a number.

    `at` is when it is made, in unix milliseconds; `version` the program's, `revision` the database's.
    """

    named: str
    account: str | None
    at: int
    version: str
    revision: str


def archive(tables: Tables, settings: Settings, asked: Asked, proofs: Proofs) -> bytes:
    """The archive, a ZIP file."""
    accounts = {account.name: account for account in settings.accounts.values()}
    told = {name: [_told(name, row, accounts) for row in rows] for name, rows in tables.items()}
    told["consents"] = [row | {"proof": proofs.names.get(row["proof_sha256"])} for row in told["consents"]]
    told["accounts"] = list(_accounts(tables, accounts))
    told["texts"] = list(_texts(tables["messages"], accounts))
    files = {f"{name}.jsonl": _lines(rows) for name, rows in sorted(told.items()) if rows}
    for words in (CHINESE, ENGLISH):
        files[f"summary.{words.language}.md"] = summary(
            told, words, settings.zone, asked.named, asked.at
        ).encode()
    files |= proofs.files
    files["manifest.json"] = _manifest(files, asked)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name, octets in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _TIMELESS)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            target.writestr(entry, octets)
    return packed.getvalue()


def _manifest(files: Mapping[str, bytes], asked: Asked) -> bytes:
    document = {
        **asdict(asked),
        "files": [
            {"name": name, "octets": len(octets), "sha256": sha256(octets).hexdigest()}
            for name, octets in sorted(files.items())
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"


def _lines(rows: Sequence[Row]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False, default=_hex).encode() + b"\n" for row in rows)


def _hex(octets: object) -> str:
    assert isinstance(octets, bytes), "rows have numbers, texts and octets"
    return octets.hex()


# -- rows with names for their numbers, and texts beside octets


def _told(table: str, row: Row, accounts: Mapping[str, Account]) -> Row:
    return row | _READINGS[table](row, accounts) if table in _READINGS else row


def _of_message(row: Row, accounts: Mapping[str, Account]) -> Row:
    submitted = row["submitted_body"]
    return {
        "state_name": State(row["state"]).name,
        "text": _text(row["body"], row, accounts),
        "submitted_text": None if submitted is None else _text(submitted, row, accounts),
    }


def _of_refusal(row: Row, accounts: Mapping[str, Account]) -> Row:
    return {"text": _text(row["body"], row, accounts)}


def _text(body: bytes, row: Row, accounts: Mapping[str, Account]) -> str | None:
    pdu = pdu_of(body)
    return None if pdu is None else text_of(pdu, accounts.get(row["account"]))


_READINGS: dict[str, Any] = {
    "messages": _of_message,
    "refusals": _of_refusal,
    "attempts": lambda row, _: {"outcome_name": AttemptOutcome(row["outcome"]).name},
    "receipts": lambda row, _: {"state_name": MessageState(row["state"]).name},
    "deliveries": lambda row, _: {"outcome_name": DeliveryOutcome(row["outcome"]).name},
    "transfers": lambda row, _: {"kind_name": Kind(row["kind"]).name},
}


def _accounts(tables: Tables, accounts: Mapping[str, Account]) -> Iterator[Row]:
    """The contracts behind these rows, as the configuration has them."""
    names = {row["account"] for row in (*tables["messages"], *tables["refusals"])}
    for name in sorted(names & accounts.keys()):
        yield {
            "account": name,
            **contract.told(accounts[name].contract),
            "supplements": [one.describe() for one in accounts[name].ruleset.supplements],
        }


def _texts(messages: Sequence[Row], accounts: Mapping[str, Account]) -> Iterator[Row]:
    """The text of each long message that its customer sent in segments, in one piece."""
    wholes: dict[int, list[Row]] = {}
    for row in messages:
        if row["whole_id"] is not None and row["segment"]:
            wholes.setdefault(row["whole_id"], []).append(row)
    for whole_id, rows in sorted(wholes.items()):
        pieces: list[SubmitSm] = [
            pdu for row in rows if (pdu := pdu_of(row["submitted_body"] or row["body"])) is not None
        ]
        whole = whole_of(pieces) if len(rows) > 1 else None
        account = accounts.get(rows[0]["account"])
        if whole is not None and (text := text_of(whole, account)) is not None:
            yield {"whole_id": whole_id, "text": text, "units": units_of(whole, account)}
