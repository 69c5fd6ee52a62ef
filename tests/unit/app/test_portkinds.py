"""What ports are, from the files as an operator writes them."""

from __future__ import annotations

from plugin.app.portkinds import ports
from plugin.engine.events import OWN_MACS, PortKind
from plugin.faucet.ground import ground

TEXT = """
vlans:
  office: {vid: 100, faucet_mac: "0E:00:00:00:00:77", faucet_vips: [10.0.0.254/24]}
  guests: {vid: 200, faucet_mac: "0e:00:00:00:00:88"}
acls:
  halia_hook: [{rule: {dl_src: "02:00:5e:00:00:fe", actions: {allow: 0}}}]
  halia_tail: [{rule: {actions: {allow: 1}}}]
dps:
  sw1:
    dp_id: 1
    interfaces:
      1: {native_vlan: office, acls_in: [halia_hook, halia_tail]}
      2: {native_vlan: guests}
      3: {tagged_vlans: [office], acls_in: [halia_hook, halia_tail]}
      4: {stack: {dp: sw2, port: 4}}
      9: {output_only: true}
  sw2:
    dp_id: 2
    interfaces:
      4: {stack: {dp: sw1, port: 4}}
"""


def test_ports_and_faucets_own_addresses() -> None:
    found = ports(ground(TEXT, {}, None), {"faucet.yaml": TEXT, "more.yaml": "acls: {}\n"})
    assert found.kinds["sw1", 1] == PortKind(hooked=True)
    assert found.kinds["sw1", 2].words == "sw1 port 2: it has no hook: halia faucet install"
    assert found.kinds["sw1", 3] == PortKind(hooked=True, tagged=True)
    stack, collector = found.kinds["sw2", 4], found.kinds["sw1", 9]
    assert (stack.hooked, stack.stack, stack.output) == (False, True, False)
    assert "a stack port" in stack.words
    assert (collector.output, collector.hooked) == (True, False)
    assert found.own_macs == OWN_MACS | {"0e:00:00:00:00:77"}  # a mac without a vip speaks nowhere
