"""A Faucet and a switch that are not there: what they would load, and which flows they would have.

For tests of who writes: its files, clock and process of a parser need not be waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import yaml

from plugin.app.hooking import Hooking
from plugin.app.inbox import Inbox
from plugin.app.ways import Ways
from plugin.errors import FaucetFileError, PeerError
from plugin.events import LoadedFile
from plugin.faucet import files
from plugin.faucet.adapters import Adapter, Heard
from plugin.faucet.check import Checked
from plugin.faucet.flows import Flow, PortCounters, Query
from plugin.faucet.mirror import MirrorSettings
from plugin.faucet.reach import Spot

COLLECTOR = 9


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Answering(Inbox):
    """An inbox whose main thread answers at once."""

    def ask(self, question: Any, timeout: float) -> Any:
        del timeout
        return question()

    def taken(self, kind: type) -> list[Any]:
        return [item for item in self.take(0) if isinstance(item, kind)]


class Fabric:
    """One switch with a Faucet, as files make it. It is an adapter, and a probe's switches."""

    name, takes, patience, writes = "test", "at once", 10.0, True
    comments = here = True
    kept: Path | None = None
    warning: str | None = None

    def __init__(self, config: Path) -> None:
        self.config = config
        self.alive = self.probing = True
        self.slow = False
        """It does not load what it is told to."""
        self.error = ""
        self.reloads = 0
        self.written: list[Path] = []
        self.full: set[Path] = set()
        """Files that cannot be written."""
        self.found: tuple[LoadedFile, ...] = ()
        self.rules: list[dict[str, Any]] = []
        self.natives: dict[int, int] = {}
        self.reads = 0

    def form(self, text: str) -> str:
        return text

    def locked(self, folder: Path) -> AbstractContextManager[None]:
        return files.locked(folder)

    def write(self, path: Path, text: str) -> str:
        if path in self.full:
            raise FaucetFileError("cannot be written: No space left", where=str(path))
        files.write_text(path, text)
        self.written.append(path)
        return text

    def reload(self) -> str | None:
        self.reloads += 1
        if not self.alive:
            return "no Faucet is seen"
        if not self.slow:
            self.load()
        return None

    def loaded(self) -> Heard | None:
        return Heard(self.found, self.error) if self.alive else None

    def load(self) -> None:
        """Read the files, as Faucet does."""
        root = yaml.safe_load(self.config.read_text())
        listed, acls = [self.config], dict(root.get("acls", {}))
        for name in root.get("include-optional", []):
            include = self.config.parent / name
            if include.is_file():
                listed.append(include)
                acls.update(yaml.safe_load(include.read_text())["acls"])
        hashes = [(str(p), files.file_hash(p.read_text())) for p in listed]
        self.found = tuple(LoadedFile(path=path, sha256=one) for path, one in hashes)
        self.rules, self.natives = [], {}
        for port, conf in root["dps"]["sw1"]["interfaces"].items():
            self.natives[port] = root["vlans"].get(conf.get("native_vlan"), {}).get("vid", 0)
            for acl in conf.get("acls_in", []):
                self.rules += [{"in_port": port, **one["rule"]} for one in acls[acl]]

    def flows(self, query: Query) -> tuple[Flow, ...]:
        self.reads += 1
        found = []
        for number, rule in enumerate(self.rules):
            actions, cookie = rule["actions"], rule.get("cookie", 1 << 20)
            beside = {"actions", "cookie", "description"}
            match = {k: v for k, v in rule.items() if k not in beside}
            copies = [COLLECTOR] if "mirror" in actions else []
            outputs = (*copies, *actions.get("output", {}).get("ports", ()))
            meter = cookie if "meter" in actions else None
            goto = 1 if actions.get("allow") else None
            found.append(Flow(0, 9999 - number, cookie, match, 0, 0, goto, outputs, meter))
        if query.table is None:
            found += [
                Flow(1, 1, 0, {"in_port": port, "vlan_vid": 0}, 0, 0, 2, (), None, vid)
                for port, vid in self.natives.items()
            ]
        return tuple(found)

    def probe(self, *, host: str, port: int) -> Fabric:
        """Stand for the class of the probe."""
        del host, port
        return self

    def start(self) -> None:
        if not self.probing:
            raise PeerError("does not answer", where="probe")

    def datapaths(self) -> tuple[int, ...]:
        self.start()
        return (1,)

    def ports(self, dp_id: int) -> tuple[PortCounters, ...]:
        del dp_id
        return ()

    def close(self) -> None:
        pass


class Parser:
    """Stands for Faucet's parser."""

    def __init__(self) -> None:
        self.says = Checked(ok=True, said="")
        self.asked: list[dict[Path, str]] = []
        self.fails = False

    def check(self, root: Path, texts: dict[Path, str]) -> Checked:
        del root
        self.asked.append(texts)
        if self.fails:
            raise PeerError("no answer within 30 s", where="checker")
        return self.says

    def start(self) -> None:
        pass

    def close(self) -> None:
        pass


def hooking(  # noqa: PLR0913  # what a site is made of
    config: Path,
    adapter: Adapter,
    monkeypatch: Any,
    *,
    clock: Callable[[], float] | None = None,
    inbox: Inbox | None = None,
    probe: str | None = "127.0.0.1:6654",
    spots: Sequence[Spot] = (),
    parser: Parser | None = None,
    **settings: Any,
) -> Hooking:
    """Make the writer of a folder, without a parser's process unless it is wanted."""
    if isinstance(adapter, Fabric):
        monkeypatch.setattr("plugin.app.proving.Probe", adapter.probe)
    one = Hooking(
        Ways(config, None, probe, adapter),
        lambda: MirrorSettings(**settings),
        Answering() if inbox is None else inbox,
        lambda: list(spots),
        Clock() if clock is None else clock,
    )
    if parser is not None:
        monkeypatch.setattr(one._bringing, "_checking", parser)
    return one
