"""Evidence for people: what the rows say, message by message, in Chinese or in English (Markdown)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from gateway.store.evidence import Row, Tables
from policy.clauses import RULES

_WORDS = {
    "title": ("短信证据", "Evidence"),
    "asked": ("查询对象", "Asked for"),
    "made_at": ("生成时间", "Made at"),
    "account": ("账户", "Account"),
    "contract": ("合同编号", "Contract"),
    "customer": ("甲方", "Customer"),
    "operator": ("乙方", "Operator"),
    "signed_on": ("签订日期", "Signed on"),
    "supplement": ("补充协议", "Supplement"),
    "message": ("短信", "Message"),
    "refusal": ("被拒绝的提交", "Refused submit"),
    "whole": ("长短信全文", "Whole text of the long message"),
    "state": ("状态", "State"),
    "error": ("错误码", "Error"),
    "message_class": ("类别", "Class"),
    "text": ("发送内容", "Text as sent"),
    "submitted_text": ("提交内容", "Text as submitted"),
    "purged": ("已按保存期限清除", "purged, for it was kept long enough"),
    "source_addr": ("发送号码", "From"),
    "destination_addr": ("接收号码", "To"),
    "submitted_at": ("提交时间", "Submitted at"),
    "submitted_by": ("提交来源", "Submitted by"),
    "final_at": ("结束时间", "Ended at"),
    "ruleset": ("规则版本", "Ruleset"),
    "signature": ("签名", "Signature"),
    "registered": ("签名报备", "Signature record"),
    "units": ("条数", "Units"),
    "rule": ("拒绝规则", "Refused by"),
    "attempt": ("提交运营商", "Submit to the carrier"),
    "receipt": ("状态报告", "Receipt"),
    "delivery": ("回送客户", "Told to the customer"),
    "transfer": ("账务", "Ledger"),
    "charge": ("计费批次", "Charged to"),
    "recipient": ("接收人记录", "Records of the recipient"),
    "consent": ("同意记录", "Consent"),
    "proof": ("证明材料见", "proof in"),
    "no_proof": ("证明材料不在本档案内", "proof not in this archive"),
    "opt_out": ("退订记录", "Opt-out"),
    "member": ("会员", "Member"),
    "block": ("黑名单", "Blocked"),
    "reply": ("上行短信", "Reply"),
    "complaint": ("投诉", "Complaint"),
    "nothing": ("无", "none"),
}


# The tables whose rows hang on a message, and the column that says on which.
_OF_MESSAGES = {
    "attempts": "message_id",
    "receipts": "message_id",
    "deliveries": "message_id",
    "transfers": "source_id",
    "charges": "message_id",
}


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language; `language` is its code."""

    language: str
    column: int

    def __getitem__(self, key: str) -> str:
        return _WORDS[key][self.column]


CHINESE, ENGLISH = Words("zh", 0), Words("en", 1)


def summary(told: Tables, words: Words, zone: tzinfo, named: str, at: int) -> str:
    """The summary of what the rows tell; times are told in `zone`."""
    return "\n".join(_Summary(told, words, zone).lines(named, at)) + "\n"


class _Summary:
    def __init__(self, told: Tables, words: Words, zone: tzinfo) -> None:
        self._told = told
        self._words = words
        self._zone = zone
        self._of: dict[tuple[str, int], list[Row]] = {}
        for table, key in _OF_MESSAGES.items():
            for row in told[table]:
                self._of.setdefault((table, row[key]), []).append(row)
        self._rulesets = {row["version"]: row["rules"] for row in told["rulesets"]}

    def lines(self, named: str, at: int) -> Iterator[str]:
        words = self._words
        yield f"# {words['title']}"
        yield ""
        yield self._item("asked", named)
        yield self._item("made_at", self._time(at))
        for row in self._told["accounts"]:
            yield ""
            yield f"## {words['account']} {row['account']}"
            yield ""
            for key in ("contract", "customer", "operator", "signed_on"):
                yield self._item(key, row[key])
            for one in row["supplements"]:
                yield self._item("supplement", one["agreed_on"], one["reference"], *one["terms"], one["note"])
        for row in self._told["texts"]:
            yield ""
            yield f"## {words['whole']} {row['whole_id']}"
            yield ""
            yield from _quoted(row["text"])
        for row in self._told["messages"]:
            yield from self._message(row)
        for row in self._told["refusals"]:
            yield from self._refusal(row)
        yield from self._recipient()

    def _message(self, row: Row) -> Iterator[str]:
        yield ""
        yield f"## {self._words['message']} {row['message_id']}"
        yield ""
        yield self._item("state", row["state_name"])
        yield from self._items(row, "account", "error", "message_class", "source_addr", "destination_addr")
        yield from self._items(row, "submitted_by", "units", "ruleset", "signature")
        yield from self._registered(row)
        yield self._item("submitted_at", self._time(row["submitted_at"]))
        if row["final_at"] is not None:
            yield self._item("final_at", self._time(row["final_at"]))
        yield from self._of_message(row["message_id"])
        for key in ("submitted_text", "text"):
            if row[key] is not None or (key == "text" and not row["body"]):
                yield ""
                yield f"{self._words[key]}:"
                yield ""
                yield from _quoted(row[key] if row["body"] else self._words["purged"])

    def _of_message(self, message_id: int) -> Iterator[str]:
        for row in self._of.get(("attempts", message_id), ()):
            yield self._item(
                "attempt",
                row["outcome_name"],
                row["carrier"],
                row["bind"],
                row["carrier_message_id"],
                self._time(row["sent_at"]),
            )
        for row in self._of.get(("receipts", message_id), ()):
            yield self._item("receipt", row["state_name"], row["error"], self._time(row["received_at"]))
        for row in self._of.get(("deliveries", message_id), ()):
            finished = row["finished_at"]
            yield self._item("delivery", row["outcome_name"], self._time(finished) if finished else None)
        for row in self._of.get(("transfers", message_id), ()):
            yield self._item("transfer", row["kind_name"], row["units"], self._time(row["at_ms"]))
        for row in self._of.get(("charges", message_id), ()):
            price = f"{row['units']} × {row['fen_a_unit']:.4f} fen = {row['fen']:.2f} fen"
            yield self._item("charge", row["reference"], price)

    def _refusal(self, row: Row) -> Iterator[str]:
        rule = RULES.get(row["rule"])
        yield ""
        yield f"## {self._words['refusal']} {row['refusal_id']}"
        yield ""
        said = (rule.chinese, rule.english)[self._words.column] if rule else None
        yield self._item("rule", row["rule"], rule.clause if rule else None, said)
        yield from self._items(row, "account", "message_class", "source_addr", "destination_addr")
        yield from self._items(row, "submitted_by", "units", "ruleset")
        yield self._item("submitted_at", self._time(row["submitted_at"]))
        yield ""
        yield from _quoted(row["text"] or "")

    def _recipient(self) -> Iterator[str]:
        yield ""
        yield f"## {self._words['recipient']}"
        yield ""
        found = [*self._choices()]
        yield from found or [f"- {self._words['nothing']}"]

    def _choices(self) -> Iterator[str]:
        for row in self._told["consents"]:
            yield self._item(
                "consent",
                row["number"],
                row["account"],
                row["kind"],
                row["source"],
                row["proof_sha256"],
                *self._times(row, "granted_at", "expires_at", "revoked_at"),
                f"{self._words['proof']} {row['proof']}" if row["proof"] else self._words["no_proof"],
            )
        for row in self._told["opt_outs"]:
            whose = (row["number"], row["account"], row["signature"])
            yield self._item("opt_out", *whose, *self._times(row, "since", "ended_at"), row["note"])
        for row in self._told["members"]:
            yield self._item("member", row["number"], row["account"], *self._times(row, "since"))
        for row in self._told["blocks"]:
            yield self._item("block", row["number"], *self._times(row, "since"), row["note"])
        for row in self._told["replies"]:
            yield self._item("reply", row["source_addr"], row["account"], *self._times(row, "received_at"))
        for row in self._told["complaints"]:
            about = (row["number"], row["account"], row["message_id"], row["source"])
            made = (*self._times(row, "received_at"), row["note"])
            ended = (*self._times(row, "closed_at"), row["outcome"])
            yield self._item("complaint", row["complaint_id"], *about, *made, *ended)

    def _registered(self, row: Row) -> Iterator[str]:
        """What the rules of the time had on the message's signature."""
        rules = json.loads(self._rulesets.get(row["ruleset"], "{}"))
        known = rules.get("signatures", ())
        for one in known if row["signature"] else ():
            if isinstance(one, Mapping) and one.get("name") == row["signature"]:
                yield self._item("registered", *one.values())

    def _items(self, row: Row, *keys: str) -> Iterator[str]:
        return (self._item(key, row[key]) for key in keys if row[key] not in (None, ""))

    def _item(self, key: str, *values: object) -> str:
        """On one line: customers and carriers write some of the values."""
        told = (" ".join(str(value).splitlines()) for value in values if value not in (None, ""))
        return f"- {self._words[key]}: {', '.join(told)}"

    def _times(self, row: Row, *keys: str) -> Sequence[str]:
        return [self._time(row[key]) for key in keys if row[key] is not None]

    def _time(self, at: int) -> str:
        return datetime.fromtimestamp(at / 1000, self._zone).isoformat(timespec="seconds")


def _quoted(text: str) -> Iterator[str]:
    """A text as it is, whatever is in it: indented by four, it is no Markdown."""
    return (f"    {line}" for line in text.splitlines() or [""])
