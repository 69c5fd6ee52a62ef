"""Captures of one bad device among good ones, made by hand: a sample for each behaviour."""

from __future__ import annotations

from tests import frames as f

BAD = bytes.fromhex("020000000066")
BAD_TEXT = "02:00:00:00:00:66"
BAD_IP = bytes((10, 0, 0, 66))
OUTSIDE = bytes((203, 0, 113, 9))
START = 1_700_000_000 * f.SECOND


def at(seconds: float) -> int:
    return START + round(seconds * f.SECOND)


def sent(seconds: float, packet: bytes) -> f.Frame:
    return f.Frame(at(seconds), f.ethernet(packet, src=BAD))


def asked(seconds: float, target: bytes, sport: int, dport: int, flags: int = f.SYN) -> f.Frame:
    return sent(seconds, f.ipv4(f.tcp(sport, dport, flags), 6, BAD_IP, target))


def told(seconds: float, target: bytes, sport: int, dport: int, flags: int) -> f.Frame:
    packet = f.ipv4(f.tcp(dport, sport, flags), 6, target, BAD_IP)
    return f.Frame(at(seconds), f.ethernet(packet, src=f.B, dst=BAD))


def host(number: int) -> bytes:
    return bytes((10, 0, 1 + number // 250, 1 + number % 250))


def end(seconds: float = 100) -> list[f.Frame]:
    """A harmless packet much later: time goes on."""
    return [f.udp_frame(0)._replace(time=at(seconds))]


def horizontal(hosts: int = 40) -> list[f.Frame]:
    return [asked(i * 0.1, host(i), 40_000 + i, 445) for i in range(hosts)] + end()


def vertical(ports: int = 40) -> list[f.Frame]:
    frames = []
    for i in range(ports):
        frames.append(asked(i * 0.1, f.IP_B, 40_000 + i, 1 + i))
        frames.append(told(i * 0.1 + 0.01, f.IP_B, 40_000 + i, 1 + i, f.RST | f.ACK))
    return frames + end()


def visits(targets: int = 40, port: int = 443) -> list[f.Frame]:
    """A busy client: every server answers."""
    frames = []
    for i in range(targets):
        frames.append(asked(i * 0.1, host(i), 40_000 + i, port))
        frames.append(told(i * 0.1 + 0.05, host(i), 40_000 + i, port, f.SYN | f.ACK))
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


def icmp_flood(rate: int = 150, seconds: int = 4) -> list[f.Frame]:
    packet = f.ipv4(f.icmp(8), 1, BAD_IP)
    return [sent(i / rate, packet) for i in range(rate * seconds)] + end()


def poisoning(times: int = 5) -> list[f.Frame]:
    owner = f.arp(1, sha=f.B, spa=f.IP_B, tpa=f.IP_A)
    frames = [f.Frame(at(0), f.ethernet(owner, 0x0806, src=f.B, dst=b"\xff" * 6))]
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


def beacons(times: int = 40, period: float = 10, jitter: float = 0.02) -> list[f.Frame]:
    shifts = [((i * i * 37) % 11 / 5 - 1) * jitter * period for i in range(times)]
    frames = []
    for i, shift in enumerate(shifts):
        frames.append(asked(1 + i * period + shift, OUTSIDE, 40_000 + i, 443))
        answer = 1 + i * period + shift + 0.05
        frames.append(told(answer, OUTSIDE, 40_000 + i, 443, f.SYN | f.ACK))
    return frames + end(times * period + 60)


SAMPLES = {
    "horizontal-scan": horizontal(),
    "vertical-scan": vertical(),
    "brute-force": guesses(),
    "syn-flood": syn_flood(),
    "udp-flood": udp_flood(),
    "icmp-flood": icmp_flood(),
    "arp-scan": sweep(),
    "arp-spoofing": poisoning(),
    "beacon": beacons(),
}
"""By the name of what is found in them; of that alone. Also the files of configs/behaviours."""
