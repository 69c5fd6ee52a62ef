from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import pytest

from plugin.capture.packet_socket import Opening
from plugin.capture.ring import Ring
from plugin.core import new_demux
from plugin.errors import CaptureError, OptionError


def ring(**changed: Any) -> Ring:
    try:
        return Ring(Opening("lo", promiscuous=False)._replace(**changed))
    except CaptureError as error:
        if isinstance(error.__cause__, PermissionError):
            pytest.skip("a packet socket is not permitted here")
        raise


def test_what_passes_the_loopback_interface_is_taken() -> None:
    """Other programs may use it too: ours must be among what is seen."""
    one = ring(blocks=4, block_size=1 << 16)
    demux = new_demux(max_devices=9, stream=1 << 20)
    stream = b""

    def relieve(*_: int) -> None:
        nonlocal stream
        stream += demux.take_stream()

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.1", 0))
        port = sender.getsockname()[1]
        for _ in range(20):
            sender.sendto(b"x" * 50, ("127.0.0.1", port))
    one.quiesce()
    deadline = time.monotonic() + 30
    while stream.count(port.to_bytes(2) * 2) < 20 and time.monotonic() < deadline:
        if not one.take(demux, relieve):
            time.sleep(0.005)
        relieve()
    assert stream.count(port.to_bytes(2) * 2) == 20
    assert one.statistics().packets >= 20
    assert not one.take(demux, relieve)
    one.close()


def test_a_ring_that_cannot_be_is_refused() -> None:
    with pytest.raises(CaptureError, match="ring"):
        ring(block_size=1000)


def test_no_such_interface() -> None:
    with pytest.raises(OptionError, match="no such interface"):
        Ring(Opening("no-such-nic"))


def test_an_open_ring_ends_with_its_socket() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    ring(blocks=4).close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
