"""The language of the control socket: what is said comes back, and no bytes make it raise."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.control.asks import ASKS, Right
from plugin.control.protocol import (
    LINE_MAX,
    OPERATOR,
    Answer,
    End,
    Kind,
    Problem,
    Request,
    UntoldError,
    parse_reply,
    parse_request,
    reply_line,
    request_line,
    rights,
)

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ids = st.integers(0, 2**53)
NAMES = sorted({name for ask in ASKS.values() for name in ask.arguments})
near = st.fixed_dictionaries(
    {},
    optional={
        "halia": st.just(1) | plain,
        "id": ids | plain,
        "ask": st.sampled_from(sorted(ASKS)) | plain,
        "arguments": st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(
                sorted({a for one in ASKS.values() for a in one.arguments}), plain
            ),
        )
        | plain,
        "answer": plain,
        "end": plain,
        "problem": plain,
    },
)


@given(ids, st.text(max_size=200))
def test_a_request_comes_back(number: int, key: str) -> None:
    request = Request(id=number, ask="device", arguments={"key": key})
    line = request_line(request)
    assert line.count(b"\n") == 1
    assert parse_request(line) == request


@given(ids, st.dictionaries(st.text(), plain), st.text(), st.sampled_from(Kind))
def test_a_reply_comes_back(number: int, document: dict[str, Any], text: str, kind: Kind) -> None:
    for reply in (
        Answer(id=number, document=document),
        End(id=number),
        Problem(id=None, kind=kind, reason=text, advice=None),
        Problem(id=number, kind=kind, reason=text, advice=text),
    ):
        line = reply_line(reply)
        assert line.count(b"\n") == 1
        assert parse_reply(line) == reply


@given(st.binary(max_size=300) | near.map(lambda d: json.dumps(d).encode()))
def test_no_bytes_make_it_raise(line: bytes) -> None:
    found = parse_request(line)
    if isinstance(found, Request):
        assert found.ask in ASKS
        declared = ASKS[found.ask].arguments
        assert all(declared[name].takes(value) for name, value in found.arguments.items())
        assert all(name in found.arguments for name in declared if declared[name].needed)
    else:
        assert len(reply_line(found)) < 2000
    with contextlib.suppress(ValueError):
        parse_reply(line)


@pytest.mark.parametrize(
    ("line", "kind", "words"),
    [
        (b"", Kind.SYNTAX, "no JSON"),
        (b"[1]", Kind.SYNTAX, "no JSON object"),
        (b"\xff\xfe", Kind.SYNTAX, "no UTF-8"),
        (b"[" * 100_000, Kind.SYNTAX, "nested too deeply"),
        (b'{"id":' + b"9" * 5000 + b"}", Kind.SYNTAX, ""),
        (b'{"halia":1,"ask":"status"}', Kind.SYNTAX, "id"),
        (b'{"halia":1,"id":true,"ask":"status"}', Kind.SYNTAX, "id"),
        (b'{"halia":1,"id":-1,"ask":"status"}', Kind.SYNTAX, "id"),
        (b'{"halia":2,"id":1,"ask":"status"}', Kind.VERSION, "version 1, not 2"),
        (b'{"halia":true,"id":1,"ask":"status"}', Kind.VERSION, "not True"),
        (b'{"halia":1,"id":1,"ask":"reboot"}', Kind.UNKNOWN, "'reboot'; known: status"),
        (b'{"halia":1,"id":1,"ask":["status"]}', Kind.UNKNOWN, "no such ask"),
        (b'{"halia":1,"id":1,"ask":"status","arguments":[]}', Kind.ARGUMENTS, "no JSON object"),
        (b'{"halia":1,"id":1,"ask":"status","arguments":{"x":1}}', Kind.ARGUMENTS, "'x'"),
        (b'{"halia":1,"id":1,"ask":"device"}', Kind.ARGUMENTS, "key is missing"),
        (b'{"halia":1,"id":1,"ask":"device","arguments":{"key":1}}', Kind.ARGUMENTS, "no text"),
        (b'{"halia":1,"id":1,"ask":"release","arguments":{}}', Kind.ARGUMENTS, "key is missing"),
        (b" " * (LINE_MAX + 1), Kind.SYNTAX, "longer than"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(line: bytes, kind: Kind, words: str) -> None:
    found = parse_request(line)
    assert isinstance(found, Problem)
    assert found.kind is kind
    assert words in found.reason


@pytest.mark.parametrize("seconds", ["NaN", "Infinity", "-1", "0", "true", '"60"'])
def test_no_time_that_nobody_can_wait(seconds: str) -> None:
    said = '{"key":"a","action":"block","reason":"x","seconds":%s}' % seconds  # noqa: UP031  # braces of JSON
    found = parse_request(b'{"halia":1,"id":1,"ask":"isolate","arguments":%b}' % said.encode())
    assert isinstance(found, Problem)
    assert "seconds is no number" in found.reason


def test_foreign_text_is_told_short_and_harmless() -> None:
    found = parse_request(json.dumps({"halia": 1, "id": 1, "ask": "\x1b[2J" + "x" * 9999}).encode())
    assert isinstance(found, Problem)
    assert found.reason.isprintable()
    assert len(found.reason) < 200


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{}", "version None"),
        (b'{"halia":2,"id":1,"end":true}', "version 2"),
        (b'{"halia":1,"id":1}', "neither an answer"),
        (b'{"halia":1,"answer":{}}', "neither an answer"),
        (b'{"halia":1,"id":1,"answer":[]}', "neither an answer"),
        (b'{"halia":1,"id":1,"problem":{"kind":"unheard of"}}', "unheard of"),
    ],
)
def test_what_is_no_reply(line: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_reply(line)


@pytest.mark.parametrize(
    "document",
    [{"x": float("nan")}, {"x": {1, 2}}, {"x": "y" * LINE_MAX}],
    ids=["nan", "set", "long"],
)
def test_what_cannot_be_said(document: dict[str, Any]) -> None:
    with pytest.raises(UntoldError):
        reply_line(Answer(id=1, document=document))


def test_every_ask_has_a_right_that_an_operator_has_and_a_stranger_has_not() -> None:
    for ask in ASKS.values():
        assert ask.right in OPERATOR
        assert ask.right not in rights(1000, frozenset({1000}), own=999, group=50)
    acting = {name for name, ask in ASKS.items() if ask.right is Right.ACT}
    assert acting == {"isolate", "release", "answer", "extend", "thaw"}


@pytest.mark.parametrize(
    ("uid", "gids", "group", "allowed"),
    [
        (0, {0}, None, True),
        (999, {999}, None, True),
        (1000, {1000, 50}, 50, True),
        (1000, {1000}, 50, False),
        (1000, {0}, None, False),
    ],
)
def test_rights(uid: int, gids: set[int], group: int | None, *, allowed: bool) -> None:
    assert bool(rights(uid, frozenset(gids), own=999, group=group)) == allowed
