"""What a lab needs of this machine: programs, a controller's environment, namespaces."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from plugin.errors import LabError

CONTROLLERS = ("c65faucet", "faucet")
SYSTEM_PATH = "/usr/sbin:/sbin"
"""Where ip and the daemons are on Debian; not on the PATH of ordinary users."""
OVS_SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
RABBITMQ = Path("/usr/lib/rabbitmq/lib")
_PACKAGES = {
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
    "ip": "iproute2",
    "ethtool": "ethtool",
    "ping": "iputils-ping",
    "ovsdb-tool": "openvswitch-switch",
    "ovsdb-server": "openvswitch-switch",
    "ovs-vswitchd": "openvswitch-switch",
    "ovs-vsctl": "openvswitch-switch",
    "ovs-ofctl": "openvswitch-switch",
}


def search_path() -> str:
    """Give the PATH on which a lab looks for programs."""
    return f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATH}"


def check_programs(*, rabbit: bool) -> None:
    """Look for every program of a lab before anything is made.

    Raises:
        LabError: names all packages that are missing.
    """
    path = search_path()
    missing = {pack for tool, pack in _PACKAGES.items() if shutil.which(tool, path=path) is None}
    if not OVS_SCHEMA.is_file():
        missing.add("openvswitch-switch")
    if rabbit and not rabbitmq_home():
        missing.add("rabbitmq-server")
    if missing:
        names = " ".join(sorted(missing))
        raise LabError(
            f"packages are missing: {names}",
            where="lab",
            advice=f"as root: apt-get install --no-install-recommends {names}",
        )


def rabbitmq_home() -> Path | None:
    """Find RabbitMQ's own folder (not its wrapper, which wants to be root or `rabbitmq`)."""
    found = sorted(RABBITMQ.glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    return found[-1].parent.parent if found else None


def find_controller(name: str, folder: Path | None = None) -> Path:
    """Find the environment of a controller.

    Args:
        name: one of `CONTROLLERS`, or the path of an environment that has `bin/faucet`.
        folder: where the environments are; by default build/faucet beside the checkout (where
            scripts/faucet.sh puts them), else the user's cache.

    Raises:
        LabError: there is none.
    """
    if "/" in name:
        places = [Path(name)]
    elif name in CONTROLLERS:
        places = [base / name for base in ([folder] if folder else _controller_folders())]
    else:
        known = ", ".join(CONTROLLERS)
        raise LabError(f"no such controller; known: {known}", where=name)
    for place in places:
        if (place / "bin" / "faucet").is_file() and (place / "bin" / "python").exists():
            return place.absolute()
    base = places[-1]
    raise LabError(
        f"no controller is installed in {' or '.join(map(str, places))}",
        where=name,
        advice=f"in a checkout: scripts/faucet.sh {base.name}; else: python3 -m venv {base} &&"
        f" {base}/bin/pip install {base.name}",
    )


def _controller_folders() -> list[Path]:
    checkout = Path(__file__).resolve().parents[2]
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    beside = [checkout / "build" / "faucet"] if (checkout / "setup.cfg").is_file() else []
    return [*beside, Path(cache) / "halia"]


def unshare_command() -> list[str]:
    """Give the words that start a program as the first one of namespaces of its own."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    flags = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return [_program("unshare"), *user, *flags, "--"]


def enter_command(pid: int) -> list[str]:
    """Give the words that start a program in the namespaces of a lab's first process."""
    user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
    return [_program("nsenter"), f"--target={pid}", *user, "--net", "--mount", "--pid"]


def no_namespaces() -> str | None:
    """Say why namespaces cannot be made here; None if they can."""
    done = subprocess.run(  # noqa: S603 - words of our own
        [*unshare_command(), "true"], capture_output=True, text=True, check=False
    )
    return None if done.returncode == 0 else done.stderr.strip() or "unshare fails"


def _program(name: str) -> str:
    return shutil.which(name, path=search_path()) or name
