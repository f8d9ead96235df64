"""From a submit_sm as smpplib writes it to the message that would be stored, or the rule that refuses it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from smpplib.smpp import make_pdu, parse_pdu

from gateway.admission import Reading, Refusal, Segment, read, refusal
from gateway.settings import Account, SegmentsMode, StatusStyle
from gateway.statuses import GatewayError
from policy import chain
from policy.clauses import CONTENT_KINDS
from policy.content import ContentFilter
from policy.facts import MessageClass, Submission
from policy.hours import Hours
from policy.ruleset import Ruleset, compile_ruleset
from policy.verdict import Judgement
from smpp import codec
from smpp.commands import CommandId
from smpp.pdu import SubmitSm
from smpp.septets import pack
from smpp.text import Alphabet
from tests.gateway.carriers.samples import an_account
from tests.gateway.raw_pdus import SUBMIT_SM, raw

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 4, 12, tzinfo=SHANGHAI).timestamp()
EVENING = datetime(2026, 3, 4, 20, tzinfo=SHANGHAI).timestamp()
MORNING = datetime(2026, 3, 5, 8, tzinfo=SHANGHAI).timestamp()
TTL_S = 172_800.0
HOUR_S = 3600.0

EXAMPLE = "尊敬的客户:今天是您生日，生日快乐，回TD退订【中国银行】"
# One harmless word for each forbidden kind.
TERMS = {kind: [f"禁词{number}号"] for number, kind in enumerate(CONTENT_KINDS)}


def a_ruleset(**changes: Any) -> Ruleset:
    inputs: dict[str, Any] = {
        "signatures": ["中国银行"],
        "content": ContentFilter(TERMS),
        "hours": Hours(time(8), time(17), SHANGHAI),
    }
    return compile_ruleset(**inputs | changes)


RULESET = a_ruleset()
BANK = an_account(ruleset=RULESET, statuses=StatusStyle.VENDOR, source_addrs=("10690001", "BANK"))
PASSING = an_account(ruleset=RULESET, segments=SegmentsMode.PASS)


def submit_body(text: str | bytes = EXAMPLE, **fields: Any) -> bytes:
    """A submit_sm body, written by smpplib; text is sent in UCS2."""
    usual = {
        "source_addr": "10690001",
        "destination_addr": "13800138000",
        "data_coding": 8,
        "short_message": text if isinstance(text, bytes) else text.encode("utf-16-be"),
    }
    pdu = make_pdu("submit_sm", client=None, sequence=0, **usual | fields)
    return cast(bytes, pdu.generate())[16:]


def admit(body: bytes, account: Account = BANK, at: float = NOON) -> Reading | Refusal:
    pdu = codec.decode(CommandId.SUBMIT_SM, body)
    assert isinstance(pdu, SubmitSm)
    found = read(account, pdu, body, at, TTL_S)
    assert not isinstance(found, Segment)
    return found


def reading(body: bytes, account: Account = BANK, at: float = NOON) -> Reading:
    found = admit(body, account, at)
    assert isinstance(found, Reading), found
    return found


def refused(body: bytes, account: Account = BANK, at: float = NOON) -> Refusal:
    found = admit(body, account, at)
    assert isinstance(found, Refusal), found
    return found


def relayed(body: bytes, account: Account = BANK) -> Any:
    """The submit_sm for the carrier, as smpplib reads it."""
    octets = raw(SUBMIT_SM, reading(body, account).body)
    return parse_pdu(octets, client=None, sequence=0, allow_unknown_opt_params=True)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that the policy was asked about. It accepts each: septets spell no signature."""
    texts: list[str] = []

    def evaluate(ruleset: Ruleset, submission: Submission) -> Judgement:
        texts.append(submission.text)
        return chain_evaluate(ruleset, replace(submission, text=EXAMPLE))

    chain_evaluate = chain.evaluate
    monkeypatch.setattr(chain, "evaluate", evaluate)
    return texts


def test_the_contracts_own_example_is_accepted() -> None:
    found = reading(submit_body(registered_delivery=0x11))
    assert (found.source_addr, found.destination_addr) == ("10690001", "13800138000")
    assert (found.registered_delivery, found.units) == (0x11, 1)
    assert (found.due_at, found.deadline_at) == (NOON * 1000, (NOON + TTL_S) * 1000)


class TestTheRulesOfTheContract:
    @pytest.mark.parametrize(
        ("text", "rule", "status", "clause"),
        [
            ("今天是您生日，回TD退订【中国银行】", "SALUTATION_MISSING", 0x401, "1(3)"),
            ("尊敬的客户:生日快乐【中国银行】", "UNSUBSCRIBE_MISSING", 0x402, "1(3)"),
            ("尊敬的客户:生日快乐，回TD退订", "SIGNATURE_MISSING", 0x403, "1(3)"),
            ("", "SIGNATURE_MISSING", 0x403, "1(3)"),
            ("尊敬的客户:生日快乐，回TD退订【建设银行】", "SIGNATURE_NOT_REGISTERED", 0x404, "1(3)"),
            ("【中国银行】尊敬的客户:生日快乐，回TD退订", "SIGNATURE_MISPLACED", 0x405, "1(3)"),
        ],
    )
    def test_a_text_without_its_form_is_refused(self, text: str, rule: str, status: int, clause: str) -> None:
        assert refused(submit_body(text)) == Refusal(rule, status, clause)

    @pytest.mark.parametrize(("number", "kind"), list(enumerate(CONTENT_KINDS)))
    def test_each_forbidden_kind_is_refused_by_its_name(self, number: int, kind: str) -> None:
        text = f"尊敬的客户:请看禁词{number}号，回TD退订【中国银行】"
        assert refused(submit_body(text)) == Refusal(kind, 0x411 + number, f"六({number + 1})")

    def test_the_class_of_the_accounts_messages_says_which_form_is_asked(self) -> None:
        account = an_account(ruleset=a_ruleset(message_class=MessageClass.CODE))
        code = submit_body("验证码 123456【中国银行】")
        assert isinstance(admit(code, account), Reading)
        assert refused(code).rule == "SALUTATION_MISSING"

    def test_outside_the_hours_it_is_refused(self) -> None:
        assert refused(submit_body(), at=EVENING) == Refusal("OUTSIDE_HOURS", 0x440, "五(5)")

    def test_an_account_that_lets_it_wait_has_it_held_until_they_open(self) -> None:
        account = an_account(ruleset=a_ruleset(outside_hours="hold"))
        found = reading(submit_body(), account, EVENING)
        assert (found.due_at, found.deadline_at) == (MORNING * 1000, (EVENING + TTL_S) * 1000)

    def test_an_account_with_standard_statuses_gets_smpps_nearest(self) -> None:
        account = an_account(ruleset=RULESET, statuses=StatusStyle.STANDARD)
        assert refused(submit_body("hello"), account) == Refusal("SIGNATURE_MISSING", 0x45, "1(3)")

    def test_a_refusal_of_the_gateways_own_has_no_clause(self) -> None:
        assert refusal(BANK, GatewayError.THROTTLED) == Refusal("THROTTLED", 0x58)


class TestTheSource:
    def test_one_that_is_not_the_accounts_is_refused(self) -> None:
        found = refused(submit_body(source_addr="10690002"))
        assert (found.rule, found.command_status) == ("SOURCE_NOT_ALLOWED", 0x460)

    @pytest.mark.parametrize("source_addr", ["10690001", "BANK"])
    def test_any_of_the_accounts_is_relayed_as_it_is(self, source_addr: str) -> None:
        body = submit_body(source_addr=source_addr, source_addr_ton=5, source_addr_npi=8)
        assert reading(body).source_addr == source_addr
        pdu = relayed(body)
        assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr) == (5, 8, source_addr.encode())

    def test_none_becomes_the_accounts_first(self) -> None:
        body = submit_body(source_addr="")
        assert reading(body).source_addr == "10690001"
        assert relayed(body).source_addr == b"10690001"

    def test_an_account_without_a_list_may_show_what_it_likes(self) -> None:
        account = an_account(ruleset=RULESET, source_addrs=())
        assert reading(submit_body(source_addr="anybody"), account).source_addr == "anybody"


class TestTheText:
    @pytest.mark.parametrize(
        ("data_coding", "text"),
        [
            pytest.param(8, EXAMPLE.encode("utf-16-be"), id="UCS2"),
            pytest.param(0x18, EXAMPLE.encode("utf-16-be"), id="UCS2, flash"),
            pytest.param(15, EXAMPLE.encode("gbk"), id="GBK"),
        ],
    )
    def test_it_is_judged_in_its_own_alphabet(self, data_coding: int, text: bytes) -> None:
        assert reading(submit_body(text, data_coding=data_coding)).units == 1

    @pytest.mark.parametrize(
        ("data_coding", "text"),
        [
            pytest.param(4, EXAMPLE.encode("utf-16-be"), id="octets"),
            pytest.param(2, b"hello", id="octets too"),
            pytest.param(0xFF, b"hello", id="reserved"),
            pytest.param(8, b"\x5c\x0a\x65", id="half a character"),
            pytest.param(8, b"\xd8\x3d", id="half of a surrogate pair"),
            pytest.param(8, "\ufeff".encode("utf-16-be") + EXAMPLE.encode("utf-16-be"), id="byte order mark"),
            pytest.param(1, b"caf\xe9", id="not ASCII"),
        ],
    )
    def test_what_cannot_be_read_is_refused(self, data_coding: int, text: bytes) -> None:
        found = refused(submit_body(text, data_coding=data_coding))
        assert (found.rule, found.command_status) == ("TEXT_UNREADABLE", 0x462)

    @pytest.mark.parametrize(
        ("default", "text"),
        [(Alphabet.UTF8, EXAMPLE.encode()), (Alphabet.GBK, EXAMPLE.encode("gbk"))],
    )
    def test_data_coding_0_is_what_the_account_says(self, default: Alphabet, text: bytes) -> None:
        account = an_account(ruleset=RULESET, default_alphabet=default)
        assert isinstance(admit(submit_body(text, data_coding=0), account), Reading)

    def test_it_may_stand_in_message_payload(self) -> None:
        body = submit_body(b"", message_payload=EXAMPLE.encode("utf-16-be"))
        assert reading(body).units == 1
        assert relayed(body).message_payload == EXAMPLE.encode("utf-16-be")

    def test_a_header_is_not_part_of_it(self) -> None:
        """Application ports: a header, and yet no segment."""
        ports = bytes.fromhex("06 05 04 23f4 0000")
        body = submit_body(ports + EXAMPLE.encode("utf-16-be"), esm_class=0x40)
        assert reading(body).units == 1

    @pytest.mark.parametrize(
        ("header", "text"),
        [
            pytest.param("03 24 01 02", "loter\u00eda [ok]", id="Spanish"),
            pytest.param("03 25 01 01", "loter\u0131a [ok]", id="Turkish"),
            pytest.param("00", "loter\u00eca [ok]", id="of no language"),
        ],
    )
    @pytest.mark.parametrize("default", [Alphabet.GSM7, Alphabet.GSM7_PACKED])
    def test_it_is_judged_with_the_tables_that_its_header_names(
        self, header: str, text: str, default: Alphabet, judged: list[str]
    ) -> None:
        udh = bytes.fromhex(header)
        letter = b"\x1bi" if header == "03 24 01 02" else b"\x07"
        septets = b"loter" + letter + b"a \x1b<ok\x1b>"
        packed = pack(septets, -8 * len(udh) % 7)
        body = submit_body(
            udh + (packed if default is Alphabet.GSM7_PACKED else septets), esm_class=0x40, data_coding=0
        )
        admit(body, an_account(ruleset=RULESET, default_alphabet=default))
        assert judged == [text]

    def test_a_table_that_nobody_has_is_refused(self) -> None:
        body = submit_body(b"\x03\x24\x01\x0e" + b"hello", esm_class=0x40, data_coding=0)
        assert refused(body).rule == "TEXT_UNREADABLE"

    def test_a_header_that_is_none_is_refused_with_its_own_status(self) -> None:
        found = refused(submit_body(b"\xff" + EXAMPLE.encode("utf-16-be"), esm_class=0x40))
        assert (found.rule, found.command_status) == ("TEXT_UNREADABLE", 0x43)


class TestUnits:
    @pytest.mark.parametrize(
        ("characters", "units"), [(70, 1), (71, 2), (134, 2), (135, 3), (201, 3), (202, 4)]
    )
    def test_chinese_is_counted_by_70_and_67(self, characters: int, units: int) -> None:
        end = "，回TD退订【中国银行】"
        text = "尊敬的客户:" + "好" * (characters - len(end) - 6) + end
        assert len(text) == characters
        body = submit_body(b"", message_payload=text.encode("utf-16-be"))
        assert reading(body).units == units

    @pytest.mark.parametrize(("septets", "units"), [(155, 1), (156, 2)])
    def test_the_names_of_tables_take_room(self, septets: int, units: int, judged: list[str]) -> None:
        text = b"a" * septets
        body = submit_body(b"\x03\x24\x01\x01" + text, esm_class=0x40, data_coding=0)
        assert reading(body).units == units
        assert judged == [text.decode()]

    def test_a_character_beyond_16_bits_counts_twice(self) -> None:
        text = EXAMPLE.replace("快乐", "快乐" + "好" * (70 - len(EXAMPLE) - 1) + "\N{BIRTHDAY CAKE}")
        assert len(text) == 70
        assert reading(submit_body(b"", message_payload=text.encode("utf-16-be"))).units == 2


class TestTimes:
    @pytest.mark.parametrize(
        ("field", "in_hours"),
        [("000000020000000R", 2.0), ("260304140000032+", 2.0), ("260304060000000+", 2.0)],
    )
    def test_a_message_may_ask_to_be_sent_later(self, field: str, in_hours: float) -> None:
        found = reading(submit_body(schedule_delivery_time=field))
        assert found.due_at == (NOON + in_hours * HOUR_S) * 1000
        assert found.deadline_at == (NOON + in_hours * HOUR_S + TTL_S) * 1000

    def test_one_that_asks_for_the_past_is_due_now(self) -> None:
        assert reading(submit_body(schedule_delivery_time="260304010000000+")).due_at == NOON * 1000

    def test_the_hours_are_those_of_the_time_asked_for(self) -> None:
        """Handed in at noon for the evening: outside. Handed in at night for the morning: inside."""
        evening, morning = "260304200000032+", "260305090000032+"
        assert refused(submit_body(schedule_delivery_time=evening)).rule == "OUTSIDE_HOURS"
        found = reading(submit_body(schedule_delivery_time=morning), at=EVENING)
        assert found.due_at == (MORNING + HOUR_S) * 1000

    @pytest.mark.parametrize(("field", "in_hours"), [("000000010000000R", 1.0), ("260304130000032+", 1.0)])
    def test_it_lives_as_long_as_it_says(self, field: str, in_hours: float) -> None:
        found = reading(submit_body(validity_period=field))
        assert (found.due_at, found.deadline_at) == (NOON * 1000, (NOON + in_hours * HOUR_S) * 1000)

    @pytest.mark.parametrize("field", ["not a time at al", "261332140000000+", "000000020000001R"])
    def test_what_is_no_time_is_refused(self, field: str) -> None:
        schedule = refused(submit_body(schedule_delivery_time=field))
        assert (schedule.rule, schedule.command_status) == ("SCHEDULE_INVALID", 0x61)
        validity = refused(submit_body(validity_period=field))
        assert (validity.rule, validity.command_status) == ("VALIDITY_INVALID", 0x62)

    @pytest.mark.parametrize(
        ("schedule", "validity"),
        [
            pytest.param("", "260304010000000+", id="in the past"),
            pytest.param("", "000000000000000R", id="for no time at all"),
            pytest.param("000000020000000R", "000000010000000R", id="over before it begins"),
            pytest.param("000000010000000R", "000000010000000R", id="over as it begins"),
        ],
    )
    def test_one_that_is_over_before_it_could_be_sent_is_refused(self, schedule: str, validity: str) -> None:
        body = submit_body(schedule_delivery_time=schedule, validity_period=validity)
        assert refused(body).rule == "VALIDITY_INVALID"


PART = "尊敬的客户".encode("utf-16-be")
SAR: dict[str, Any] = {"sar_msg_ref_num": 7, "sar_total_segments": 2, "sar_segment_seqnum": 1}
SEGMENTS = [
    pytest.param({"esm_class": 0x40, "short_message": b"\5\0\3\7\2\1" + PART}, id="UDH, 8 bit"),
    pytest.param({"esm_class": 0x40, "short_message": b"\6\x08\4\1\7\2\1" + PART}, id="UDH, 16 bit"),
    pytest.param(SAR | {"short_message": PART}, id="SAR"),
]


class TestSegments:
    """Parts that the customer cuts itself; no part has the form that the contract wants of the whole."""

    @pytest.mark.parametrize("fields", SEGMENTS)
    def test_an_account_that_must_not_send_them_is_told_so(self, fields: dict[str, Any]) -> None:
        found = refused(submit_body(**fields))
        assert (found.rule, found.command_status) == ("SEGMENT_REFUSED", 0x43)

    @pytest.mark.parametrize("fields", SEGMENTS)
    def test_an_account_that_may_has_them_relayed_unread(self, fields: dict[str, Any]) -> None:
        body = submit_body(**fields)
        found = reading(body, PASSING)
        assert found.units == 1
        assert relayed(body, PASSING).short_message == fields["short_message"]

    @pytest.mark.parametrize(("octets", "units"), [(140, 1), (142, 2), (254, 2)])
    def test_a_part_that_is_longer_than_a_message_costs_what_it_takes(self, octets: int, units: int) -> None:
        """With sar TLVs nothing keeps a part short; the carrier cuts it once more."""
        part = (PART * 40)[:octets]
        assert reading(submit_body(part, **SAR), PASSING).units == units

    @pytest.mark.parametrize("fields", SEGMENTS)
    def test_even_then_the_hours_hold(self, fields: dict[str, Any]) -> None:
        assert refused(submit_body(**fields), PASSING, EVENING).rule == "OUTSIDE_HOURS"

    def test_even_then_they_may_wait_for_them(self) -> None:
        account = an_account(segments=SegmentsMode.PASS, ruleset=a_ruleset(outside_hours="hold"))
        body = submit_body(PART, **SAR)
        assert reading(body, account, EVENING).due_at == MORNING * 1000

    def test_the_only_part_of_a_message_is_a_message(self) -> None:
        body = submit_body(**SAR | {"sar_total_segments": 1})
        assert reading(body).units == 1

    def test_a_whole_message_of_an_account_that_may_send_parts_is_judged(self) -> None:
        assert refused(submit_body("hello"), PASSING).rule == "SIGNATURE_MISSING"


class TestWhatIsRelayed:
    @pytest.mark.parametrize(
        ("asked", "relays"), [(0, 1), (1, 1), (2, 1), (0x10, 0x11), (0x11, 0x11), (0x12, 0x11), (0x1E, 0x1D)]
    )
    def test_it_always_asks_the_carrier_how_it_ended(self, asked: int, relays: int) -> None:
        body = submit_body(registered_delivery=asked)
        assert relayed(body).registered_delivery == relays
        assert reading(body).registered_delivery == asked

    def test_nothing_else_is_changed(self) -> None:
        fields: dict[str, Any] = {
            "service_type": "CMT",
            "source_addr_ton": 5,
            "source_addr_npi": 8,
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "esm_class": 3,
            "protocol_id": 0x41,
            "priority_flag": 2,
            "validity_period": "000001000000000R",
            "user_message_reference": 4711,
        }
        body = submit_body(registered_delivery=0, **fields)
        assert reading(body).body == submit_body(registered_delivery=1, **fields)

    def test_a_tlv_that_nobody_here_knows_goes_with_it(self) -> None:
        vendor = bytes.fromhex("1403 0003 616263")
        assert reading(submit_body() + vendor).body.endswith(vendor)

    @pytest.mark.parametrize(
        "fields", [{"schedule_delivery_time": "000000010000000R"}, {"replace_if_present_flag": 1}]
    )
    def test_the_waiting_is_done_here(self, fields: dict[str, Any]) -> None:
        """A schedule and a replacement are between the customer and us."""
        pdu = relayed(submit_body(**fields))
        assert not pdu.schedule_delivery_time
        assert pdu.replace_if_present_flag == 0
        assert pdu.registered_delivery == 1
        assert pdu.short_message == EXAMPLE.encode("utf-16-be")
