"""IPv6 of hosts that speak it themselves: what a quarantined one needs is let through, no more.

The kernels of the hosts find each other by neighbour discovery; what they send is not ours to
choose. A DHCPv6 server that answers by unicast must find its client first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from plugin.actions import Action, Service
from tests.isolation_cases import Setup, installed
from tests.labs import python, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.isolation_lab import IsolationLab

ADDRESS = {name: f"2001:db8:1::{n}" for n, name in enumerate(("victim", "desk", "server"), 1)}
HOSTS = ("victim", "desk", "server", "outside")
SERVICES = (
    Service("dhcp"),
    Service("dns", ADDRESS["desk"]),
    Service("host", ADDRESS["server"]),
)
DHCP_SERVER = """
    import socket, struct
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.bind(("::", 547))
    index = socket.if_nametoindex("eth0")
    group = socket.inet_pton(socket.AF_INET6, "ff02::1:2") + struct.pack("@I", index)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
    print("ready", flush=True)
    while True:
        data, where = sock.recvfrom(1500)
        if data[:1] == b"\\x01":
            sock.sendto(b"\\x02" + data[1:4], where)
"""
DHCP_CLIENT = """
    import os, socket, sys
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    index = socket.if_nametoindex("eth0")
    sock.bind((sys.argv[1], 546, 0, index))
    sock.settimeout(1.0)
    asked = os.urandom(3)
    for _ in range(3):
        sock.sendto(b"\\x01" + asked, ("ff02::1:2", 547, 0, index))
        try:
            sys.exit(sock.recv(1500) != b"\\x02" + asked)
        except TimeoutError:
            continue
    sys.exit(2)
"""
DNS_SERVER = """
    import socket
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.bind(("::", 53))
    print("ready", flush=True)
    while True:
        data, where = sock.recvfrom(1500)
        sock.sendto(data[::-1], where)
"""
DNS_CLIENT = """
    import socket, sys
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.settimeout(1.0)
    for _ in range(3):
        sock.sendto(b"question", (sys.argv[1], 53))
        try:
            sys.exit(sock.recv(1500) != b"noitseuq")
        except TimeoutError:
            continue
    sys.exit(2)
"""


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setup]:
    with installed(tmp_path_factory.mktemp("stations")) as made:
        lab = made.lab.lab
        for name in HOSTS:
            conf = "/proc/sys/net/ipv6/conf"
            lines = [f"echo 0 > {conf}/{one}/accept_dad" for one in ("all", "eth0")]
            lines += [f"echo 0 > {conf}/{one}/disable_ipv6" for one in ("all", "eth0")]
            if name in ADDRESS:
                lines.append(f"ip -6 addr add {ADDRESS[name]}/64 dev eth0 nodad")
            done = lab.run(name, ["sh", "-ec", "\n".join(lines)])
            if done.returncode:
                pytest.skip(f"the kernel has no IPv6 here: {done.stderr}")
        yield made


def pings(lab: IsolationLab, source: str, to: str) -> bool:
    """Tell whether a host reaches another that it has forgotten, and that has forgotten it."""
    for name in HOSTS:
        lab.lab.run(name, ["ip", "-6", "neigh", "flush", "dev", "eth0"])
    words = ["ping", "-6", "-n", "-c", "1", "-W", "2", ADDRESS[to]]
    return lab.lab.run(source, words).returncode == 0


def reached(lab: IsolationLab) -> dict[str, bool]:
    """Try everything."""
    own = lab.model.devices["victim"].link
    found = {
        f"{a} to {b}": pings(lab, a, b)
        for a, b in (
            ("victim", "server"),
            ("server", "victim"),
            ("victim", "desk"),
            ("desk", "victim"),
            ("desk", "server"),
        )
    }
    for name in HOSTS:
        lab.lab.run(name, ["ip", "-6", "neigh", "flush", "dev", "eth0"])
    found["DHCPv6"] = lab.lab.run("victim", python(DHCP_CLIENT, own)).returncode == 0
    asked = python(DNS_CLIENT, ADDRESS["desk"])
    found["DNS"] = lab.lab.run("victim", asked).returncode == 0
    return found


def test_a_quarantined_host_finds_its_servers_and_they_find_it(setup: Setup) -> None:
    lab = setup.lab
    with (
        lab.lab.start("outside", python(DHCP_SERVER), stdout=-1) as dhcp,
        lab.lab.start("desk", python(DNS_SERVER), stdout=-1) as dns,
    ):
        for program in (dhcp, dns):
            assert program.popen.stdout is not None
            assert program.popen.stdout.readline() == "ready\n"
        wait_for(lambda: all(reached(lab).values()), "IPv6 between the hosts")
        action = Action(kind="quarantine", allow=SERVICES)
        one = lab.isolation("victim", action)
        own = (ADDRESS["victim"], lab.model.devices["victim"].link)
        lab.want([replace(one, addresses=own)])
        denied = {"victim to desk", "desk to victim"}
        found = reached(lab)
        assert {name for name, passes in found.items() if not passes} == denied
        alone = lab.isolation("victim", Action(kind="quarantine"))
        lab.want([alone])
        assert {name for name, passes in reached(lab).items() if passes} == {"desk to server"}
        lab.want([])
        assert all(reached(lab).values())
