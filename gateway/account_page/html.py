"""The account page for people: what `view` tells, in Chinese and English, as plain HTML.

No script, no style, nothing from elsewhere. All that is not of this file is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from gateway.account_page.view import View

_WORDS = {
    "account": "账户 Account",
    "system_id": "用户名 system_id",
    "at": "查询时间 Asked at",
    "contract": "合同编号 Contract",
    "customer": "甲方 Customer",
    "operator": "乙方 Operator",
    "signed_on": "签订日期 Signed on",
    "expires_on": "到期日 Expires on",
    "state": "状态 State",
    "state_since": "起始时间 Since",
    "balance": "条数余额 Balance in units",
    "topped_up": "累计购买 Topped up",
    "remaining": "剩余可发 Remaining, can still be sent",
    "held": "占用 Held for messages on their way",
    "settled": "已用 Used",
    "returned": "已退 Returned",
    "lots": "充值批次 Lots",
    "paid_at": "日期 Date",
    "reference": "付款凭证 Reference",
    "units": "条数 Units",
    "left": "剩余（含占用） Left, with what is held",
    "amount_fen": "金额（分） Amount in fen",
    "fen_a_unit": "单价（分） Fen a unit",
    "older_lots_used_up": "另有已用完批次 Older lots, used up",
    "counted_at": "统计时间 Counted at",
    "queue": "队列 Queue",
    "waiting": "等待发送 Waiting",
    "segments_waiting_for_the_rest": "等待其余分段 Segments waiting for the rest",
    "on_their_way": "发送中 On their way",
    "on_their_way_in_parts": "分条发送中 On their way in parts",
    "in_doubt": "结果待定 In doubt",
    "today": "今日 Today",
    "date": "日期 Date",
    "accepted": "已接受 Accepted",
    "ended": "最终状态 Ended",
    "refused": "被拒绝 Refused",
    "refused_by_rule": "拒绝原因 Refused by rule",
    "rule": "规则 Rule",
    "clause": "条款 Clause",
    "submits": "提交数 Submits",
    "receipts_and_replies_owed": "待取状态报告和上行 Receipts and replies not fetched",
    "binds": "当前连接 Binds",
    "kind": "类型 Kind",
    "address": "地址 Address",
    "since": "起始时间 Since",
    "hours": "发送时间 Hours of sending",
    "open": "可发送 Open now",
    "opens_at": "下次开始 Next opening",
    "closes_at": "下次结束 Next closing",
    "broadcasts": "代发任务 Broadcasts",
    "broadcast": "编号 Number",
    "recipients": "接收人数 Recipients",
    "not_yet_sent": "未发送 Not sent yet",
    "starts_at": "开始时间 Starts at",
}


def html(shown: View) -> str:
    """The page."""
    title = f"{_WORDS['account']}: {shown['account']}"
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="zh"><head><meta charset="utf-8">',
            f"<title>{escape(title)}</title></head><body>",
            f"<h1>{escape(title)}</h1>",
            *_sections(shown),
            "</body></html>",
            "",
        ]
    )


def _sections(shown: View) -> Iterator[str]:
    plain = {key: value for key, value in shown.items() if not isinstance(value, Mapping | list)}
    yield from _pairs(plain)
    for key, value in shown.items():
        if isinstance(value, Mapping | list):
            yield f"<h2>{_words(key)}</h2>"
            yield from _rows(value) if isinstance(value, list) else _sections(dict(value))


def _pairs(values: Mapping[str, object]) -> Iterator[str]:
    yield "<table>"
    for key, value in values.items():
        yield f'<tr><th align="left">{_words(key)}</th><td>{_cell(value)}</td></tr>'
    yield "</table>"


def _rows(rows: list[Mapping[str, object]]) -> Iterator[str]:
    yield '<table border="1">'
    if rows:
        yield f"<tr>{''.join(f'<th>{_words(key)}</th>' for key in rows[0])}</tr>"
    for row in rows:
        yield f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row.values())}</tr>"
    yield "</table>"


def _words(key: str) -> str:
    return escape(_WORDS.get(key, key))


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "是 yes" if value else "否 no"
    if isinstance(value, Mapping):
        return ", ".join(f"{escape(str(key))} {_cell(each)}" for key, each in value.items()) or "-"
    return f"{value:,}" if isinstance(value, int) else escape(str(value))
