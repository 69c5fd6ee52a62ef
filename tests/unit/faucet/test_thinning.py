"""Our include without some isolations: the same bytes as if they had never been there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plugin.actions import COOKIES
from plugin.faucet.hook import Stages, watch
from plugin.faucet.isolate import lay, merged, read
from plugin.faucet.meaning import meaning
from plugin.faucet.thinning import lined, strange, strangers, without
from plugin.faucet.tree import UnreadableError
from tests.confrpc import redumped
from tests.grounds import DHCP, DNS, HOST, LAYOUTS, isolation, mac, site

if TYPE_CHECKING:
    from plugin.actions import Isolation

WATCHED = mac(77)
EVERY: tuple[Isolation, ...] = (
    isolation("block", 1),
    isolation("quarantine", 2, allow=(DHCP, DNS, HOST)),
    isolation("quarantine", 3),
    isolation("limit", 4, port=10),
    isolation("limit", 5, port=11, rate=2000),
)


def include(layout: str, *isolations: Isolation) -> str:
    """Our include with these isolations and a watch."""
    one = site(**LAYOUTS[layout])
    watches = Stages(watches=watch(WATCHED, 40_000))
    return one.stages(merged(lay(isolations, one.ground).stages, watches))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("gone", [{1}, {2}, {3, 4}, {4, 5}, {1, 2, 3, 4, 5}, set()])
def test_what_is_left_is_as_if_the_others_had_never_been(layout: str, gone: set[int]) -> None:
    rest = [one for one in EVERY if one.cookie not in gone]
    assert without(include(layout, *EVERY), gone) == include(layout, *rest)


def test_the_watch_stays_when_all_are_gone() -> None:
    left = without(include("none", *EVERY), COOKIES)
    assert read(left) == ()
    assert WATCHED in left
    assert "meters:" not in left


@pytest.mark.parametrize("layout", LAYOUTS)
def test_another_form_is_a_rule_a_line_again(layout: str) -> None:
    ours = include(layout, *EVERY)
    assert meaning(lined(redumped(ours))) == meaning(ours)
    rest = include(layout, *EVERY[2:])
    assert meaning(without(lined(redumped(ours)), {1, 2})) == meaning(rest)
    assert lined(redumped(ours)).startswith("# Written by Halia.")


@pytest.mark.parametrize(
    "text",
    [
        "acls: {mine: []}",
        "acls: {halia_hook: {}}",
        "acls: {halia_hook: []}\nvlans: {}",
        "meters: {}",
        "acls: [",
        "",
    ],
)
def test_nothing_of_others_is_brought_into_lines(text: str) -> None:
    with pytest.raises(UnreadableError):
        lined(text)


@pytest.mark.parametrize(
    "text",
    [
        "acls: {}\n",
        "acls:\n  halia_hook:\n    - {rule: {dl_src: x,\n        cookie: 7}}\n",
        "acls:\n  halia_hook:\n    - hello\n",
        "hello\n",
    ],
)
def test_what_others_wrote_is_not_guessed_at(text: str) -> None:
    with pytest.raises(UnreadableError):
        without(text, {7})


@pytest.mark.parametrize("layout", LAYOUTS)
def test_none_of_what_we_write_is_strange(layout: str) -> None:
    assert strange(include(layout, *EVERY)) == ()
    assert strange(include(layout)) == ()


@pytest.mark.parametrize(
    ("rule", "is_strange"),
    [
        ('{rule: {dl_src: "02:00:00:00:00:06", actions: {allow: 0}}}', True),
        ("{rule: {actions: {allow: 0}}}", True),
        ("{rule: {cookie: 40000, actions: {allow: 1, output: {ports: [9]}}}}", True),
        ('{rule: {dl_src: "02:00:00:00:00:06", cookie: 40000, actions: {allow: 0}}}', True),
        ('{rule: {dl_src: "02:00:00:00:00:06", cookie: 70000, actions: {allow: 1}}}', True),
        ('{rule: {dl_src: "02:00:00:00:00:06", cookie: 40000, actions: {allow: 1}}}', False),
        ('{rule: {dl_src: "02:00:00:00:00:06", cookie: 7, actions: {allow: 0}}}', False),
        ('{rule: {dl_src: "02:00:5e:00:00:fe", dl_type: 2054, actions: {allow: 0}}}', False),
        ("{rule: {actions: {allow: 1, mirror: 5}}}", False),
    ],
)
def test_what_somebody_wrote_there_is_known(rule: str, *, is_strange: bool) -> None:
    text = f"acls:\n  halia_hook:\n    - {rule}\nmeters:\n  m: {{entry: {{}}}}\n"
    assert bool(strange(text)) is is_strange
    named = {"02:00:00:00:00:06"} if "00:06" in rule and is_strange else set()
    assert strangers(text) == named
    assert bool(strange(text, frozenset({"02:00:00:00:00:06"}))) is bool(named)
