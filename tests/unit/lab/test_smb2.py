from __future__ import annotations

import shutil
import struct
import subprocess
from random import Random
from typing import TYPE_CHECKING

import pytest

from plugin.lab import smb2

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = (
    smb2.NEGOTIATE,
    smb2.SESSION_SETUP,
    smb2.TREE_CONNECT,
    smb2.CREATE,
    smb2.READ,
    smb2.CLOSE,
    smb2.LOGOFF,
)
SIZES = {0: (36, 65), 1: (25, 9), 2: (4, 4), 3: (9, 16), 5: (57, 89), 6: (24, 60), 8: (49, 17)}


def dialogue() -> list[bytes]:
    """Give requests and answers, one after the other."""
    texts = []
    for number, command in enumerate(COMMANDS):
        asked = smb2.message(command, smb2.request(command, Random(1)), number=number)
        body = smb2.answer(asked[4:], Random(2))
        texts += [asked, smb2.message(command, body, number=number, response=True)]
    return texts


def test_each_body_says_its_structures_size() -> None:
    for index, text in enumerate(dialogue()):
        command, number = smb2.command_of(text[4:]) or (-1, -1)
        assert (command, number) == (COMMANDS[index // 2], index // 2)
        assert int.from_bytes(text[:4]) == len(text) - 4
        assert struct.unpack_from("<H", text, 68)[0] == SIZES[command][index % 2]


def test_a_read_gets_what_it_asks_for_and_no_more_than_a_part() -> None:
    body = bytearray(smb2.request(smb2.READ, Random(1), offset=60_000))
    assert struct.unpack_from("<IQ", body, 4) == (60_000, 60_000)
    for asked, given in ((5, 5), (1 << 31, smb2.PART_MAX)):
        struct.pack_into("<I", body, 4, asked)
        text = smb2.message(smb2.READ, bytes(body))[4:]
        assert len(smb2.answer(text, Random(1))) == 16 + given


@pytest.mark.parametrize("text", [b"", b"\xffSMB" + bytes(60), smb2.MAGIC + bytes(9)])
def test_what_is_no_message_gets_no_answer(text: bytes) -> None:
    assert smb2.command_of(text) is None
    assert smb2.answer(text, Random(1)) == b""


def test_wireshark_finds_nothing_malformed(tmp_path: Path) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark, the second opinion here, is not installed")
    scapy = pytest.importorskip("scapy.all", reason="scapy (extra scapy) writes the capture")
    packets, sent = [], [0, 0]
    for index, text in enumerate(dialogue()):
        here = index % 2
        ports = {"sport": 50_000, "dport": 445} if here == 0 else {"sport": 445, "dport": 50_000}
        for at in range(0, len(text), 1400):
            part = text[at : at + 1400]
            tcp = scapy.TCP(flags="PA", seq=1 + sent[here], ack=1 + sent[1 - here], **ports)
            packets.append(scapy.Ether() / scapy.IP(src="10.0.0.1", dst="10.0.0.2") / tcp / part)
            if here:
                packets[-1][scapy.IP].src, packets[-1][scapy.IP].dst = "10.0.0.2", "10.0.0.1"
            sent[here] += len(part)
    file = tmp_path / "smb.pcap"
    scapy.wrpcap(str(file), packets)

    def lines(shown: str) -> list[str]:
        command = ["tshark", "-r", str(file), "-Y", shown]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    assert len(lines("smb2")) == 2 * len(COMMANDS)
    assert lines("_ws.malformed") == []
