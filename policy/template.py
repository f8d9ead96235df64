"""Agreed texts with places for what differs: all templates of an account as one automaton.

A template is fixed text and typed variables: `{name:1-12}` is 1 to 12 characters of any kind but those that
end a sentence, bracket a signature or make an address on the internet; `{number:4-6}` is 4 to 6 digits;
`{date}`, `{time}` and `{amount}` are written in the usual ways.

All of them together are a nondeterministic automaton, of which the deterministic one is worked out as texts
are read, and kept: a text costs one step a character, whatever it says, and nothing is ever tried twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from policy.facts import MessageClass

_VARIABLE = re.compile(r"\{([^{}]*)\}|[{}]")
_TYPE = re.compile(r"([a-z]+)(?::([0-9]{1,3})-([0-9]{1,3}))?")
_LENGTH_MAX = 100
# What no name may hold: brackets, the ends of sentences and lines, and what addresses are made of.
_NO_NAME = frozenset("【】。｡！!？?\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029./:：．／@＠\\＼")
_DIGITS = frozenset("0123456789")
# Stands for every character that no template mentions.
_OTHER = "\ufffe"

PLACES_MAX = 500_000
"""How many places the states that are kept may have together, unless another number is told: some 30 MB."""


@dataclass(frozen=True, slots=True)
class Template:
    """An agreed text by its `name`; one of a `message_class` is for messages of that class only."""

    name: str
    text: str
    message_class: MessageClass | None = None


class Matcher:
    """The templates for one class of messages. Raises ValueError for a text that is no template.

    The states that are kept have `places_max` places together at most; of one more, all are forgotten.
    """

    def __init__(self, templates: Iterable[Template], places_max: int = PLACES_MAX) -> None:
        graph = _Graph()
        start = graph.place()
        self._names: dict[int, str] = {}
        shared: dict[tuple[int, str], int] = {}
        for template in templates:
            end = start
            # As far as texts begin alike they go one way, or a reader would be in all of them at once.
            for words, pattern in _pieces(template.text):
                if (end, words) not in shared:
                    shared[end, words] = pattern(graph, end)
                end = shared[end, words]
            self._names.setdefault(end, template.name)
        self._ranks = {end: rank for rank, end in enumerate(self._names)}
        mentioned = {each for moves in graph.moves for chars, _ in moves for each in chars.these} or {_OTHER}
        self._unmentioned = re.compile(f"[^{re.escape(''.join(sorted(mentioned)))}]")
        self._graph = graph
        self._known: dict[frozenset[int], _State] = {}
        self._places_max = places_max
        self.places = 0
        """The places of the states that are kept now."""
        self._start = graph.closure([start])

    def match(self, text: str) -> str | None:
        """The name of the first template that a text is written by, but for blanks at its end."""
        state = self._state(self._start)
        for character in self._unmentioned.sub(_OTHER, text.rstrip()):
            following = state.moves.get(character)
            state = self._step(state, character) if following is None else following
        return state.template

    def _step(self, state: _State, character: str) -> _State:
        moves = self._graph.moves
        targets = (
            target for place in state.places for chars, target in moves[place] if chars.take(character)
        )
        following = state.moves[character] = self._state(self._graph.closure(targets))
        return following

    def _state(self, places: frozenset[int]) -> _State:
        known = self._known.get(places)
        if known is None:
            self.places += 1 + len(places)
            if self.places > self._places_max:
                # The states that go on referring to each other are those of texts being read now.
                self._known.clear()
                self.places = 1 + len(places)
            end = min(places & self._ranks.keys(), key=self._ranks.__getitem__, default=None)
            known = self._known[places] = _State(places, None if end is None else self._names[end])
        return known


class Templates:
    """The templates of an account. Equal where they are; raises ValueError for a text that is none.

    What is kept of the texts of each class is bounded by `places_max`, see `Matcher`.
    """

    __slots__ = ("_matchers", "templates")

    def __init__(self, templates: Iterable[Template], places_max: int = PLACES_MAX) -> None:
        self.templates = tuple(templates)
        self._matchers = {
            message_class: Matcher(
                (t for t in self.templates if t.message_class in (None, message_class)), places_max
            )
            for message_class in (MessageClass if self.templates else ())
        }

    def __eq__(self, other: object) -> bool:
        return self.templates == other.templates if isinstance(other, Templates) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.templates)

    @property
    def places(self) -> int:
        """The places of what is kept of texts, of all classes."""
        return sum(matcher.places for matcher in self._matchers.values())

    def match(self, text: str, message_class: MessageClass) -> str | None:
        """The name of the template that a text of that class is written by, None if it is by none."""
        matcher = self._matchers.get(message_class)
        return None if matcher is None else matcher.match(text)


class _State:
    """Where a reader may be in the templates at once, and what has been worked out from there."""

    __slots__ = ("moves", "places", "template")

    def __init__(self, places: frozenset[int], template: str | None) -> None:
        self.places = places
        self.template = template
        self.moves: dict[str, _State] = {}


# -- the automaton as it is written


@dataclass(frozen=True, slots=True)
class _Chars:
    """One character: of these, or any but these."""

    these: frozenset[str]
    is_any_but: bool = False

    def take(self, character: str) -> bool:
        return (character in self.these) is not self.is_any_but


class _Graph:
    """Places, and the ways between them: `moves` take a character, `jumps` none. There are no loops."""

    def __init__(self) -> None:
        self.moves: list[list[tuple[_Chars, int]]] = []
        self.jumps: list[list[int]] = []

    def place(self) -> int:
        self.moves.append([])
        self.jumps.append([])
        return len(self.moves) - 1

    def join(self, ends: Iterable[int]) -> int:
        """A place that is reached from each of these."""
        joined = self.place()
        for end in ends:
            self.jumps[end].append(joined)
        return joined

    def closure(self, places: Iterable[int]) -> frozenset[int]:
        """These places and what is reached from them without a character."""
        reached: set[int] = set()
        waiting = list(places)
        while waiting:
            place = waiting.pop()
            if place not in reached:
                reached.add(place)
                waiting += self.jumps[place]
        return frozenset(reached)


_Pattern = Callable[[_Graph, int], int]
"""Writes itself into a graph from a place on, and says where it ends."""


def _one(these: Iterable[str], *, is_any_but: bool = False) -> _Pattern:
    chars = _Chars(frozenset(these), is_any_but)

    def write(graph: _Graph, start: int) -> int:
        end = graph.place()
        graph.moves[start].append((chars, end))
        return end

    return write


def _row(*patterns: _Pattern) -> _Pattern:
    def write(graph: _Graph, start: int) -> int:
        for pattern in patterns:
            start = pattern(graph, start)
        return start

    return write


def _words(text: str) -> _Pattern:
    return _row(*map(_one, text))


def _either(*patterns: _Pattern) -> _Pattern:
    return lambda graph, start: graph.join([pattern(graph, start) for pattern in patterns])


def _times(low: int, high: int, pattern: _Pattern) -> _Pattern:
    def write(graph: _Graph, start: int) -> int:
        ends = [start]
        for _ in range(high):
            ends.append(pattern(graph, ends[-1]))
        return graph.join(ends[low:])

    return write


def _maybe(*patterns: _Pattern) -> _Pattern:
    return _times(0, 1, _row(*patterns))


# -- the variables

_DIGIT = _one(_DIGITS)
_UP_TO_12 = _either(_row(_maybe(_one("0")), _one("123456789")), _row(_one("1"), _one("012")))
_UP_TO_31 = _either(
    _row(_maybe(_one("0")), _one("123456789")), _row(_one("12"), _DIGIT), _row(_one("3"), _one("01"))
)
_UP_TO_23 = _either(_DIGIT, _row(_one("01"), _DIGIT), _row(_one("2"), _one("0123")))
_UP_TO_59 = _row(_one("012345"), _DIGIT)
_YEAR = _times(4, 4, _DIGIT)

_DATE = _either(
    _row(_YEAR, _one("-/."), _UP_TO_12, _one("-/."), _UP_TO_31),
    _row(_maybe(_YEAR, _one("年")), _UP_TO_12, _one("月"), _UP_TO_31, _one("日号")),
)
_TIME = _either(
    _row(_UP_TO_23, _one(":："), _UP_TO_59, _maybe(_one(":："), _UP_TO_59)),
    _row(_UP_TO_23, _one("时点"), _maybe(_either(_one("半整"), _row(_UP_TO_59, _maybe(_one("分")))))),
)
_AMOUNT = _row(
    _maybe(_either(_one("¥￥"), _words("RMB"), _words("RMB "))),
    _either(_times(1, 12, _DIGIT), _row(_times(1, 3, _DIGIT), _times(1, 4, _row(_one(","), *[_DIGIT] * 3)))),
    _maybe(_one("."), _times(1, 2, _DIGIT)),
    _maybe(_maybe(_one(" ")), _maybe(_one("万亿")), _one("元")),
)
_FIXED: Mapping[str, _Pattern] = {"date": _DATE, "time": _TIME, "amount": _AMOUNT}
_COUNTED: Mapping[str, _Pattern] = {"name": _one(_NO_NAME, is_any_but=True), "number": _DIGIT}


def _pieces(text: str) -> list[tuple[str, _Pattern]]:
    """The characters and variables of a template, with their patterns. Raises ValueError for no template."""
    pieces: list[tuple[str, _Pattern]] = []
    end = 0
    text = text.strip()
    for found in _VARIABLE.finditer(text):
        pieces += [(character, _one(character)) for character in text[end : found.start()]]
        pieces.append((found[0], _variable(found)))
        end = found.end()
    pieces += [(character, _one(character)) for character in text[end:]]
    if not pieces:
        raise ValueError("a template needs a text")
    return pieces


def _variable(found: re.Match[str]) -> _Pattern:
    written = _TYPE.fullmatch(found[1] or "")
    if written is None:
        raise ValueError(f"{found[0]} is no variable")
    name, low, high = written.groups()
    if name in _FIXED and low is None:
        return _FIXED[name]
    if name in _COUNTED and low is not None and 1 <= int(low) <= int(high) <= _LENGTH_MAX:
        return _times(int(low), int(high), _COUNTED[name])
    if name in _COUNTED:
        raise ValueError(f"{found[0]} needs a length of 1 to {_LENGTH_MAX}, such as {{{name}:1-12}}")
    known = ", ".join(sorted([*_FIXED, *_COUNTED]))
    raise ValueError(f"{found[0]} has no known type ({known})")
