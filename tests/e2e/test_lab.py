"""The lab with a real switch, a real controller, real packets."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plugin.errors import LabError
from plugin.lab import Lab, parse_topology
from tests.labs import CONTROLLER, QUIET, events_until, need_lab, python, wait_for
from tests.nobody import as_nobody

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
OFFICE = ROOT / "configs" / "lab" / "office.yaml"

CONNECT = """
    import socket, sys
    peer = socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)
    print(peer.recv(9).decode())
"""
LISTEN = """
    import socket, sys, threading
    def serve(server):
        while True:
            server.accept()[0].sendall(b"welcome")
    servers = [socket.create_server(("0.0.0.0", int(port))) for port in sys.argv[1:]]
    for server in servers:
        threading.Thread(target=serve, args=(server,)).start()
    print("ready", flush=True)
"""
SNIFF = """
    import socket
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sock.bind(("eth0", 0))
    print("ready", flush=True)
    while True:
        frame = sock.recv(2000)
        if frame[12:14] == b"\\x08\\x00" and frame[23] == 1:
            print(frame[6:12].hex(":"), frame[34], flush=True)
"""
MAKE = """
    import sys, time
    from plugin.lab import Lab, parse_topology
    lab = Lab(parse_topology(sys.argv[1]))
    lab.up()
    print(lab.folder, lab.first_pid, lab.status()["datapath"], flush=True)
    sys.stdin.readline()
    pings = [lab.run("h1", ["ping", "-nc1", "-w5", ip]).returncode
             for ip in ("10.0.0.12", "10.0.0.13", "198.51.100.80")]
    lab.down()
    print(pings, flush=True)
"""


def pings(lab: Lab, host: str, address: str) -> bool:
    """Tell whether one of a few echo requests is answered: a busy machine may lose the first."""
    return lab.run(host, ["ping", "-n", "-c1", "-w3", address]).returncode == 0


def reaches(lab: Lab, host: str, address: str, port: int) -> bool:
    return lab.run(host, python(CONNECT, address, str(port))).stdout == "welcome\n"


def pid_namespace(pid: int) -> str:
    return os.readlink(f"/proc/{pid}/ns/pid")  # noqa: PTH115 - no path, a kernel's name


def living(namespace: str) -> list[str]:
    """Name the processes in a pid namespace (a dead one that nobody collects is in none)."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(folder / "ns" / "pid") == namespace:  # noqa: PTH115 - the same
                found.append((folder / "cmdline").read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return found


def traces() -> tuple[str, str]:
    """Give what a lab could leave on the machine: NICs and mounts."""
    links = Path("/proc/net/dev").read_text(encoding="ascii")
    names = " ".join(line.partition(":")[0].strip() for line in links.splitlines()[2:])
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
    return names, "\n".join(line for line in mounts.splitlines() if "netns" in line)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    need_lab()
    with Lab(parse_topology(QUIET), controller=CONTROLLER) as made:
        yield made


@pytest.fixture
def config(lab: Lab) -> Iterator[Path]:
    """The operator's file, put back after the test."""
    before = lab.faucet_yaml.read_text(encoding="utf-8")
    yield lab.faucet_yaml
    lab.faucet_yaml.write_text(before, encoding="utf-8")
    lab.reload()


def test_hosts_reach_each_other_in_their_vlan_only(lab: Lab) -> None:
    assert pings(lab, "h1", "10.0.0.12")
    assert pings(lab, "m1", "10.0.0.14")
    assert pings(lab, "m1", "10.0.0.12")
    assert pings(lab, "m2", "198.51.100.80")
    assert not pings(lab, "remedy", "10.0.0.11")
    assert not pings(lab, "h1", "10.0.0.254")


def test_faucet_has_learned_the_hosts(lab: Lab) -> None:
    wanted = {"02:00:00:00:00:01": 1, "02:00:00:00:00:03": 3, "02:00:00:00:00:04": 3}
    for host in ("h1", "m1", "m2"):
        assert pings(lab, host, "10.0.0.1")

    def learned() -> bool:
        pattern = r'^learned_l2_port\{.*eth_src="([0-9a-f:]+)".*\} ([\d.]+)$'
        page = dict(re.findall(pattern, lab.metrics(), re.MULTILINE))
        return all(float(page.get(mac, 0)) == port for mac, port in wanted.items())

    wait_for(learned, "the hosts' addresses on Faucet's Prometheus page")

    def all_learned(events: list[dict[str, dict[str, object]]]) -> bool:
        seen = [event["L2_LEARN"] for event in events if "L2_LEARN" in event]
        return wanted.items() <= {str(one["eth_src"]): one["port_no"] for one in seen}.items()

    events = events_until(lab.event_socket, all_learned)
    assert {event["dp_id"] for event in events if "L2_LEARN" in event} == {1}


def test_the_operators_acls_deny_what_they_should(lab: Lab, config: Path) -> None:
    with lab.start("h1", python(LISTEN, "22", "23", "80"), stdout=subprocess.PIPE) as server:
        assert server.popen.stdout is not None
        assert server.popen.stdout.readline() == "ready\n"
        for host in ("h2", "m1", "outside"):
            assert reaches(lab, host, "10.0.0.11", 80), host
            assert not reaches(lab, host, "10.0.0.11", 23), host  # the VLAN's ACL: for all
            assert reaches(lab, host, "10.0.0.11", 22) == (host != "h2"), host  # a port's ACL
        text = config.read_text(encoding="utf-8")
        assert text.count("tcp_dst: 22") == 1
        config.write_text(text.replace("tcp_dst: 22", "tcp_dst: 2222"), encoding="utf-8")
        lab.reload()
        wait_for(lambda: reaches(lab, "h2", "10.0.0.11", 22), "the new file to be in force")


def test_the_collector_sees_what_is_mirrored(lab: Lab, config: Path) -> None:
    document = config.read_text(encoding="utf-8")
    mirrored = document.replace("output_only: true", "mirror: [1]")
    assert mirrored != document
    config.write_text(mirrored, encoding="utf-8")
    lab.reload()
    assert lab.collector == "col"
    with lab.start("col", python(SNIFF), stdout=subprocess.PIPE) as sniffer:
        assert sniffer.popen.stdout is not None
        assert sniffer.popen.stdout.readline() == "ready\n"
        pinger = ["ping", "-n", "-i", "0.2", "10.0.0.12"]
        with lab.start("h1", pinger, stdout=subprocess.DEVNULL):
            seen = [sniffer.popen.stdout.readline() for _ in range(4)]
    assert set(seen) == {"02:00:00:00:00:01 8\n", "02:00:00:00:00:02 0\n"}


def test_flows_are_those_of_the_switch(lab: Lab) -> None:
    assert any("tp_dst=23" in flow and "cookie=" in flow for flow in lab.flows("sw1"))
    with pytest.raises(LabError, match="sw9"):
        lab.flows("sw9")


def test_the_switch_remembers_nothing_wider_than_a_connection(lab: Lab) -> None:
    # Overlapping wildcards are what Open vSwitch 3.1 in user space mixes up when flows change.
    place = f"{lab.folder}/ovs/vswitchd.ctl"

    def is_exact(line: str) -> bool:
        return re.search(r"ipv4\([^)]*src=[\d.]+,dst=[\d.]+,[^/]*$", line) is not None

    def cached() -> list[str]:
        assert pings(lab, "h1", "10.0.0.12")
        shown = lab.run(None, ["ovs-appctl", "-t", place, "dpctl/dump-flows"]).stdout
        flows = (line.partition(" packets:")[0] for line in shown.splitlines())
        return [line for line in flows if "ipv4(" in line]

    # What was cached before the switch was told so leaves within its idle time.
    wait_for(lambda: (found := cached()) and all(map(is_exact, found)), "exact flows alone", 30)


def test_programs_run_where_they_are_told_to(lab: Lab) -> None:
    shown = lab.run("h2", ["ip", "-o", "link", "show", "eth0"]).stdout
    assert "02:00:00:00:00:02" in shown
    assert lab.run(None, ["cat"], text="x").stdout == "x"
    assert lab.run(None, ["false"]).returncode == 1
    assert lab.run("h1", ["pwd"]).stdout.strip() == str(Path.cwd())
    with pytest.raises(subprocess.TimeoutExpired):
        lab.run("h1", ["sleep", "60"], timeout=0.5)
    with lab.start("h1", ["sleep", "60"]) as program:
        sleeping = f"/proc/{program.pid}/cmdline"
        wait_for(lambda: Path(sleeping).read_bytes() == b"sleep\x0060\x00", "the program's start")
    assert not Path(sleeping).exists()
    assert lab.prometheus_url == "http://127.0.0.1:9302/metrics"


def test_faucet_can_be_killed_and_started_again(lab: Lab) -> None:
    lab.signal("faucet", signal.SIGKILL)
    alive = {d["name"]: d["alive"] for d in lab.status()["daemons"]}
    assert alive == {"faucet": False, "ovsdb": True, "switch": True}
    with pytest.raises(LabError, match="faucet: does not run"):
        lab.reload()
    lab.start_daemon("faucet")
    wait_for(lambda: pings(lab, "h1", "10.0.0.12"), "frames under the new controller")


def test_two_labs_at_once_do_not_know_of_each_other(lab: Lab) -> None:
    before = traces()
    text = QUIET.replace("address: 10.0.0.12/24", "address: 10.0.0.99/24")
    with Lab(parse_topology(text)) as other:
        namespace = pid_namespace(other.first_pid)
        assert namespace != pid_namespace(lab.first_pid)
        assert pings(other, "h1", "10.0.0.99")
        assert pings(lab, "h1", "10.0.0.12")
        assert not pings(lab, "h1", "10.0.0.99")
        folder = other.folder
        assert len(living(namespace)) >= 4
        assert traces() == before
    assert not folder.exists()
    assert living(namespace) == []
    assert traces() == before
    assert pings(lab, "h1", "10.0.0.12")


def test_nothing_is_left_when_the_maker_is_killed() -> None:
    need_lab()
    before = traces()
    with subprocess.Popen(
        python(MAKE, QUIET), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as maker:
        assert maker.stdout is not None
        folder, first, _ = maker.stdout.readline().split()
        namespace = pid_namespace(int(first))
        assert living(namespace)
        maker.kill()
    wait_for(lambda: not living(namespace), "the end of all processes")
    wait_for(lambda: not Path(folder).exists(), "the end of the folder")
    assert traces() == before


def test_an_ordinary_user_makes_the_same_lab() -> None:
    need_lab()
    words = as_nobody(python(MAKE, QUIET), ROOT)
    done = subprocess.run(
        words,
        input="\n",
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    if re.search(r"unshare: .*(not permitted|No space left)", done.stderr):
        pytest.skip(f"user namespaces are off for ordinary users: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert second == "[0, 0, 0]"
    folder, _, datapath = first.split()
    assert datapath == "dummy" or os.stat("/dev/net/tun").st_mode & 0o002  # noqa: PTH116 - a device
    assert not Path(folder).exists()


def test_a_file_that_faucet_refuses_is_told(tmp_path: Path) -> None:
    need_lab()
    text = QUIET.replace("tcp_dst: 23", "tcp_destination: 23")
    with (
        pytest.raises(LabError, match=r"faucet refuses.*tcp_destination"),
        Lab(parse_topology(text), folder=tmp_path / "x"),
    ):
        pytest.fail("it came up")
    assert list(tmp_path.iterdir()) == []


def counter(lab: Lab, host: str, protocol: str, name: str) -> int:
    """Read one of a host's own counters."""
    lines = lab.run(host, ["cat", "/proc/net/snmp"]).stdout.splitlines()
    head, values = [line.split() for line in lines if line.startswith(f"{protocol}:")]
    return int(values[head.index(name)])


@pytest.fixture(scope="module")
def office() -> Iterator[Lab]:
    """The shipped topology, ten times as busy."""
    need_lab()
    text = OFFICE.read_text(encoding="utf-8")
    assert "seed: 1\n" in text
    with Lab(
        parse_topology(text.replace("seed: 1\n", "seed: 1\npace: 10\n")), controller=CONTROLLER
    ) as made:
        yield made


def test_hosts_serve_and_use_by_themselves(office: Lab) -> None:
    assert "jetdirect" in office.services()["printer"]
    guests, answers = ("Tcp", "PassiveOpens"), ("Udp", "InDatagrams")
    busy = [(host, *guests) for host in ("printer", "files", "www", "mail", "outside")]
    busy += [(host, *answers) for host in ("anna", "ben", "carla")]
    wait_for(lambda: all(counter(office, *one) > 2 for one in busy), "guests and answers for all")
    log = (office.folder / "inside.log").read_text(encoding="utf-8")
    assert log == ""


def test_a_host_falls_silent_and_begins_again(office: Lab) -> None:
    def active() -> bool:
        return next(bool(h["active"]) for h in office.status()["hosts"] if h["host"] == "ben")

    assert active()
    office.activity("ben", on=False)
    assert not active()
    before = counter(office, "ben", "Udp", "OutDatagrams")
    assert counter(office, "ben", "Udp", "OutDatagrams") == before
    office.activity("ben", on=True)
    wait_for(lambda: counter(office, "ben", "Udp", "OutDatagrams") > before, "ben's next question")


@pytest.mark.parametrize(
    ("kind", "protocol", "name", "more"),
    [
        ("scan", "Tcp", "ActiveOpens", 200),
        ("sweep", "Tcp", "ActiveOpens", 60),
        ("brute", "Tcp", "ActiveOpens", 10),
        ("beacon", "Tcp", "ActiveOpens", 5),
        ("flood", "Udp", "OutDatagrams", 500),
    ],
)
def test_a_host_turns_bad_and_is_calmed(
    office: Lab, kind: str, protocol: str, name: str, more: int
) -> None:
    # The collector's neighbour: the gadget opens no connections by itself.
    before = counter(office, "gadget", protocol, name)
    rate = {"rate": 5} if kind == "beacon" else {}
    plan = office.turn_bad("gadget", kind, **rate)
    assert plan["mac"] == "02:00:00:00:00:07"
    wait_for(lambda: counter(office, "gadget", protocol, name) >= before + more, kind)
    bad = {host["host"]: host["bad"] for host in office.status()["hosts"]}
    assert bad["gadget"] == [kind]
    office.calm("gadget")
    assert not any(host["bad"] for host in office.status()["hosts"])


def test_a_victim_believes_in_a_forged_gateway(office: Lab) -> None:
    office.turn_bad("gadget", "arp-spoof", target="ben")

    def believed() -> bool:
        shown = office.run("ben", ["ip", "neigh", "show", "10.0.0.1"]).stdout
        return "02:00:00:00:00:07" in shown

    pings(office, "ben", "10.0.0.1")
    wait_for(believed, "the forged entry in ben's table")
    office.calm("gadget")


def test_what_is_done_for_some_seconds_ends_by_itself(office: Lab) -> None:
    office.turn_bad("carla", "scan", seconds=0.3)
    wait_for(lambda: not any(h["bad"] for h in office.status()["hosts"]), "the end of the scan")


def test_rabbitmq_and_two_switches(tmp_path: Path) -> None:
    need_lab(rabbit=True)
    text = """
        vlans: {a: {vid: 7}}
        switches:
          one: {ports: {1: {host: x, vlan: a}, 2: {link: two/9, tagged: [a]}}}
          two: {dp_id: 0x20, ports: {1: {host: y, vlan: a}, 9: {link: one/2, tagged: [a]}}}
        hosts: {x: {address: 10.0.0.1/24}, y: {address: 10.0.0.2/24}}
    """
    greet = """
        import socket
        peer = socket.create_connection(("127.0.0.1", 25672), 5)
        peer.sendall(b"AMQP\\0\\0\\x09\\x01")
        print(peer.recv(1))
    """
    with Lab(parse_topology(text), rabbit=True, folder=tmp_path / "lab") as two:
        assert pings(two, "x", "10.0.0.2")
        assert two.flows("one")
        assert two.flows("two")
        assert two.amqp_url == "amqp://guest:guest@127.0.0.1:25672/"
        assert two.run(None, python(greet)).stdout == "b'\\x01'\n"
        two.signal("rabbitmq", signal.SIGKILL)
        assert two.run(None, python(greet)).returncode == 1
        two.start_daemon("rabbitmq")
        assert two.run(None, python(greet)).stdout == "b'\\x01'\n"
    assert list(tmp_path.iterdir()) == []


def halia(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "plugin", "lab", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_command_line() -> None:
    need_lab()
    name = f"test-{os.getpid()}"
    up = halia("up", "--name", name, "--idle", "--json")
    try:
        assert up.returncode == 0, up.stderr
        folder = Path(json.loads(up.stdout)["folder"])
        assert halia("up", "--name", name).returncode == 2
        done = halia("exec", "--name", name, "anna", "--", "ping", "-nc1", "-W2", "10.0.0.22")
        assert done.returncode == 0
        assert "1 received" in done.stdout
        assert halia("exec", "--name", name, "-", "--", "sh", "-c", "exit 7").returncode == 7
        assert halia("exec", "--name", name, "-", "--", "sh", "-c", "kill -9 $$").returncode == 137
        assert halia("exec", "--name", name, "anne", "--", "true").returncode == 2
        assert halia("bad", "--name", name, "bem", "scan").returncode == 2
        assert halia("bad", "--name", name, "bem").returncode == 2
        absent = halia("down", "--name", f"{name}-x")
        assert name in absent.stderr
        page = halia("status", "--name", name).stdout
        assert re.search(
            r"^printer +02:00:00:00:00:01 +10.0.0.21 +sw1/1 +office +printer", page, re.MULTILINE
        )
        assert "jetdirect:9100" in page
        told = halia("bad", "--name", name, "anna", "scan", "--target", "files")
        assert told.stdout == "anna: scan against 10.0.0.22, 200 a second\n"
        assert "bad: scan" in halia("status", "--name", name).stdout
        assert halia("bad", "--name", name, "anna").stdout == "anna is calm\n"
    finally:
        down = halia("down", "--name", name)
    assert down.returncode == 0
    assert not folder.exists()
    assert halia("status", "--name", name).returncode == 4


def test_a_lab_is_watched_from_the_command_line() -> None:
    """By `halia run` beside the controller; again, with the hook and the NIC in their places."""
    need_lab()
    name = f"watch-{os.getpid()}"
    up = halia("up", "--name", name, "--json")
    try:
        assert up.returncode == 0, up.stderr
        for number in (signal.SIGTERM, signal.SIGINT):
            watched(name, json.loads(up.stdout)["folder"], number)
    finally:
        down = halia("down", "--name", name)
    assert down.returncode == 0


def watched(name: str, folder: str, number: int) -> None:
    words = [sys.executable, "-m", "plugin", "lab", "watch", "--name", name, "--", "--json"]
    pipe = subprocess.PIPE
    asked = ["devices", "list", "--json", "--socket", f"{folder}/halia.sock"]
    with subprocess.Popen(words, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as program:

        def devices() -> str:
            assert program.poll() is None, program.communicate()
            command = [sys.executable, "-m", "plugin", *asked]
            return subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, check=False
            ).stdout

        try:
            wait_for(lambda: "02:00:00:00:00:01" in devices(), "a watched printer", 60)
            program.send_signal(number)
            out, err = program.communicate(timeout=120)
        finally:
            program.kill()
    assert program.returncode == 0, err
    assert f"--socket {folder}/halia.sock" in err
    assert {json.loads(line)["kind"] for line in out.splitlines()} <= {
        "verdict",
        "capture",
        "alarm",
    }
