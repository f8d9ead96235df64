"""`python -m tests.bench.content`: what the content filter costs a message, with as many terms as asked for.

The terms are made of common ideographs by a seeded generator, as many of two ideographs as lists have. Times
are CPU time and medians, for one process on a machine that does nothing else.
"""

from __future__ import annotations

import random
import resource
from collections.abc import Callable
from functools import partial
from statistics import median
from time import process_time
from timeit import repeat

import click

from policy.content import ContentFilter
from policy.normalise import fold
from policy.terms import Matching, TermList
from policy.verdict import Refuse

_TEXTS = (
    "尊敬的客户:今天是您生日，生日快乐，回TD退订【中国银行】",
    "尊敬的客户：您好，感谢您长期以来对我行的支持与信赖，现邀请您参加周末举办的理财知识讲座，"
    "名额有限先到先得，期待您的光临，回TD退订【中国银行】",
    "尊敬的客户：您尾号8826的信用卡本月账单已出，应还款1,288.50元，还款日06月18日，"
    "请及时还款以免影响信用记录，回TD退订【中国银行】",
)
_LENGTHS = (2, 3, 3, 4, 4, 4, 5, 6)


@click.command(context_settings={"show_default": True})
@click.option("--terms", type=click.IntRange(min=0), default=100_000, help="How many terms.")
@click.option("--forms", is_flag=True, help="Find them in all other forms, too.")
def main(terms: int, forms: bool) -> None:
    """Measure compiling the filter, its memory, and judging a text."""
    lines = _lines(terms)
    before_mib, start = _peak_mib(), process_time()
    matching = Matching(3, 2, 3, 3) if forms else Matching()
    content = ContentFilter({"CONTENT_UNLAWFUL": TermList(lines, matching)})
    click.echo(f"{terms} terms: {process_time() - start:.2f} s to compile, {_peak_mib() - before_mib} MiB")
    for text in _TEXTS:
        verdict = _judge(content, text)
        click.echo(
            f"{len(text)} characters{', refused' if verdict else ''}: "
            f"{_median_us(partial(fold, text)):.1f} µs to fold, "
            f"{_median_us(partial(_judge, content, text)):.1f} µs to fold and judge"
        )


def _judge(content: ContentFilter, text: str) -> Refuse | None:
    return content.find(fold(text))


def _lines(count: int) -> tuple[str, ...]:
    chance = random.Random(1)
    common = [bytes((row, cell)).decode("gb2312") for row in range(0xB0, 0xD7) for cell in range(0xA1, 0xFF)]
    lines: set[str] = set()
    while len(lines) < count:
        lines.add("".join(chance.choices(common, k=chance.choice(_LENGTHS))))
    return tuple(sorted(lines))


def _median_us(work: Callable[[], object]) -> float:
    return median(repeat(work, number=1000, repeat=51, timer=process_time)) * 1000


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
