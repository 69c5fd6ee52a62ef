"""The whole of it: each frame once on the mirror port, and once in the captures of its devices.

`halia run` watches a real network with the hook. Every frame has a number of its own and is
counted where it arrives: at its receivers, at the mirror port, in the captures of its devices;
for each row of the table in docs/faucet.md, and before the installation and after its removal.

A frame between two hosts is in both their captures. One to many (broadcast, multicast) is in its
sender's alone, for the others share no capture: that is the broadcast rule.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.labs import wait_for
from tests.numbered import COPIES, HOSTS, Counted, Net, denied, network, numbers
from tests.runs import HaliaRun

if TYPE_CHECKING:
    from pathlib import Path

COLLECTOR_PORT = 6
MIRRORS = re.compile(r'table=2,.*dl_vlan=100 actions=output:"to-col"')
WORDS = {"vlan": "at the VLANs", "tail": "by the tail", "out": "acls_out"}


@pytest.mark.parametrize(
    ("port", "vlan", "mode", "denied_is_copied"),
    [
        (False, False, "vlan", False),
        (True, False, "vlan", False),
        (False, True, "tail", True),
        (True, True, "out", False),
    ],
    ids=["no ACLs", "ACL at a port", "ACL at the VLAN", "ACLs at both"],
)
def test_each_frame_once_in_the_captures_of_its_devices_and_the_same_frames_denied(
    tmp_path: Path, port: bool, vlan: bool, mode: str, denied_is_copied: bool
) -> None:
    at_port = ", acls_in: [at_port]" if port else ""
    at_vlan = ", acls_in: [at_vlan]" if vlan else ""
    with network(tmp_path, port=at_port, vlan=at_vlan, beside=True) as net:
        original = net.lab.faucet_yaml.read_bytes()
        before = net.count(mirrored=False).by_kind()
        for one, count in before.items():
            wanted = 0 if denied(one, port=port, vlan=vlan) else COPIES * len(one.receivers)
            assert count == wanted, one

        done = net.halia("install")
        assert done["loaded"] is True
        assert any(WORDS[mode] in note for note in done["notes"])
        net.hooked(True)
        with HaliaRun(net.lab, tmp_path / "run") as run:
            run.start()
            counted = count_captured(net, run)
            assert counted.by_kind() == before
            assert mistakes(net, run, counted, denied_is_copied) == []
            if not port and not vlan:
                unmirrored(net, run)
            run.stop()
            assert not list(run.captures.glob("*.part"))
            assert mistakes(net, run, counted, denied_is_copied) == []
            assert run.entries("stopped")

        assert net.halia("remove")["loaded"] is True
        net.hooked(False)
        assert net.lab.faucet_yaml.read_bytes() == original
        assert net.count(mirrored=False).by_kind() == before


def count_captured(net: Net, run: HaliaRun) -> Counted:
    """Count, and wait until all of it is in the captures."""
    counted = net.count(mirrored=True)
    captured(net, run, counted.last)
    return counted


def captured(net: Net, run: HaliaRun, number: int) -> None:
    """Wait until a frame to h2 is in its capture, and with it all that came before."""
    mac = net.macs["h2"]
    wait_for(lambda: number in numbers(run.captures).get(mac, ()), "a frame in a capture")


def mistakes(net: Net, run: HaliaRun, counted: Counted, denied_is_copied: bool) -> list[str]:
    """What is not as it should be: frames that are missing, there twice, or another's."""
    files = numbers(run.captures)
    found = []
    for number, one in counted.sent.items():
        arrived = any(counted.arrived[host][number] for host in one.receivers)
        copies = int(arrived or denied_is_copied)
        if counted.arrived["col"][number] != copies:
            found.append(f"{one}: {counted.arrived['col'][number]} times on the mirror port")
        devices = {one.source, one.to} & set(HOSTS)
        for host in HOSTS:
            wanted = copies if host in devices else 0
            count = files.get(net.macs[host], Counter())[number]
            if count != wanted:
                found.append(f"{one}: {count} times in the captures of {host}, not {wanted}")
    return found


def unmirrored(net: Net, run: HaliaRun) -> None:
    """Take the mirror rule out of the switch by hand: the check fails, for every frame."""
    rules = [flow for flow in net.lab.flows("sw1") if MIRRORS.search(flow)]
    assert len(rules) == 1
    change(net, "goto_table:3")
    counted = net.count(mirrored=False)
    for one, count in counted.by_kind().items():
        assert count == COPIES * len(one.receivers), "hosts do not get what is not mirrored"
    change(net, f"output:{COLLECTOR_PORT},goto_table:3")
    captured(
        net, run, net.last(mirrored=True)
    )  # what was not captured before this frame never will be
    found = mistakes(net, run, counted, denied_is_copied=False)
    assert len([one for one in found if "0 times on the mirror port" in one]) == len(counted.sent)
    assert len([one for one in found if "0 times in the captures of" in one]) == sum(
        len({one.source, one.to} & set(HOSTS)) for one in counted.sent.values()
    )
    assert mistakes(net, run, count_captured(net, run), denied_is_copied=False) == []


def change(net: Net, actions: str) -> None:
    """Change by hand what the switch does with the frames of the office's VLAN."""
    place = f"unix:{net.lab.folder}/ovs/sw1.mgmt"
    flow = f"table=2,dl_vlan=100 actions={actions}"
    done = net.lab.run(None, ["ovs-ofctl", "-O", "OpenFlow13", "mod-flows", place, flow])
    assert done.returncode == 0, done.stderr
