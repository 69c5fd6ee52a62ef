"""Whether isolations are gone from the switches, read without a daemon."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from plugin.errors import FaucetFileError, PeerError
from plugin.faucet.flows import Query
from plugin.faucet.ground import ground
from plugin.faucet.probe import Probe
from plugin.faucet.proof import astray, proof
from plugin.faucet.tree import UnreadableError
from plugin.settings.urls import split_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.faucet.ground import Ground
    from plugin.offline.faucet import Place

_PAUSE = 0.3


def probing(address: str | None) -> Callable[[], Probe] | None:
    """What opens the connection to the switches; None: there is none.

    Args:
        address: the setting ``faucet.probe``.
    """
    if address is None:
        return None
    host, port = split_address(address)
    return lambda: Probe(host=host, port=port)


class Absence(NamedTuple):
    """Whether isolations are gone."""

    gone: bool
    """Every switch with hooked ports was read, and has nothing of them; or as Faucet says, where
    none is read."""
    words: str


def absence(
    place: Place,
    cookies: frozenset[int],
    probe: Callable[[], Probe],
    *,
    everybody: bool,
    seconds: float,
    ports: bool = True,
) -> Absence:
    """Look until the isolations are gone from every switch, or the time is over.

    Args:
        place: Faucet's files as they stand now.
        cookies: of the isolations that were taken out.
        probe: opens the connection to the switches.
        everybody: no isolation at all may stand any more.
        seconds: how long to look; switches dial us, which may take them some.
        ports: one may have been moved to another VLAN: each must be in that of faucet.yaml.

    Raises:
        FaucetFileError: a file is no configuration.
    """
    try:
        where = ground(place.text, place.included, place.journal)
    except UnreadableError as error:
        raise FaucetFileError(str(error), where=str(place.root)) from error
    end = time.monotonic() + seconds
    try:
        with probe() as reader:
            while True:
                found = _look(where, cookies, reader, everybody=everybody, ports=ports)
                if found.gone or time.monotonic() >= end:
                    return found
                time.sleep(_PAUSE)
    except PeerError as error:
        return Absence(gone=False, words=f"not proven: {error}")


def _look(
    where: Ground, cookies: frozenset[int], reader: Probe, *, everybody: bool, ports: bool
) -> Absence:
    needed = {where.dp_ids[port.dp] for port in where.hooked()}
    there = needed.intersection(reader.datapaths())
    flows = {one: reader.flows(Query(one)) for one in there}
    found = proof((), where, flows, cookies)
    rest = (cookies - found.absent) | (found.strangers if everybody else frozenset())
    if found.silent:
        return Absence(gone=False, words=f"not proven: {', '.join(found.silent)} was not read")
    still = [f"rules of {len(rest)} isolations stand at a switch still"] if rest else []
    still += astray(where, flows).values() if ports else ()
    if still:
        return Absence(gone=False, words=f"not gone: {'; '.join(still)}")
    return Absence(gone=True, words="proven: no switch has a rule about it any more")
