"""Frames under way while the hook is written: none leaks, and neighbours lose next to none.

Streams of numbered frames from several hosts go on all the time. What an isolated device sends
arrives before, and after its release, and never in between. The proof and the frames say the same:
a rule that is taken out of the switch by hand, behind Faucet's back, is told, and leaks.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.isolating import REMEDY
from tests.isolation_cases import (
    ALONE,
    APART,
    BLOCK,
    REDIRECT,
    SERVICES,
    Setup,
    installed,
    same,
)
from tests.stations import ALL, Frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from plugin.actions import Action
    from tests.isolation_lab import IsolationLab

PACE = 0.002
STREAMS = (Frame("victim", "spare"), Frame("m1", "spare"))
"""Of who is isolated; to nobody that is a service of theirs."""
BYSTANDERS = (Frame("desk", "server"), Frame("m2", "server"))
REWRITES = 6
LOST_AT_MOST = 0.25
"""Part of the bystanders' frames: each write of the hook costs some milliseconds, of a second."""


class Stream(NamedTuple):
    """What came of the frames of one kind."""

    sent: int
    arrived: list[float]
    """When each arrived at its receiver."""

    def between(self, begin: float, end: float) -> int:
        """Count what arrived in a time."""
        return sum(begin < at < end for at in self.arrived)

    def gap(self) -> float:
        """Give the longest time, in seconds, in which nothing arrived."""
        pairs = zip(self.arrived, self.arrived[1:], strict=False)
        return max((b - a for a, b in pairs), default=0.0)


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setup]:
    with installed(tmp_path_factory.mktemp("stations"), "--remediation", "sw1:7") as made:
        yield made


def begin(lab: IsolationLab, frames: tuple[Frame, ...], seconds: float) -> dict[int, Frame]:
    """Have all of these sent again and again for some seconds."""
    return lab.stations.begin(frames * int(seconds / PACE), pace=PACE)


def ended(
    lab: IsolationLab, sent: Mapping[int, Frame], where: str | None = None
) -> dict[Frame, Stream]:
    """Wait for the end of streams; tell when what arrived, at its receiver or elsewhere."""
    lab.stations.sent()
    lab.stations.settled()
    found: dict[Frame, Stream] = {}
    for number, frame in sent.items():
        if frame.to == ALL:
            continue
        station = lab.stations.by_host[where or lab.model.home[frame.to]]
        one = found.get(frame, Stream(0, []))
        at = [station.at[number]] if number in station.at else []
        found[frame] = Stream(one.sent + 1, [*one.arrived, *at])
    return found


@pytest.mark.parametrize(
    ("action", "m1"),
    [(BLOCK, ALONE), (ALONE, BLOCK), (REDIRECT, BLOCK), (SERVICES, REDIRECT), (APART, BLOCK)],
    ids=["block", "quarantine", "redirect", "quarantine with services", "another VLAN"],
)
def test_a_stream_stops_and_goes_on_and_its_neighbours_go_on(
    setup: Setup, action: Action, m1: Action
) -> None:
    lab = setup.lab
    lab.learned()
    sent = begin(lab, (*STREAMS, *BYSTANDERS), 4.0)
    time.sleep(0.3)
    ordered = time.monotonic()
    lab.isolate({"victim": action, "m1": m1})
    isolated = time.monotonic()
    time.sleep(0.4)
    released = time.monotonic()
    lab.isolate({})
    found = ended(lab, sent)
    after = lab.stations.send(STREAMS * 20)
    lab.stations.settled()
    assert all(lab.stations.arrivals(number).get("spare") for number in after)
    for one in STREAMS:
        stream = found[one]
        assert stream.between(0, ordered), f"{one}: nothing before"
        assert stream.between(isolated, released) == 0, f"{one}: leaks"
        last = max(at for at in stream.arrived if at < isolated)
        first = min((at for at in stream.arrived if at > released), default=float("nan"))
        print(f"{one}: stopped {(last - ordered) * 1e3:.0f} ms after the order,", end=" ")
        print(f"goes on {(first - released) * 1e3:.0f} ms after its release")
    neighbours(found, BYSTANDERS)
    if REDIRECT in {action, m1}:
        redirected = ended(lab, sent, REMEDY)
        who = STREAMS[0] if action == REDIRECT else STREAMS[1]
        assert redirected[who].between(isolated, released)
        assert len(redirected[who].arrived) + len(found[who].arrived) <= found[who].sent


def neighbours(found: Mapping[Frame, Stream], frames: tuple[Frame, ...]) -> None:
    """Print what bystanders lost; it is not more than writes cost."""
    for one in frames:
        stream = found[one]
        lost = stream.sent - len(stream.arrived)
        print(f"bystander {one}: {lost} of {stream.sent} lost, gap {stream.gap() * 1e3:.0f} ms")
        assert lost <= stream.sent * LOST_AT_MOST


def test_nothing_leaks_while_the_hook_is_rewritten_again_and_again(setup: Setup) -> None:
    lab = setup.lab
    lab.learned()
    kept: dict[str, Action] = {"victim": BLOCK, "m1": ALONE}
    assert lab.isolate(kept) == {}
    lab.settled()
    leaks = (
        Frame("victim", "server"),
        Frame("m1", ALL),
        Frame("desk", "victim"),
        Frame("outside", "m1"),
    )
    bystanders = Frame("m2", "server"), Frame("spare", "server")
    sent = begin(lab, (*leaks, *bystanders), REWRITES * 1.3)
    for number in range(REWRITES):
        more: dict[str, Action] = {} if number % 2 else {"remedy": SERVICES}
        assert lab.isolate(kept | more) == {}
    found = ended(lab, sent)
    everywhere = [lab.stations.arrivals(n) for n, one in sent.items() if one in leaks]
    # m1's own switch passes its broadcasts on to m2; nothing else of these comes anywhere.
    leaked = [at for at in everywhere if at.keys() - {"col", "m2"}]
    print(f"{len(everywhere)} frames of isolated devices, {len(leaked)} leaked", end="; ")
    print(f"{sum('col' not in at for at in everywhere)} not copied")
    assert not leaked
    neighbours(found, bystanders)
    assert lab.isolate({}) == {}
    same(lab.check("ended"), setup.installed)


SABOTAGE = {
    "what it sends": ("in_port=1,dl_src={victim}", Frame("victim", "desk")),
    "what is sent to it": ("in_port=2,dl_dst={victim}", Frame("desk", "victim")),
    "what comes by the uplink": ("in_port=5,dl_dst={victim}", Frame("outside", "victim")),
}
"""A flow that is taken out, and a frame that then passes."""


def arrives(lab: IsolationLab, frame: Frame) -> bool:
    """Tell whether a frame arrives at its receiver."""
    (number,) = lab.stations.send([frame])
    lab.stations.settled()
    return lab.model.home[frame.to] in lab.stations.arrivals(number)


@pytest.mark.parametrize("name", SABOTAGE)
def test_a_flow_that_is_gone_is_told_and_its_frames_pass(setup: Setup, name: str) -> None:
    lab = setup.lab
    match, frame = SABOTAGE[name]
    lab.learned()
    assert arrives(lab, frame)
    assert lab.isolate({"victim": BLOCK}) == {}
    assert not arrives(lab, frame)
    place = f"unix:{lab.lab.folder}/ovs/sw1.mgmt"
    flow = f"table=0,{match.format(victim=lab.model.devices['victim'].mac)}"
    words = ["ovs-ofctl", "-O", "OpenFlow13", "del-flows", place, flow]
    assert lab.lab.run(None, words).returncode == 0
    told = lab.writer.until(lambda one: bool(one.unproven), "a report that a rule is gone")
    assert not told.report.proven
    print(*told.report.unproven.values())
    lab.settled()
    assert arrives(lab, frame)
    assert lab.isolate({}) == {}
    same(lab.check(f"{name}, ended"), setup.installed)
