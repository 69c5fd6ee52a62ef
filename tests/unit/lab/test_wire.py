from __future__ import annotations

from random import Random

import pytest

from plugin.lab import wire

scapy = pytest.importorskip("scapy.all", reason="scapy (extra scapy) is the second opinion here")


def test_dns_is_dns() -> None:
    query = wire.dns_query(Random(1), "www.lab.example")
    assert scapy.DNS(query).qd[0].qname == b"www.lab.example."
    answer = scapy.DNS(wire.dns_answer(query, b"\xcb\0\x71\x07"))
    assert (answer.qr, answer.id) == (1, scapy.DNS(query).id)
    assert answer.an[0].rdata == "203.0.113.7"
    for broken in (b"", query[:14], query[:12] + b"\x05abcde", wire.dns_answer(query, bytes(4))):
        assert wire.dns_answer(broken, bytes(4)) == b""


def test_ntp_is_ntp() -> None:
    asked = wire.ntp_packet(3, 1_700_000_000.5)
    told = scapy.NTP(wire.ntp_packet(4, 1_700_000_001.0, asked[40:48]))
    assert (told.mode, told.version, told.stratum) == (4, 4, 2)
    assert bytes(told)[24:32] == asked[40:48]
    assert len(asked) == 48


def test_an_ssh_packet_is_padded_as_the_rfc_has_it() -> None:
    for size in range(40):
        packet = wire.ssh_packet(bytes(size))
        length, padding = int.from_bytes(packet[:4]), packet[4]
        assert len(packet) == length + 4
        assert len(packet) % 8 == 0
        assert 4 <= padding < 16
        assert length == size + padding + 1
    assert wire.ssh_kexinit(Random(1))[5] == 20


def test_a_name_carries_bytes() -> None:
    load = Random(1).randbytes(104)
    name = wire.dns_carrying(load, "t.example")
    assert len(name) <= 253
    labels = name.split(".")
    assert max(map(len, labels)) <= 63
    assert bytes.fromhex("".join(labels[:-2])) == load


def test_a_remote_desktop_is_asked_for_and_granted() -> None:
    for packet, code in ((wire.rdp_request(), 0xE0), (wire.rdp_confirm(), 0xD0)):
        assert packet[:2] == b"\x03\0"
        assert int.from_bytes(packet[2:4]) == len(packet)
        assert (packet[4], packet[5]) == (len(packet) - 5, code)


def test_http_and_ipp() -> None:
    body = wire.ipp_request(wire.IPP_GET_PRINTER_ATTRIBUTES, "ipp://p/")
    request = wire.http_request("POST", "p", "/ipp", body, "application/ipp")
    assert b"Content-Length: %d\r\n" % len(body) in request
    assert request.endswith(body)
    answer = wire.ipp_response(body, Random(1))
    assert answer[:8] == bytes.fromhex("0200000000000001")


def test_arp_replies_claim_an_address() -> None:
    frame = scapy.Ether(wire.arp_reply(b"\2" * 6, b"\x0a\0\0\1", b"\4" * 6, b"\x0a\0\0\x09"))
    assert frame[scapy.ARP].op == 2
    assert frame[scapy.ARP].psrc == "10.0.0.1"
    assert frame[scapy.ARP].hwsrc == frame.src == "02:02:02:02:02:02"
    assert frame.dst == "04:04:04:04:04:04"
    assert len(bytes(frame)) == 60


def test_the_same_chance_gives_the_same_bytes() -> None:
    assert wire.syslog_line("p", Random(3)) == wire.syslog_line("p", Random(3))
    assert len(wire.gadget_call(7, 1)) == 32
