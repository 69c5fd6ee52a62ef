"""Faucet's Prometheus page, read without ever raising."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plugin.events import LoadedFile
from plugin.faucet.prometheus import Learned, PortState, parse_page, snapshot

PAGE = r"""
# HELP learned_l2_port learned port of l2 entries
# TYPE learned_l2_port gauge
learned_l2_port{dp_id="0x1",dp_name="sw1",eth_src="02:00:00:00:00:02",vid="100"} 2.0
learned_l2_port{dp_id="0x1f",dp_name="a \"b\" \\n\n",eth_src="02:00:00:00:00:01",vid="7"} 1 9
learned_l2_port{dp_id="0x1",dp_name="sw1",eth_src="nonsense",vid="100"} 2.0
learned_l2_port{dp_id="zz",dp_name="sw1",eth_src="02:00:00:00:00:03",vid="100"} 2.0
port_status{dp_id="0x1",dp_name="sw1",port="2",port_description="h2"} 0.0
port_status{dp_id="0x1",dp_name="sw1",port="1",port_description="h1"} 1.0
dp_status{dp_id="0x1",dp_name="sw1"} 1.0
faucet_config_hash_info{config_files="/etc/f.yaml,/etc/h.yaml",error="",hashes="aa,bb"} 1.0
faucet_config_applied 1.0
faucet_event_id 12.0
a_bucket{le="+Inf"} +Inf
broken{le="1" 3
"""


def test_what_is_gathered() -> None:
    found = snapshot(PAGE)
    assert found.learned == (
        Learned(1, "sw1", "02:00:00:00:00:02", 100, 2),
        Learned(31, 'a "b" \\n\n', "02:00:00:00:00:01", 7, 1),
    )
    assert found.ports == (PortState(1, 1, True), PortState(1, 2, False))
    assert found.datapaths == ((1, True),)
    assert found.files == (
        LoadedFile(path="/etc/f.yaml", sha256="aa"),
        LoadedFile(path="/etc/h.yaml", sha256="bb"),
    )
    assert (found.applied, found.event_id, found.config_error) == (1.0, 12, "")


def test_an_empty_page_says_nothing() -> None:
    found = snapshot("")
    assert found.learned == ()
    assert found.applied is None
    assert found.event_id is None


def test_lines_that_are_no_samples_are_passed_over() -> None:
    assert list(parse_page('x\nx{a="1"\nx{a="1"} y\nx NaN\n1x 2\nok 3\n')) == [("ok", {}, 3.0)]


lines = st.from_regex(
    r'(learned_l2_port|port_status|dp_status)\{([a-z_0-9"=,\\]|dp_id="0x)*\} .{0,6}'
)


@given(st.text() | st.lists(lines).map("\n".join))
def test_no_page_makes_it_raise(page: str) -> None:
    snapshot(page)
