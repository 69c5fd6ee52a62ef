"""Faucet: its page, its configuration with our hook, its switches, the probe."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from plugin.errors import FaucetFileError, PeerError
from plugin.faucet import files
from plugin.faucet.probe import Probe
from plugin.faucet.switches import loose_bridges
from plugin.faucet.transport import read_page
from plugin.offline import faucet
from plugin.offline.doctor.check import Check, State, failed, ok, skipped, warn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plugin.offline.doctor.daemon import Daemon
    from plugin.settings import Settings

CALL_SECONDS = 10.0
"""Open vSwitch that knows of the probe waits 8 s between its calls, or as few as it is told."""
_POLL_SECONDS = 0.1


def page(settings: Settings) -> Check:
    """Faucet's Prometheus page: what it has learned before we came, or while we were cut off."""
    url = settings.faucet.page
    try:
        found = read_page(url)
    except PeerError as error:
        return failed(
            "faucet page", f"{url} does not answer as Faucet's page does", str(error.advice)
        )
    there = [dp for dp, connected in found.datapaths if connected]
    away = [dp for dp, connected in found.datapaths if not connected]
    if not there:
        return failed(
            "faucet page",
            f"{url}: Faucet has no switch" + (f" ({len(away)} are away)" if away else ""),
            "point the switches to Faucet; see its log",
        )
    told = f"{url}: {len(there)} switches, {len(found.learned)} learned addresses"
    if away:
        names = ", ".join(f"{dp:#x}" for dp in away)
        return warn("faucet page", f"{told}; away: {names}", "see why in Faucet's log")
    return ok("faucet page", told)


def configuration(settings: Settings) -> Iterator[Check]:
    """faucet.yaml, the hook in it, the Faucet that reads it, and the switches it names."""
    config, name = settings.faucet.config, "faucet.yaml"
    try:
        place = faucet.read_place(config)
        found = faucet.status(place)
    except FaucetFileError as error:
        yield failed(name, str(error), error.advice or "set faucet.config to Faucet's own file")
        return
    yield ok(name, f"{config} can be read")
    again = f"halia faucet install {config}"
    if not found.installed:
        yield failed("hook", "is not installed: nothing is mirrored or isolated", again)
    elif found.problems:
        more = f" (and {len(found.problems) - 1} more)" if len(found.problems) > 1 else ""
        yield failed("hook", f"{found.problems[0]}{more}", f"{again}; see 'halia faucet status'")
    elif found.shadows:
        yield warn("hook", found.shadows[0], "see 'halia faucet status'")
    else:
        yield ok("hook", f"installed, {sum(p.hooked for p in found.ports)} ports hooked")
    yield _reverting(place.root)
    yield _bridges(faucet.dp_ids(place.text))


def _reverting(root: Path) -> Check:
    name = "auto revert"
    running = files.find_faucet(root)
    if running is None:
        return skipped(name, f"no single Faucet that may be looked at reads {root} here")
    if running.reverts:
        return failed(
            name,
            f"Faucet (process {running.pid}) runs with FAUCET_CONFIG_AUTO_REVERT:"
            " it would write its own copy over our file",
            "start Faucet without FAUCET_CONFIG_AUTO_REVERT",
        )
    return ok(name, f"Faucet (process {running.pid}) leaves its files alone")


def _bridges(dp_ids: set[int]) -> Check:
    name = "fail mode"
    if shutil.which("ovs-vsctl") is None:
        return skipped(name, "no Open vSwitch here: look at the switches' own fail mode")
    loose = loose_bridges(dp_ids)
    if loose:
        told = ", ".join(f"{bridge} ({mode})" for bridge, mode in loose)
        return failed(
            name,
            f"without Faucet these let isolated devices through: {told}",
            f"ovs-vsctl set-fail-mode {loose[0][0]} secure",
        )
    return ok(name, "no bridge of these switches here is standalone")


def checker(settings: Settings) -> Check:
    """Faucet's own parser, without which nothing is written."""
    try:
        found = faucet.checker_for(settings.faucet.config, settings.faucet.environment)
    except PeerError as error:
        return failed(
            "faucet checker", error.reason, "set faucet.environment to the one Faucet runs in"
        )
    return ok("faucet checker", str(found))


def probe(settings: Settings, daemon: Daemon) -> Check:
    """The probe: whether switches find it."""
    name = "probe"
    if settings.faucet.probe is None:
        return skipped(
            name,
            "faucet.probe is not set: rules are called loaded, not proven",
            "set faucet.probe to HOST:PORT where the switches reach this machine",
        )
    if daemon.may_run:
        told = daemon.tells(name, name, _CALL)
        if told.state is State.OK and daemon.calls == 0:
            return warn(name, f"no switch has called {settings.faucet.probe}", _CALL)
        return told
    host, _, port = settings.faucet.probe.rpartition(":")
    try:
        with Probe(host=host.strip("[]"), port=int(port)) as one:
            found = _callers(one)
    except PeerError as error:
        return failed(name, str(error), error.advice or "set faucet.probe to an address of ours")
    if not found:
        return warn(name, f"no switch has called {settings.faucet.probe}", _CALL)
    return ok(name, f"{len(found)} switches call {settings.faucet.probe}")


def _callers(one: Probe) -> tuple[int, ...]:
    """The switches that call within the time in which one that knows of the probe does."""
    end = time.monotonic() + CALL_SECONDS
    while not (found := one.datapaths()) and time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
    return found


_CALL = "add it at each switch: ovs-vsctl set-controller BRIDGE tcp:FAUCET:6653 tcp:PROBE:PORT"
