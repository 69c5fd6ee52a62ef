"""The real faucetconfrpc in a lab, with the lab's Faucet's folder and certificates of its own."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.confrpc import Pairs, pairs
from tests.labs import python, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.lab import Lab

ENVIRONMENT = Path(__file__).resolve().parents[1] / "build" / "faucet" / "confrpc"
PORT = 59_999
_CALL = """
    import json, sys
    from pathlib import Path
    from plugin.faucet.credentials import Credentials
    from plugin.faucet.remote import Remote
    address, ca, cert, key, name, text = sys.argv[1:]
    remote = Remote(address, Credentials(Path(ca), Path(cert), Path(key)))
    if text:
        remote.set(name, text)
    print(remote.get(name), end="")
"""


class Rpc(NamedTuple):
    """The server, as it is reached in the lab."""

    lab: Lab
    of: Pairs
    folder: Path

    def settings(self) -> dict[str, Any]:
        """Give the settings of section ``isolation``."""
        return {
            "adapter": "confrpc",
            "confrpc_address": f"localhost:{PORT}",
            "confrpc_ca": str(self.of.ca.cert),
            "confrpc_cert": str(self.of.client.cert),
            "confrpc_key": str(self.of.client.key),
        }

    def words(self, pid: int | None = None) -> str:
        """Give what a writer needs, as JSON."""
        one = self.of.client
        files = {"ca": self.of.ca.cert, "cert": one.cert, "key": one.key, "kept": self.kept}
        found = {name: str(file) for name, file in files.items()}
        return json.dumps({"address": f"localhost:{PORT}", "pid": pid, **found})

    @property
    def kept(self) -> Path:
        return self.folder / "kept"

    def ask(self, name: str, text: str = "") -> str:
        """Be another client: set a file if there is a text, and get it."""
        one = self.of.client
        files = map(str, (self.of.ca.cert, one.cert, one.key))
        words = (f"localhost:{PORT}", *files, name, text)
        done = self.lab.run(None, python(_CALL, *words), timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return str(done.stdout)


@contextmanager
def confrpc(lab: Lab, folder: Path) -> Iterator[Rpc]:
    """Run the server beside the lab's Faucet."""
    pytest.importorskip("grpc", reason="grpcio (extra confrpc) is not installed")
    if not (ENVIRONMENT / "made").is_file():
        pytest.skip("faucetconfrpc is not installed: scripts/faucet.sh confrpc")
    one = Rpc(lab, pairs(folder / "certificates"), folder)
    conf = lab.faucet_yaml.parent
    program = ENVIRONMENT / "bin" / "faucetconfrpc_server"
    server = one.of.server
    words = [str(program), f"--config_dir={conf}", f"--cacert={one.of.ca.cert}",
             f"--cert={server.cert}", f"--key={server.key}", f"--port={PORT}"]  # fmt: skip
    # It looks for faucet.yaml where it is started, and makes one where there is none.
    there = ["sh", "-c", f"cd '{conf}' && exec \"$@\"", "sh", *words]
    env = {"PATH": os.environ["PATH"]}
    log = folder / "confrpc.log"
    with log.open("w") as out, lab.start(None, there, stdout=out, stderr=out, env=env) as running:

        def answers() -> bool:
            assert running.poll() is None, log.read_text()[-2000:]
            try:
                return bool(one.ask("faucet.yaml"))
            except AssertionError:
                return False

        wait_for(answers, "a faucetconfrpc that answers", 60)
        yield one
