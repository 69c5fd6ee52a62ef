"""Topologies for tests, and what a lab's tests ask of the machine."""

from __future__ import annotations

import json
import os
import socket
import sys
import textwrap
import time
from typing import TYPE_CHECKING, Any

import pytest

from plugin.errors import LabError
from plugin.lab import needs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTROLLER = os.environ.get("HALIA_TEST_CONTROLLER", "c65faucet")
"""The controller that labs of tests run: `faucet` can be tried beside CI's own choice."""
PATIENCE = 30.0
"""Seconds after which something that has not happened does not happen."""

QUIET = """\
# Hosts that do nothing by themselves: every frame is the test's.
name: quiet
gateway: 10.0.0.1
vlans:
  office: {vid: 100, acls_in: [no_telnet]}
  quarantine: {vid: 666}
switches:
  sw1:
    dp_id: 1
    ports:
      1: {host: h1, vlan: office}
      2: {host: h2, vlan: office, acls_in: [no_ssh]}
      3: {hosts: [m1, m2], vlan: office}
      4: {host: remedy, vlan: quarantine}
      5: {host: outside, tagged: [office, quarantine]}
      6: {host: col, collector: true}
hosts:
  h1: {address: 10.0.0.11/24}
  h2: {address: 10.0.0.12/24}
  m1: {address: 10.0.0.13/24}
  m2: {address: 10.0.0.14/24}
  remedy: {address: 10.0.0.254/24}
  outside: {vlan: office, address: 10.0.0.1/24, addresses: [198.51.100.80/32]}
  col:
acls:
  no_telnet:
    - rule: {dl_type: 0x800, nw_proto: 6, tcp_dst: 23, actions: {allow: 0}}
    - rule: {actions: {allow: 1}}
  no_ssh:
    - rule: {dl_type: 0x800, nw_proto: 6, tcp_dst: 22, actions: {allow: 0}}
    - rule: {actions: {allow: 1}}
"""


def need_lab(*, rabbit: bool = False) -> None:
    """Skip where no lab can be made: only the kernel or a developer's machine may be in the way.

    CI as root installs all that is needed, so there a missing program is a failure.
    """
    reason = needs.no_namespaces()
    if reason is not None:
        pytest.skip(f"the kernel makes no namespaces here: {reason}")
    try:
        needs.check_programs(rabbit=rabbit)
        needs.find_controller(CONTROLLER)
    except LabError as error:
        if os.environ.get("CI") and os.geteuid() == 0:
            raise
        pytest.skip(f"no lab here: {error}")


def python(code: str, *words: str) -> list[str]:
    """Give the words that run a piece of Python."""
    return [sys.executable, "-c", textwrap.dedent(code), *words]


def wait_for(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Give what a condition gives once it is true; fail after ``patience`` seconds."""
    end = time.monotonic() + patience
    while not (value := condition()):
        if time.monotonic() > end:
            pytest.fail(f"not within {patience:g} s: {what}")
        time.sleep(0.05)
    return value


def events_until(place: Path, done: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """Read Faucet's event socket until ``done`` says that it is enough; give all events."""
    events: list[dict[str, Any]] = []
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(PATIENCE)
        sock.connect(str(place))
        with sock.makefile(encoding="utf-8") as lines:
            for line in lines:
                events.append(json.loads(line))
                if done(events):
                    return events
    pytest.fail("Faucet closed its event socket")
