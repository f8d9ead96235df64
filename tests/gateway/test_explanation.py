"""An explanation is held against the gateway's own customers' side, which is sent the very PDU explained."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.admission import Reading, Refusal, alphabet_of
from gateway.config.loading import load
from gateway.explanation import Explanation, explain
from gateway.message import Message
from gateway.routing import long_form
from gateway.settings import Account, LongForm, Route, Settings, StatusStyle, Throttle
from policy.content import ContentFilter
from policy.facts import MessageClass
from policy.hours import Hours
from policy.ruleset import Ruleset, compile_ruleset
from policy.verdict import Accept, Defer, Judgement, Refuse
from smpp import codec, segments, text
from smpp.status import CommandStatus
from smpp.text import Alphabet, TextError
from tests.gateway.carriers.fake_store import FakeStore
from tests.gateway.carriers.samples import LIMITS, NOON, ZONE, a_carrier
from tests.gateway.customers.customer_side import CustomerSide
from tests.gateway.customers.samples import NUMBER, TEXT, a_customer

EXAMPLE = load(Path(__file__).parents[2] / "config.example.toml")
EVENING = datetime(2026, 3, 4, 20, tzinfo=ZONE).timestamp()
MORNING = datetime(2026, 3, 5, 8, tzinfo=ZONE).timestamp()


# Any: the fields of the ruleset.
def a_ruleset(**changes: Any) -> Ruleset:
    inputs: dict[str, Any] = {
        "signatures": ["中国银行", "Bank"],
        "content": ContentFilter({"CONTENT_CULT": ["宣扬邪教"]}),
        "hours": Hours(time(8), time(17), ZONE),
    }
    return compile_ruleset(**inputs | changes)


BANK = a_customer(ruleset=a_ruleset(), statuses=StatusStyle.VENDOR)
CODES = {"ruleset": a_ruleset(message_class=MessageClass.CODE, outside_hours="hold")}


def settings_with(*forms: LongForm, routes: tuple[Route, ...] | None = None, **limits: Any) -> Settings:
    """Those of the example with a carrier for each form, all on one route unless others are given."""
    carriers = {
        f"carrier{n}": a_carrier(name=f"carrier{n}", long_messages=form) for n, form in enumerate(forms)
    }
    if routes is None:
        routes = (Route(None, "", tuple(carriers)),)
    return replace(EXAMPLE, limits=replace(LIMITS, **limits), carriers=carriers, routes=routes)


UDH8 = settings_with(LongForm.UDH8)


def told(content: str, account: Account = BANK, at: float = NOON, **other: Any) -> Explanation:
    return explain(other.pop("within", UDH8), account, content, at, other.pop("destination", NUMBER), **other)


def long_text(characters: int) -> str:
    """TEXT, drawn out to so many characters."""
    return TEXT.replace("快乐", "快乐" + "好" * (characters - len(TEXT)))


# -- against the gateway


def seen(found: Explanation, within: Settings) -> tuple[int | None, list[Message]]:
    """What the gateway answers to the PDU explained, or None and what it asks its store to admit."""
    store = FakeStore()
    route = ",".join(found.route)
    form = long_form(route, within.carriers) if route else LongForm.UDH8
    side = CustomerSide(
        store,
        start=found.at,
        accounts=(found.account,),
        routes=within.routes,
        limits=within.limits,
        form=form,
    )
    customer = side.connect().bound()
    customer.send(codec.encode(found.pdu, 2))
    messages = [message for batch in store.waiting("admit") for message in batch.asked]
    if store.waiting("admit") and not messages:
        # What is too long to be cut is refused with its batch, of which nothing is left.
        store.answer("admit", [])
        side.reactor.advance(0)
    answers = [answer.command_status for answer in customer.read()]
    return (answers[0] if answers else None), messages


def is_as_the_gateway_says(found: Explanation, within: Settings) -> None:
    command_status, messages = seen(found, within)
    if isinstance(found.taken, Refusal):
        assert command_status == found.command_status != CommandStatus.ESME_ROK
        return
    assert (command_status, found.command_status) == (None, CommandStatus.ESME_ROK)
    assert sum(message.units for message in messages) == found.units
    assert {message.due_at / 1000 for message in messages} == {found.due_at}
    assert {message.route for message in messages} == {",".join(found.route)}
    assert {message.source_addr for message in messages} == {found.taken.source_addr}
    parts = [message for message in messages if message.units]
    texts = [_text(found.account, message) for message in parts]
    if found.form is LongForm.PAYLOAD:
        assert texts == ["".join(cut.text for cut in found.segments)]
    else:
        assert texts == [cut.text for cut in found.segments]


def _text(account: Account, message: Message) -> str:
    pdu = codec.submit_sm(message.body)
    return text.decode(alphabet_of(account, pdu), segments.user_text(pdu))


WORDS = st.sampled_from(
    ["尊敬的客户:", "hello ", "€[]", "\U0001f382", "好", "宣扬邪教", "回TD退订", "é", "@\r"]
)
TEXTS = st.one_of(
    st.text(max_size=20),
    st.builds(
        lambda words, times, end: "".join(words) * times + end,
        st.lists(WORDS, max_size=5),
        st.integers(0, 60),
        st.sampled_from(["", "【中国银行】", "【Bank】", "回TD退订【中国银行】", "【建设银行】"]),
    ),
    st.builds(
        lambda words, times: f"尊敬的客户:{''.join(words) * times}回TD退订【中国银行】",
        st.lists(WORDS.filter(lambda word: word != "宣扬邪教"), min_size=1, max_size=5),
        st.integers(0, 60),
    ),
)
ACCOUNTS = st.builds(
    lambda alphabet, own, style, sources, throttle: a_customer(
        default_alphabet=alphabet, statuses=style, source_addrs=sources, throttle=throttle, **own
    ),
    st.sampled_from(
        [
            *[Alphabet.GSM7] * 3,
            Alphabet.GSM7_PACKED,
            Alphabet.UTF8,
            Alphabet.GBK,
            Alphabet.LATIN1,
            Alphabet.OCTETS,
        ]
    ),
    st.sampled_from([CODES, {"ruleset": a_ruleset()}]),
    st.sampled_from(list(StatusStyle)),
    st.sampled_from([(), ("10690001",)]),
    st.sampled_from([None, None, Throttle(1.0, 1), Throttle(0.0, 1)]),
)
FORMS = st.lists(st.sampled_from(list(LongForm)), min_size=1, max_size=2)


@settings(deadline=None)
@given(
    TEXTS,
    ACCOUNTS,
    FORMS,
    st.sampled_from([NOON, NOON, EVENING]),
    st.sampled_from(["", "10690001", "10690002"]),
    st.sampled_from([NUMBER, NUMBER, "+8613800138000", "nobody"]),
    st.sampled_from(["", "", "138"]),
)
def test_any_text_is_explained_as_the_gateway_takes_it(
    content: str,
    account: Account,
    forms: list[LongForm],
    at: float,
    source: str,
    destination: str,
    prefix: str,
) -> None:
    within = settings_with(*forms)
    within = replace(within, routes=(replace(within.routes[0], prefix=prefix),))
    try:
        found = told(content, account, at, within=within, source=source, destination=destination)
    except TextError:
        return
    assert "".join(cut.text for cut in found.segments) == content
    is_as_the_gateway_says(found, within)


@pytest.mark.parametrize("form", list(LongForm))
@pytest.mark.parametrize(
    "characters",
    [
        len(TEXT),
        70,
        71,
        132,
        133,
        134,
        135,
        198,
        199,
        201,
        202,
        255 * 66,
        255 * 66 + 1,
        255 * 67,
        255 * 67 + 1,
    ],
)
def test_a_long_text_is_explained_as_the_gateway_cuts_it(form: LongForm, characters: int) -> None:
    within = settings_with(form)
    is_as_the_gateway_says(told(long_text(characters), within=within), within)


@pytest.mark.parametrize("data_coding", [0, 1, 3, 5, 8, 0x11, 0x18, 0xF1, 15])
@pytest.mark.parametrize("default", [Alphabet.GSM7, Alphabet.GSM7_PACKED, Alphabet.UTF8, Alphabet.ASCII])
def test_any_data_coding_is_explained_as_the_gateway_reads_it(data_coding: int, default: Alphabet) -> None:
    for content in ("hello", "hell?" * 50):
        found = told(content, a_customer(default_alphabet=default, **CODES), data_coding=data_coding)
        assert found.pdu.data_coding == data_coding
        is_as_the_gateway_says(found, UDH8)


# -- what is told


def test_a_text_in_order_is_accepted_by_every_rule() -> None:
    found = told(TEXT)
    assert isinstance(found.taken, Reading)
    trail = ("signature", "salutation", "unsubscribe", "content", "hours")
    assert found.judgement == Judgement(Accept(), trail, ruleset=BANK.ruleset.version)
    assert (found.units, found.form, found.route, found.due_at) == (1, None, ("carrier0",), NOON)
    assert (found.alphabet, found.pdu.data_coding, found.span) == (Alphabet.UCS2, 8, None)
    assert found.taken.source_addr == "10690001"


def test_a_refusal_has_the_trail_up_to_its_rule_and_the_piece_of_the_text() -> None:
    found = told("尊敬的客户:请勿宣扬邪教，回TD退订【中国银行】")
    assert found.taken == Refusal("CONTENT_CULT", 0x415, "六(5)")
    assert found.judgement is not None
    assert found.judgement.trail == ("signature", "salutation", "unsubscribe", "content")
    assert found.span == (8, 12)
    assert found.due_at is None


@pytest.mark.parametrize(
    ("style", "command_status"), [(StatusStyle.VENDOR, 0x440), (StatusStyle.STANDARD, 0x45)]
)
def test_outside_the_hours_the_status_is_that_of_the_accounts_style(
    style: StatusStyle, command_status: int
) -> None:
    found = told(TEXT, replace(BANK, statuses=style), EVENING)
    assert found.command_status == command_status
    assert found.opens_at == MORNING


def test_a_text_that_waits_for_the_hours_is_due_when_they_begin() -> None:
    customer = a_customer(**CODES)
    found = told("【Bank】", customer, EVENING)
    trail = ("signature", "content", "hours")
    assert found.judgement == Judgement(Defer(MORNING), trail, ruleset=customer.ruleset.version)
    assert (found.due_at, found.opens_at) == (MORNING, MORNING)


def test_a_sender_that_is_not_the_accounts_is_refused_before_any_rule() -> None:
    found = told(TEXT, source="10690002")
    assert (found.taken, found.judgement) == (Refusal("SOURCE_NOT_ALLOWED", 0x460), None)
    assert told("hello", source="10690002").judgement is None


def test_what_has_no_way_is_refused_although_every_rule_accepts_it() -> None:
    within = settings_with(LongForm.UDH8, routes=(Route(None, "86", ("carrier0",)),))
    found = told(TEXT, within=within)
    assert found.taken == Refusal("NO_ROUTE", CommandStatus.ESME_RINVDSTADR)
    assert found.judgement is not None
    assert isinstance(found.judgement.verdict, Accept)
    assert found.route == ()


def test_a_throttle_of_rate_0_blocks() -> None:
    assert told(TEXT, replace(BANK, throttle=Throttle(0.0, 5))).taken == Refusal("THROTTLED", 0x58)
    assert isinstance(told(long_text(300), replace(BANK, throttle=Throttle(0.1, 1))).taken, Reading)
    blocked = replace(BANK, throttle_per_source=Throttle(0.0, 5))
    assert told(TEXT, blocked).taken == Refusal("THROTTLED", 0x58)


def test_the_rule_that_refuses_comes_before_the_way() -> None:
    found = told("hello", replace(BANK, throttle=Throttle(0.0, 5)), within=replace(UDH8, routes=()))
    assert found.taken == Refusal("SIGNATURE_MISSING", 0x403, "1(3)")


@pytest.mark.parametrize(
    ("form", "rooms", "used"),
    [
        (LongForm.UDH8, [67, 67], [67, 67]),
        (LongForm.UDH16, [66, 66, 66], [66, 66, 2]),
        (LongForm.SAR, [67, 67], [67, 67]),
        (LongForm.PAYLOAD, [67, 67], [67, 67]),
    ],
)
def test_the_segments_are_those_of_the_carriers_form(
    form: LongForm, rooms: list[int], used: list[int]
) -> None:
    found = told(long_text(134), within=settings_with(form))
    assert [cut.room for cut in found.segments] == rooms
    assert [cut.used for cut in found.segments] == used
    assert found.units == len(rooms)
    assert found.form is (LongForm.UDH8 if form is LongForm.SAR else form)


def test_of_several_carriers_the_one_whose_form_leaves_least_room_decides() -> None:
    found = told(long_text(134), within=settings_with(LongForm.PAYLOAD, LongForm.UDH16))
    assert (found.form, found.units, found.route) == (LongForm.UDH16, 3, ("carrier0", "carrier1"))


def test_a_text_with_too_many_segments_is_refused_unless_the_carrier_takes_it_whole() -> None:
    too_long = long_text(255 * 67 + 1)
    assert told(too_long).taken == Refusal("MESSAGE_TOO_LONG", CommandStatus.ESME_RSUBMITFAIL)
    assert isinstance(told(too_long, within=settings_with(LongForm.PAYLOAD)).taken, Reading)


@pytest.mark.parametrize(
    ("default", "content", "alphabet", "data_coding"),
    [
        (Alphabet.GSM7, "hello €", Alphabet.GSM7, 0),
        (Alphabet.GSM7, "hello 好", Alphabet.UCS2, 8),
        (Alphabet.GSM7_PACKED, "hello", Alphabet.GSM7_PACKED, 0),
        (Alphabet.UTF8, "hello 好", Alphabet.UTF8, 0),
        (Alphabet.GBK, "hello 好", Alphabet.GBK, 0),
        (Alphabet.UCS2, "hello", Alphabet.UCS2, 0),
        (Alphabet.LATIN1, "hello €", Alphabet.UCS2, 8),
        (Alphabet.OCTETS, "hello", Alphabet.UCS2, 8),
    ],
)
def test_data_coding_0_is_used_where_the_accounts_alphabet_has_the_text(
    default: Alphabet, content: str, alphabet: Alphabet, data_coding: int
) -> None:
    found = told(content, replace(BANK, default_alphabet=default))
    assert (found.alphabet, found.pdu.data_coding) == (alphabet, data_coding)
    assert [cut.text for cut in found.segments] == [content]


@pytest.mark.parametrize(("content", "data_coding"), [("好", 0), ("好", 3), ("hello", 4), ("\ud800", 8)])
def test_what_the_data_coding_cannot_say_is_told(content: str, data_coding: int) -> None:
    with pytest.raises(TextError):
        told(content, data_coding=data_coding)


@pytest.mark.parametrize("other", [{"destination": "1" * 21}, {"source": "1" * 21}])
def test_what_no_submit_sm_can_hold_is_told(other: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="too long"):
        told(TEXT, **other)


def test_what_the_session_refuses_never_meets_a_rule() -> None:
    found = told(TEXT, destination="nobody")
    assert found.taken == Refusal("ESME_RINVDSTADR", CommandStatus.ESME_RINVDSTADR)
    assert found.judgement is None


def test_a_submit_sm_larger_than_any_pdu_may_be_is_refused() -> None:
    content = long_text(600)
    size = len(codec.encode(told(content).pdu, 1))
    assert isinstance(told(content, within=settings_with(LongForm.UDH8, pdu_max=size)).taken, Reading)
    within = settings_with(LongForm.UDH8, pdu_max=size - 1)
    found = told(content, within=within)
    assert found.taken == Refusal("ESME_RINVCMDLEN", CommandStatus.ESME_RINVCMDLEN)
    is_as_the_gateway_says(found, within)


def test_the_verdict_of_the_judgement_is_the_refusal() -> None:
    found = told("hello")
    assert found.judgement is not None
    assert isinstance(found.judgement.verdict, Refuse)
    assert isinstance(found.taken, Refusal)
    assert found.judgement.verdict.rule == found.taken.rule
