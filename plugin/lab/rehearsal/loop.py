"""An event loop whose time jumps and whose cables are in memory: what opens a socket goes there."""

from __future__ import annotations

import asyncio
import contextvars
import ipaddress
import struct
import weakref
from typing import TYPE_CHECKING, Any, Self

from plugin.lab import packets
from plugin.lab.rehearsal.clock import Clock
from plugin.lab.rehearsal.ends import ACK, RST, SYN, End
from plugin.lab.rehearsal.network import DELAY, Listener, Network, Place

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from plugin.lab.rehearsal.tape import Tape
    from plugin.lab.topology import Topology

HERE: contextvars.ContextVar[str] = contextvars.ContextVar("HERE")
"""Name of the host whose task it is."""
ANYWHERE = "0.0.0.0"  # noqa: S104 - all addresses of a host's own
UNREACHABLE = 3, 3
"""ICMP: nobody listens at this port (RFC 792)."""
RETRIES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Seconds between the SYNs of one whom nobody answers (RFC 6298: doubled each time)."""


class Server:
    """What :func:`asyncio.start_server` gives."""

    def __init__(self, taken: dict[Place, Listener], places: list[Place]) -> None:
        self._taken, self._places = taken, places
        self.sockets = tuple(self._Socket(place) for place in places)

    class _Socket:
        def __init__(self, place: Place) -> None:
            self._place = place

        def getsockname(self) -> tuple[str, int]:
            return str(ipaddress.ip_address(self._place.address)), self._place.port

    def close(self) -> None:
        """Take no more."""
        for place in self._places:
            self._taken.pop(place, None)

    async def __aenter__(self) -> Self:
        """Listen already."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Take no more."""
        self.close()


class Datagrams(asyncio.DatagramTransport):
    """Where a server sends datagrams from."""

    def __init__(self, loop: Loop, place: Place) -> None:
        super().__init__()
        self._loop, self._place = loop, place

    def sendto(self, data: bytes | bytearray | memoryview, addr: Any = None) -> None:
        """Answer one who asked."""
        to = Place(ipaddress.ip_address(addr[0]).packed, addr[1])
        self._loop.carry(self._place, to, bytes(data))

    def close(self) -> None:
        """Take no more."""
        self._loop.network.datagrams.pop(self._place, None)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Tell the own address."""
        if name == "sockname":
            return str(ipaddress.ip_address(self._place.address)), self._place.port
        return default


class Loop(asyncio.SelectorEventLoop):
    """The loop.

    Args:
        topology: who is there.
        tape: takes what passes the switch.
    """

    def __init__(self, topology: Topology, tape: Tape) -> None:
        self._jumping = Clock()
        super().__init__(self._jumping)
        self.network = Network(topology, tape, self)
        self._asking: weakref.WeakKeyDictionary[socket.socket, tuple[Place, Place]] = (
            weakref.WeakKeyDictionary()
        )
        self._answers: dict[Place, asyncio.Queue[bytes]] = {}

    def time(self) -> float:
        """Seconds since the beginning, of the clock that jumps."""
        return self._jumping.now

    async def create_server(  # type: ignore[override]  # what of it hosts use
        self, factory: Callable[[], Any], host: str, port: int, **_: Any
    ) -> Server:
        """Take connections at a port of this task's host."""
        places = [Place(one, port) for one in self._own(host)]
        for place in places:
            self.network.streams[place] = Listener(factory, contextvars.copy_context())
        return Server(self.network.streams, places)

    async def create_connection(  # type: ignore[override]  # as above
        self, factory: Callable[[], Any], host: str, port: int, **_: Any
    ) -> tuple[End, Any]:
        """Connect this task's host to a port of another.

        Raises:
            OSError: he is not there, or does not listen there.
        """
        network = self.network
        me = network.stations[HERE.get()]
        target = Place(ipaddress.ip_address(host).packed, port)
        owner = await network.find(me, target.address)
        numbers = network.chance.getrandbits(32), network.chance.getrandbits(32)
        protocol = factory()
        own = Place(me.ip, me.free_port())
        near = End(network, own, target, protocol, contextvars.copy_context(), numbers[0])
        near.say(SYN)
        if owner is None:
            for pause in RETRIES:
                await asyncio.sleep(pause)
                near.sent -= 1
                near.say(SYN)
            raise TimeoutError(110, "nobody answers")
        await asyncio.sleep(DELAY)
        listener = network.streams.get(target)
        taken = listener or Listener(None, contextvars.copy_context())
        far = End(network, target, own, None, taken.context, numbers[1])
        far.got = near.sent
        if listener is None:
            far.sent = 0
            far.say(RST | ACK)
            await asyncio.sleep(DELAY)
            raise ConnectionRefusedError(111, "nobody listens")
        assert callable(listener.factory)
        far.say(SYN | ACK)
        await asyncio.sleep(DELAY)
        near.got = far.sent
        near.other, far.other = far, near
        near.say(ACK)
        far.protocol = listener.context.run(listener.factory)
        far.context = listener.context.copy()
        self.call_soon(far.protocol.connection_made, far, context=far.context)
        protocol.connection_made(near)
        return near, protocol

    async def create_datagram_endpoint(  # type: ignore[override]  # as above
        self, factory: Callable[[], Any], local_addr: tuple[str, int], **_: Any
    ) -> tuple[Datagrams, Any]:
        """Take datagrams at an address of this task's host."""
        place = Place(ipaddress.ip_address(local_addr[0]).packed, local_addr[1])
        protocol = factory()
        transport = Datagrams(self, place)
        self.network.datagrams[place] = Listener(protocol, contextvars.copy_context())
        protocol.connection_made(transport)
        return transport, protocol

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """Say to whom a client's datagrams go."""
        me = self.network.stations[HERE.get()]
        target = Place(ipaddress.ip_address(address[0]).packed, address[1])
        self._asking[sock] = Place(me.ip, me.free_port()), target

    async def sock_sendall(self, sock: socket.socket, data: Any) -> None:
        """Send a datagram."""
        own, target = self._asking[sock]
        await self.network.find(self.network.stations[HERE.get()], target.address)
        self._answers[own] = asyncio.Queue()
        weakref.finalize(sock, self._answers.pop, own, None)
        self.carry(own, target, bytes(data))

    async def sock_recv(self, sock: socket.socket, nbytes: int) -> bytes:
        """Wait for the answer."""
        own, _ = self._asking[sock]
        answer = await self._answers[own].get()
        return answer[:nbytes]

    def carry(self, source: Place, target: Place, content: bytes) -> None:
        """Let a datagram pass, and give it to who takes it; a host where nobody does says so."""
        # The sum is left to the NIC, as kernels do; that of a time server would tell the hour.
        head = struct.pack(">HHHH", source.port, target.port, 8 + len(content), 0)
        ends = source.address, target.address
        self.network.pass_on(self.time(), ends, packets.UDP, head + content)
        listener = self.network.datagrams.get(target)
        if listener is not None:
            sender = str(ipaddress.ip_address(source.address)), source.port
            protocol: Any = listener.factory
            self.call_later(
                DELAY, protocol.datagram_received, content, sender, context=listener.context
            )
        elif target in self._answers:
            self.call_later(DELAY, self._answers[target].put_nowait, content)
        elif self.network.owner(target.address) is not None:
            about = packets.ipv4(*ends, packets.UDP, head + content)
            refusal = struct.pack(">BBHI", *UNREACHABLE, 0, 0) + about
            back = target.address, source.address
            self.network.pass_on(self.time() + DELAY, back, packets.ICMP, refusal)

    def _own(self, host: str) -> list[bytes]:
        me = self.network.stations[HERE.get()]
        if host == ANYWHERE:
            return [one.ip.packed for one in me.addresses]
        return [ipaddress.ip_address(host).packed]
