"""What is added to a text, in the submit_sm that is relayed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.admission import Reading, Refusal, read, read_whole
from gateway.settings import Account
from policy.facts import MessageClass
from policy.scope import Scope
from smpp import codec, segments
from smpp.commands import CommandId
from smpp.pdu import SubmitSm
from smpp.septets import pack
from smpp.text import Alphabet, decode
from tests.gateway.carriers.samples import an_account
from tests.gateway.test_admission import EXAMPLE, NOON, TTL_S, a_ruleset, reading, refused, submit_body

CODES = {"message_class": MessageClass.CODE, "signatures": ["Bank", "中国银行"], "append": True}


def agreed(**changes: Any) -> Account:
    """An account that has agreed that what is missing is added."""
    return an_account(ruleset=a_ruleset(append=True), **changes)


def text_of(found: Reading, default: Alphabet = Alphabet.GSM7) -> tuple[int, str]:
    """The data_coding that is relayed, and the text in it."""
    pdu = codec.submit_sm(found.body)
    coding = segments.coding(pdu, default)
    return pdu.data_coding, decode(coding.alphabet, pdu.payload)


def test_what_is_missing_is_added_and_what_came_is_kept() -> None:
    body = submit_body("尊敬的客户:您好")
    found = reading(body, agreed())
    assert text_of(found) == (8, "尊敬的客户:您好回TD退订【中国银行】")
    assert (found.submitted_body, found.signature) == (body, "中国银行")


def test_a_text_that_lacks_nothing_is_relayed_as_it_came() -> None:
    found = reading(submit_body(), agreed())
    assert text_of(found) == (8, EXAMPLE)
    assert (found.submitted_body, found.signature) == (None, "中国银行")


def test_nothing_is_added_where_that_is_not_agreed() -> None:
    assert refused(submit_body("尊敬的客户:您好")).rule == "SIGNATURE_MISSING"


def test_units_are_counted_behind_what_is_added() -> None:
    # What is added has 11 characters, and 70 make a unit.
    text = "尊敬的客户:" + "好" * 53
    assert reading(submit_body(text), agreed()).units == 1
    assert reading(submit_body(text + "好"), agreed()).units == 2


@pytest.mark.parametrize(
    ("data_coding", "result"), [(0, 0x08), (0x10, 0x18), (0xF1, 0x19), (0xF0, 0x18), (1, 8), (3, 8)]
)
def test_what_the_alphabet_cannot_write_is_recoded_in_ucs2_of_the_same_class(
    data_coding: int, result: int
) -> None:
    account = an_account(ruleset=a_ruleset(**CODES))
    found = reading(submit_body(b"Your code is 1234", data_coding=data_coding), account)
    assert text_of(found) == (result, "Your code is 1234【Bank】")
    assert found.units == 1


def test_a_text_of_septets_that_becomes_ucs2_is_counted_as_such() -> None:
    account = an_account(ruleset=a_ruleset(**CODES))
    found = reading(submit_body(b"x" * 100, data_coding=0), account)
    assert found.units == 2
    assert refused(submit_body(b"x" * 100, data_coding=0), an_account(ruleset=a_ruleset())).evidence


@pytest.mark.parametrize(
    ("default", "data_coding"), [(Alphabet.UTF8, 0), (Alphabet.GBK, 0), (Alphabet.UCS2, 0)]
)
def test_an_alphabet_that_can_write_it_is_kept(default: Alphabet, data_coding: int) -> None:
    codec_name = "utf-16-be" if default is Alphabet.UCS2 else str(default)
    body = submit_body("尊敬的客户:您好".encode(codec_name), data_coding=0)
    found = reading(body, agreed(default_alphabet=default))
    assert text_of(found, default) == (0, "尊敬的客户:您好回TD退订【中国银行】")


def test_packed_septets_are_recoded_too() -> None:
    account = an_account(ruleset=a_ruleset(**CODES), default_alphabet=Alphabet.GSM7_PACKED)
    found = reading(submit_body(pack(b"Your code is 1234"), data_coding=0), account)
    assert text_of(found) == (8, "Your code is 1234【Bank】")
    assert found.submitted_body is not None
    assert codec.submit_sm(found.submitted_body).short_message == b"Your code is 1234"


def test_a_text_that_outgrows_its_field_moves_to_message_payload() -> None:
    text = "尊敬的客户:" + "好" * 120
    found = reading(submit_body(text), agreed())
    pdu = codec.submit_sm(found.body)
    assert pdu.short_message == b""
    assert pdu.payload.decode("utf-16-be") == text + "回TD退订【中国银行】"


@pytest.mark.parametrize(
    ("data_coding", "octets"), [(8, "好".encode("utf-16-be") * 32_765), (0, b"x" * 33_000)]
)
def test_a_text_with_no_room_for_what_it_lacks_is_left_as_it_is_and_refused(
    data_coding: int, octets: bytes
) -> None:
    body = submit_body(b"", data_coding=data_coding, message_payload=octets)
    found = refused(body, an_account(ruleset=a_ruleset(**CODES)))
    assert (found.rule, found.evidence and found.evidence.body) == ("SIGNATURE_MISSING", body)


def test_a_text_behind_a_user_data_header_is_left_as_it_is() -> None:
    header = b"\x06\x05\x04\x00\x50\x00\x50"
    body = submit_body(header + "尊敬的客户:您好".encode("utf-16-be"), esm_class=0x40)
    assert refused(body, agreed()).rule == "SIGNATURE_MISSING"


def test_a_refusal_names_the_piece_of_the_text_as_it_came_and_keeps_that() -> None:
    text = "尊敬的客户:禁词6号【中国银行】"
    body = submit_body(text)
    evidence = refused(body, agreed()).evidence
    assert evidence is not None
    assert (evidence.span, evidence.body, evidence.units) == ((6, 10), body, 1)
    moved = a_ruleset(append=True, signatures=["完美科技"])
    unknown = submit_body("尊敬的客户:【中国银行】")
    evidence = refused(unknown, an_account(ruleset=moved)).evidence
    assert evidence is not None
    assert evidence.span == (6, 12), "the signature, though something was put in before it"


def test_a_joined_text_is_added_to_as_one() -> None:
    text = "尊敬的客户:" + "好" * 100
    pieces = []
    for part in segments.split(text.encode("utf-16-be"), Alphabet.UCS2, 7, "udh8"):
        pdu = codec.decode(CommandId.SUBMIT_SM, submit_body(part, esm_class=0x40))
        assert isinstance(pdu, SubmitSm)
        pieces.append(pdu)
    last = reading(submit_body(), agreed())
    found = read_whole(agreed(), pieces, last)
    assert isinstance(found, Reading)
    assert text_of(found) == (8, text + "回TD退订【中国银行】")
    assert found.submitted_body is not None
    assert codec.submit_sm(found.submitted_body).payload == text.encode("utf-16-be")


def test_the_class_is_that_of_the_service_type_and_its_rules_are_asked() -> None:
    ruleset = a_ruleset(service_types={"OTP": MessageClass.CODE})
    account = an_account(ruleset=ruleset)
    code = submit_body("验证码1234【中国银行】", service_type="OTP")
    assert reading(code, account).message_class is MessageClass.CODE
    plain = refused(submit_body("验证码1234【中国银行】"), account)
    assert plain.rule == "SALUTATION_MISSING"
    assert plain.evidence is not None
    assert plain.evidence.message_class is MessageClass.COMMERCIAL


def test_what_a_rule_that_only_reports_has_against_a_text_goes_with_its_reading() -> None:
    ruleset = a_ruleset(scopes={"SALUTATION_MISSING": Scope(shadow=True)})
    found = reading(submit_body("您好，回TD退订【中国银行】"), an_account(ruleset=ruleset))
    assert found.shadowed == ("SALUTATION_MISSING",)
    assert refused(submit_body("您好【中国银行】"), an_account(ruleset=ruleset)).shadowed == (
        "SALUTATION_MISSING",
    )


def test_a_refusal_by_a_rule_leaves_evidence_and_one_by_the_gateway_none() -> None:
    by_rule = [
        submit_body(source_addr="nobody"),
        submit_body(b"\x05\0\x03\x07\x02", esm_class=0x40),
        submit_body(b"\x5c\x0a\x65"),
        submit_body("hello"),
    ]
    bank = an_account(ruleset=a_ruleset(), source_addrs=("10690001",))
    for body in by_rule:
        found = refused(body, bank)
        assert found.evidence is not None
        assert found.evidence.body == body
    assert refused(submit_body(validity_period="000000000000000R"), bank).evidence is None


def test_outside_the_hours_a_refusal_tells_when_it_would_pass() -> None:
    evening = NOON + 8 * 3600
    found = read(an_account(ruleset=a_ruleset()), _pdu(submit_body()), submit_body(), evening, TTL_S)
    assert isinstance(found, Refusal)
    assert found.evidence is not None
    assert found.evidence.next_pass_at == (NOON + 20 * 3600) * 1000


def _pdu(body: bytes) -> SubmitSm:
    pdu = codec.decode(CommandId.SUBMIT_SM, body)
    assert isinstance(pdu, SubmitSm)
    return replace(pdu)
