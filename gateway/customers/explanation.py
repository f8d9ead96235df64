"""Why a message was refused, in words, for accounts that want to be told."""

from __future__ import annotations

from gateway.admission import Refusal
from policy.clauses import RULES
from smpp import spec
from smpp.commands import CommandId
from smpp.pdu import DataSmResp, SubmitSmResp

_RESPONSES: dict[int, type[SubmitSmResp | DataSmResp]] = {
    CommandId.SUBMIT_SM: SubmitSmResp,
    CommandId.DATA_SM: DataSmResp,
}


def explanation(refusal: Refusal, command_id: int) -> SubmitSmResp | DataSmResp | None:
    """The response to `command_id` that names rule and clause; None for one that has no TLV for it."""
    response = _RESPONSES.get(command_id)
    if response is None:
        return None
    rule = RULES.get(refusal.rule)
    words = refusal.rule if rule is None else f"{rule.id} {rule.clause}: {rule.english}"
    if refusal.detail:
        words += f" ({refusal.detail})"
    return response("", ((spec.ADDITIONAL_STATUS_INFO_TEXT, words.encode("utf-8") + b"\0"),))
