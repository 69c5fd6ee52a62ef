"""What Open vSwitch says of its bridges."""

from __future__ import annotations

import json

import pytest

from plugin.faucet.switches import loose_bridges, parse_bridges


def table(*rows: list[object]) -> str:
    return json.dumps({"headings": ["name", "fail_mode", "datapath_id"], "data": rows})


def test_only_bridges_of_these_datapaths_that_are_not_secure() -> None:
    text = table(
        ["br0", ["set", []], "0000000000000001"],
        ["br1", "standalone", "0000000000000002"],
        ["br2", "secure", "0000000000000003"],
        ["br3", "standalone", "0000000000000004"],
        ["br4", "standalone", ["set", []]],
    )
    assert parse_bridges(text, {1, 2, 3}) == [("br0", "standalone"), ("br1", "standalone")]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"headings": ["a"], "data": [[1, 2]]}'])
def test_anything_else_says_nothing(text: str) -> None:
    assert parse_bridges(text, {1}) == []


def test_without_the_tool_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert loose_bridges({1}) == []
    assert loose_bridges(set()) == []
