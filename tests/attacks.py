"""Captures of one bad device among good ones, made by hand: a sample for each behaviour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests import frames as f

if TYPE_CHECKING:
    from collections.abc import Sequence

BAD = bytes.fromhex("020000000066")
BAD_TEXT = "02:00:00:00:00:66"
BAD_IP = bytes((10, 0, 0, 66))
OUTSIDE = bytes((203, 0, 113, 9))
START = 1_700_000_000 * f.SECOND


def at(seconds: float) -> int:
    return START + round(seconds * f.SECOND)


def sent(seconds: float, packet: bytes) -> f.Frame:
    return f.Frame(at(seconds), f.ethernet(packet, src=BAD))


def asked(
    seconds: float,
    target: bytes,
    sport: int,
    dport: int,
    flags: int = f.SYN,
    options: bytes = b"",
) -> f.Frame:
    packet = f.tcp(sport, dport, flags, options=options)
    return sent(seconds, f.ipv4(packet, 6, BAD_IP, target))


def told(seconds: float, target: bytes, sport: int, dport: int, flags: int) -> f.Frame:
    packet = f.ipv4(f.tcp(dport, sport, flags), 6, target, BAD_IP)
    return f.Frame(at(seconds), f.ethernet(packet, src=f.B, dst=BAD))


def host(number: int) -> bytes:
    return bytes((10, 0, 1 + number // 250, 1 + number % 250))


def end(seconds: float = 100) -> list[f.Frame]:
    """A harmless packet much later: time goes on."""
    return [f.udp_frame(0)._replace(time=at(seconds))]


def horizontal(hosts: int = 40, *, port: int = 445) -> list[f.Frame]:
    return [asked(i * 0.1, host(i), 40_000 + i, port) for i in range(hosts)] + end()


def partners(hosts: int = 80, *, every: int = 2) -> list[f.Frame]:
    """File sharing: partner after partner is asked over UDP; each so-manieth answers."""
    frames = []
    for i in range(hosts):
        frames.append(datagram(i * 0.5, (6_881, 6_881), 100, host(i)))
        if i % every == 0:
            frames.append(datagram(i * 0.5 + 0.1, (6_881, 6_881), 300, host(i), back=True))
    return frames + end()


def cut_off(hosts: int = 40, *, port: int = 443, until: float = 0) -> list[f.Frame]:
    """Outside hosts are asked; one answered before, and others go on until a time."""
    frames = [asked(0, OUTSIDE, 39_999, 443), told(0.1, OUTSIDE, 39_999, 443, f.SYN | f.ACK)]
    for i in range(hosts):
        target = bytes((203, 0, 113, i))
        frames.append(asked(2 + i, target, 40_000 + i, port))
        if i < until:
            other = bytes((198, 51, 100, i))
            frames.append(asked(2 + i, other, 50_000 + i, 853))
            frames.append(told(2.1 + i, other, 50_000 + i, 853, f.SYN | f.ACK))
    return frames + end()


def forged(hosts: int = 40, *, port: int = 445) -> list[f.Frame]:
    """Each probe is answered in a frame of the same MAC: by a router, or by the scanner himself."""
    frames = []
    for i in range(hosts):
        frames.append(asked(i * 0.1, host(i), 40_000 + i, port))
        reply = f.ipv4(f.tcp(port, 40_000 + i, f.SYN | f.ACK), 6, host(i), BAD_IP)
        frames.append(f.Frame(at(i * 0.1 + 0.01), f.ethernet(reply, src=BAD, dst=f.B)))
    return frames + end()


def made_up(hosts: int = 40, *, outside: bool = False) -> list[f.Frame]:
    """A scan by one who was answered before; each probe is followed by his own acknowledgement."""
    frames = visits(1, outside=outside)[:-1]
    for i in range(hosts):
        target, port = host(1 + i), 40_001 + i
        frames.append(asked(1 + i * 0.1, target, port, 445))
        frames.append(asked(1.01 + i * 0.1, target, port, 445, f.ACK))
    return frames + end()


def vertical(ports: int = 40) -> list[f.Frame]:
    frames = []
    for i in range(ports):
        frames.append(asked(i * 0.1, f.IP_B, 40_000 + i, 1 + i))
        frames.append(told(i * 0.1 + 0.01, f.IP_B, 40_000 + i, 1 + i, f.RST | f.ACK))
    return frames + end()


def traceroute(first: int = 33_434, probes: int = 90) -> list[f.Frame]:
    """Sixteen probes at once, as Linux sends them, each to the next UDP port."""
    return [
        sent(
            k // 16 * 0.3 + k % 16 * 0.0001,
            f.ipv4(f.udp(45_000 + k, first + k, b"@" * 32), 17, BAD_IP, OUTSIDE),
        )
        for k in range(probes)
    ] + end()


def visits(targets: int = 40, port: int = 443, *, outside: bool = False) -> list[f.Frame]:
    """A busy client: every server answers."""
    frames = []
    for i in range(targets):
        target = bytes((198, 51, 100, i)) if outside else host(i)
        frames.append(asked(i * 0.1, target, 40_000 + i, port))
        frames.append(told(i * 0.1 + 0.05, target, 40_000 + i, port, f.SYN | f.ACK))
    return frames + end()


def guesses(sessions: int = 40, port: int = 22) -> list[f.Frame]:
    frames = []
    for i in range(sessions):
        frames.append(asked(i, f.IP_B, 40_000 + i, port))
        frames.append(told(i + 0.05, f.IP_B, 40_000 + i, port, f.SYN | f.ACK))
    return frames + end()


def syn_flood(rate: int = 150, seconds: int = 4) -> list[f.Frame]:
    return [asked(i / rate, f.IP_B, 1024 + i, 80) for i in range(rate * seconds)] + end()


def udp_flood(rate: int = 2_100, seconds: int = 4) -> list[f.Frame]:
    packet = f.ipv4(f.udp(5, 9), 17, BAD_IP)
    return [sent(i / rate, packet) for i in range(rate * seconds)] + end()


def uploaded(rate: int = 2_100, seconds: int = 4, *, every: int = 10) -> list[f.Frame]:
    """Much over UDP to one who acknowledges each so-manieth packet."""
    ports, frames = (51_820, 51_820), []
    for i in range(rate * seconds):
        frames.append(datagram(i / rate, ports, 1_400))
        if i % every == 0:
            frames.append(datagram(i / rate, ports, 96, back=True))
    return frames + end()


def icmp_flood(rate: int = 150, seconds: int = 4) -> list[f.Frame]:
    packet = f.ipv4(f.icmp(8), 1, BAD_IP)
    return [sent(i / rate, packet) for i in range(rate * seconds)] + end()


def poisoning(times: int = 5, heard: Sequence[float] = (-130, -65, 0)) -> list[f.Frame]:
    """An owner is heard some times, and then another claims his address."""
    owner = f.arp(1, sha=f.B, spa=f.IP_B, tpa=f.IP_A)
    frames = [f.Frame(at(t), f.ethernet(owner, 0x0806, src=f.B, dst=b"\xff" * 6)) for t in heard]
    claim = f.arp(2, sha=BAD, spa=f.IP_B, tha=f.A, tpa=f.IP_A)
    frames += [
        f.Frame(at(1 + 2 * i), f.ethernet(claim, 0x0806, src=BAD, dst=f.A)) for i in range(times)
    ]
    return frames + end()


def who_has(seconds: float, target: bytes, sender: bytes = BAD_IP) -> f.Frame:
    question = f.arp(1, sha=BAD, spa=sender, tpa=target)
    return f.Frame(at(seconds), f.ethernet(question, 0x0806, src=BAD, dst=b"\xff" * 6))


def is_at(seconds: float, target: bytes, mac: bytes = f.B, asker: bytes = BAD_IP) -> f.Frame:
    answer = f.arp(2, sha=mac, spa=target, tha=BAD, tpa=asker)
    return f.Frame(at(seconds), f.ethernet(answer, 0x0806, src=mac, dst=BAD))


def neighbour(number: int) -> bytes:
    return bytes((10, 0, 0, number))


def sweep(
    addresses: int = 60, *, every: int = 10, pause: float = 0.1, sender: bytes = BAD_IP
) -> list[f.Frame]:
    """ARP for address after address; each ``every``-th is somebody's, and he answers."""
    frames = []
    for i in range(addresses):
        target = neighbour(100 + i)
        frames.append(who_has(i * pause, target, sender))
        if i % every == 0:
            mac = bytes((2, 0, 0, 1, 0, i))
            frames.append(is_at(i * pause + 0.001, target, mac, sender))
    return frames + end()


def echo(seconds: float, target: bytes, size: int = 0, *, back: bool = False) -> f.Frame:
    """A ping of so many bytes, or what comes back. Only its headers are captured."""
    whole = 28 + size
    packet = f.ipv4(
        f.icmp(0 if back else 8), 1, *((target, BAD_IP) if back else (BAD_IP, target)), total=whole
    )
    frame = f.ethernet(packet, src=f.B if back else BAD, dst=BAD if back else f.B)
    return f.Frame(at(seconds), frame, 14 + whole)


def ping_sweep(targets: int = 20, pause: float = 0.1, *, every: int = 2) -> list[f.Frame]:
    """One address after another; each ``every``-th answers."""
    frames = []
    for i in range(targets):
        frames.append(echo(i * pause, neighbour(100 + i)))
        if i % every == 0:
            frames.append(echo(i * pause + 0.01, neighbour(100 + i), back=True))
    return frames + end()


def ping_talk(times: int = 20, size: int = 64, returned: int = 64) -> list[f.Frame]:
    """A ping a second, each answered by so many bytes."""
    frames = []
    for i in range(times):
        frames += [echo(i, f.IP_B, size), echo(i + 0.01, f.IP_B, returned, back=True)]
    return frames + end()


def datagram(
    seconds: float, ports: tuple[int, int], size: int, target: bytes = f.IP_B, *, back: bool = False
) -> f.Frame:
    """A datagram of the bad device from its port to another's (or back). Only headers."""
    whole, (own, other) = 28 + size, ports
    header = f.udp(other, own, b"") if back else f.udp(own, other, b"")
    ips = (target, BAD_IP) if back else (BAD_IP, target)
    frame = f.ethernet(
        f.ipv4(header, 17, *ips, total=whole), src=f.B if back else BAD, dst=BAD if back else f.B
    )
    return f.Frame(at(seconds), frame, 14 + whole)


def queries(times: int = 60, size: int = 180, answer: int = 240) -> list[f.Frame]:
    """DNS queries of so many bytes, two a second, and their answers."""
    frames = []
    for i in range(times):
        frames.append(datagram(i / 2, (40_000 + i, 53), size))
        frames.append(datagram(i / 2 + 0.02, (40_000 + i, 53), answer, back=True))
    return frames + end()


def reflections(times: int = 200, asked: int = 8, answer: int = 1_000) -> list[f.Frame]:
    """A clock that is asked for its monitoring list from outside; ``asked`` 0: by nobody."""
    frames = []
    for i in range(times):
        if asked:
            frames.append(datagram(i / 20, (123, 40_000), asked, OUTSIDE, back=True))
        frames.append(datagram(i / 20 + 0.001, (123, 40_000), answer, OUTSIDE))
    return frames + end()


def dhcp_requests(times: int = 100, pause: float = 0.1) -> list[f.Frame]:
    """Requests for an address, as a client sends them to all."""
    nobody, everybody = bytes(4), b"\xff" * 4
    packet = f.ipv4(f.udp(68, 67, b""), 17, nobody, everybody, total=28 + 300)
    frame = f.ethernet(packet, src=BAD, dst=b"\xff" * 6)
    return [f.Frame(at(i * pause), frame, 14 + 328) for i in range(times)] + end()


def fan_out(hosts: int = 20, pause: float = 5) -> list[f.Frame]:
    """Host after host, each by SMB, RDP, WinRM or SSH; all answer."""
    frames = []
    for i in range(hosts):
        port = (445, 3389, 5985, 22)[i % 4]
        frames.append(asked(i * pause, host(i), 40_000 + i, port))
        frames.append(told(i * pause + 0.05, host(i), 40_000 + i, port, f.SYN | f.ACK))
    return frames + end(hosts * pause + 100)


def in_anothers_name(times: int = 5) -> list[f.Frame]:
    """ARP that names the MAC of another, who is there and speaks for himself."""
    own = f.arp(1, sha=f.B, spa=f.IP_B, tpa=f.IP_A)
    frames = [f.Frame(at(0), f.ethernet(own, 0x0806, src=f.B, dst=b"\xff" * 6))]
    claim = f.arp(2, sha=f.B, spa=f.IP_B, tha=f.A, tpa=f.IP_A)
    frames += [
        f.Frame(at(1 + 2 * i), f.ethernet(claim, 0x0806, src=BAD, dst=f.A)) for i in range(times)
    ]
    return frames + end()


def upload(packets: int = 1_000, size: int = 60_000, returned: int = 0) -> list[f.Frame]:
    """One connection to an outside address; large segments, as a host's own capture shows them."""
    frames = [asked(0, OUTSIDE, 40_000, 443), told(0.02, OUTSIDE, 40_000, 443, f.SYN | f.ACK)]
    for i in range(packets):
        time, header = 1 + i * 0.1, f.tcp(40_000, 443)
        packet = f.ipv4(header, 6, BAD_IP, OUTSIDE, total=40 + size)
        frames.append(sent(time, packet)._replace(wire=54 + size))
        if returned:
            back = f.ipv4(f.tcp(443, 40_000), 6, OUTSIDE, BAD_IP, total=40 + returned)
            frame = f.ethernet(back, src=f.B, dst=BAD)
            frames.append(f.Frame(at(time + 0.05), frame, 54 + returned))
    return frames + end(packets * 0.1 + 100)


def beacon_keepalives(times: int = 40) -> list[f.Frame]:
    """One connection that is kept: a segment every ten minutes, long after a session is cut."""
    frames = []
    for i in range(times):
        frames.append(asked(1 + 600 * i, OUTSIDE, 40_000, 443, f.ACK))
        frames.append(told(1.1 + 600 * i, OUTSIDE, 40_000, 443, f.ACK))
    return frames + end(times * 600)


def pings(times: int = 40, period: float = 60) -> list[f.Frame]:
    """Somebody's monitoring of the way out."""
    packet = f.ipv4(f.icmp(8), 1, BAD_IP, OUTSIDE)
    return [sent(1 + i * period, packet) for i in range(times)] + end(times * period)


def polls(times: int = 40, period: float = 60) -> list[f.Frame]:
    """UDP from the same port at a fixed period, each time a session of its own."""
    packet = f.ipv4(f.udp(5, 9), 17, BAD_IP, OUTSIDE)
    return [sent(1 + i * period * 2, packet) for i in range(times)] + end(times * period * 2)


def beacons(
    times: int = 40, period: float = 10, jitter: float = 0.02, port: int = 443
) -> list[f.Frame]:
    shifts = [((i * i * 37) % 11 / 5 - 1) * jitter * period for i in range(times)]
    frames = []
    for i, shift in enumerate(shifts):
        frames.append(asked(1 + i * period + shift, OUTSIDE, 40_000 + i, port))
        answer = 1 + i * period + shift + 0.05
        frames.append(told(answer, OUTSIDE, 40_000 + i, port, f.SYN | f.ACK))
    return frames + end(times * period + 60)


SAMPLES = {
    "horizontal-scan": horizontal(),
    "vertical-scan": vertical(),
    "icmp-sweep": ping_sweep(),
    "brute-force": guesses(),
    "admin-fan-out": fan_out(),
    "syn-flood": syn_flood(),
    "udp-flood": udp_flood(),
    "icmp-flood": icmp_flood(),
    "dhcp-flood": dhcp_requests(),
    "amplification": reflections(),
    "arp-scan": sweep(),
    "arp-spoofing": poisoning(),
    "address-conflict": poisoning(heard=[0]),
    "mac-conflict": in_anothers_name(),
    "beacon": beacons(),
    "dns-tunnel": queries(),
    "icmp-tunnel": ping_talk(20, 64, 900),
    "exfiltration": upload(),
}
"""By the name of what is found in them; of that alone. Also the files of configs/behaviours."""
ALSO = {"address-conflict": ("0e:00:00:00:00:02",)}
"""Who else is told of in a sample, besides the bad device."""
