from __future__ import annotations

import pytest

from policy.salutation import check
from policy.verdict import Refuse


@pytest.mark.parametrize(
    "text",
    [
        "尊敬的客户:今天是您生日",
        "尊敬的客户：今天是您生日",
        "尊敬的张先生，您好",
        "尊敬的张先生,您好",
        "尊敬的会员！年末大促",
        "尊敬的会员!年末大促",
        "尊敬的各位家长、同学，明日放假",
        "尊敬的VIP会员 您好",
        "尊敬的客户\n您的订单已发货",
        "尊敬客户：您好",
        "尊敬的 王女士：您好",
        "尊敬的John Smith先生：您好",
        "  \n尊敬的客户：您好",
        "尊敬的中国银行长春市解放大路支行贵宾客户：您好",
    ],
)
def test_a_text_that_begins_with_a_salutation_passes(text: str) -> None:
    assert check(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "尊敬",
        "尊敬的",
        "尊敬：今天是您生日",
        "尊敬的：今天是您生日",
        "尊敬的 ：今天是您生日",
        "亲爱的客户：今天是您生日",
        "敬爱的客户：今天是您生日",
        "您好，尊敬的客户：今天是您生日",
        "【中国银行】尊敬的客户：今天是您生日",
        "尊敬的客户今天是您生日祝您生日快乐请到我行领取精美礼品一份",
        "尊敬的客户。今天是您生日",
        "尊敬的客户",
        "尊 敬的客户：您好",
        "受人尊敬的客户：您好",
    ],
)
def test_a_text_without_a_salutation_at_its_head_is_refused(text: str) -> None:
    assert check(text) == Refuse("SALUTATION_MISSING", None, "1(3)")


def test_an_addressee_has_at_most_twenty_characters() -> None:
    assert check("尊敬的" + "甲" * 20 + "：您好") is None
    assert check("尊敬的" + "甲" * 21 + "：您好") is not None
