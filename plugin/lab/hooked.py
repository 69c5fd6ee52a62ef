"""Halia itself inside a lab: its commands on a host, and the hook in the lab's Faucet."""

from __future__ import annotations

import json
import sys
from subprocess import PIPE, TimeoutExpired
from typing import TYPE_CHECKING, Any

from plugin.errors import LabError
from plugin.lab import daemons

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plugin.lab.lab import Lab
    from plugin.lab.running import Running

INSTALL_SECONDS = 120.0
"""Longest wait for the hook; it takes some three seconds, most of them Faucet's parser's."""


def start_halia(lab: Lab, host: str | None, words: Sequence[str], **options: Any) -> Running:
    """Start ``halia`` in a lab: this very one, be it a checkout or installed.

    Args:
        lab: one that is up.
        host: where; None: beside the switch and the controller.
        words: the command and its options.
        options: as for Popen; both outputs are pipes unless they say otherwise.
    """
    settings = {"env": daemons.halia_environment(), "stdout": PIPE, "stderr": PIPE} | options
    return lab.start(host, [sys.executable, "-m", "plugin", *words], **settings)


def install(lab: Lab, *more: str) -> dict[str, Any]:
    """Install the hook in a lab's Faucet by ``halia faucet install``; it is loaded after.

    Args:
        lab: one that is up.
        more: options of the command, such as ``--mirror none``.

    Returns:
        What the command says of it: ``changed``, ``diff``, ``notes``, ``written``, ``loaded``.

    Raises:
        LabError: it is refused, fails, or Faucet does not load it.
    """
    environment = lab.status()["controller"]
    words = ["faucet", "install", str(lab.faucet_yaml), "--faucet", environment, "--yes", "--json"]
    with start_halia(lab, None, [*words, *more]) as program:
        try:
            out, err = program.popen.communicate(timeout=INSTALL_SECONDS)
        except TimeoutExpired as error:
            raise LabError("the hook is not installed in time", where=lab.name) from error
    if program.popen.returncode:
        said = " ".join((err or out).split())
        raise LabError(f"the hook cannot be installed: {said}", where=lab.name)
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found
