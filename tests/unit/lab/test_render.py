from __future__ import annotations

from pathlib import Path

import yaml

from plugin.faucet.hook import QUARANTINE_VID
from plugin.lab.render import faucet_yaml
from plugin.lab.schema import load_topology, parse_topology
from tests.labs import QUIET

ROOT = Path(__file__).resolve().parents[3]


def test_what_faucet_reads() -> None:
    document = yaml.safe_load(faucet_yaml(parse_topology(QUIET)))
    assert document["vlans"] == {
        "office": {"vid": 100, "acls_in": ["no_telnet"]},
        "quarantine": {"vid": 666},
    }
    datapath = document["dps"]["sw1"]
    assert datapath["dp_id"] == 1
    assert datapath["interfaces"] == {
        1: {"name": "h1", "native_vlan": "office"},
        2: {"name": "h2", "native_vlan": "office", "acls_in": ["no_ssh"]},
        3: {"name": "shared-3", "native_vlan": "office"},
        4: {"name": "remedy", "native_vlan": "quarantine"},
        5: {"name": "outside", "tagged_vlans": ["office", "quarantine"]},
        6: {"name": "col", "output_only": True},
    }
    assert document["acls"]["no_ssh"][1] == {"rule": {"actions": {"allow": 1}}}


def test_acls_of_vlans_and_more_fields_of_a_datapath_are_kept() -> None:
    text = QUIET.replace(
        "{vid: 100, acls_in: [no_telnet]}", "{vid: 100, acls_in: [no_ssh], acls_out: [no_ssh]}"
    )
    text = text.replace("    dp_id: 1\n", "    dp_id: 1\n    settings: {timeout: 7}\n")
    document = yaml.safe_load(faucet_yaml(parse_topology(text)))
    wanted = {"vid": 100, "acls_in": ["no_ssh"], "acls_out": ["no_ssh"]}
    assert document["vlans"]["office"] == wanted
    assert document["dps"]["sw1"]["timeout"] == 7


def test_the_shipped_topology_is_rendered_the_same_each_time() -> None:
    topology = load_topology(ROOT / "configs" / "lab" / "office.yaml")
    assert faucet_yaml(topology) == faucet_yaml(topology)
    assert "acls" in yaml.safe_load(faucet_yaml(topology))
    without = parse_topology(
        QUIET.replace(", acls_in: [no_ssh]", "")
        .replace(", acls_in: [no_telnet]", "")
        .partition("acls:")[0]
    )
    assert "acls" not in yaml.safe_load(faucet_yaml(without))


def test_the_default_lab_leaves_the_hooks_quarantine_vlan_free() -> None:
    topology = load_topology(ROOT / "configs" / "lab" / "office.yaml")
    assert QUARANTINE_VID not in {vlan.vid for vlan in topology.vlans}
