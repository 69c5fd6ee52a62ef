"""The interface, in network namespaces of the tests' own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from plugin.offline.doctor.check import State
from plugin.offline.doctor.interface import interface
from tests.doctors import wanted
from tests.nobody import as_nobody
from tests.services import open_folder

ROOT = Path(__file__).resolve().parents[4]
LOOK = """
import json, sys
from pathlib import Path
from plugin.offline.doctor.interface import interface
from tests.doctors import wanted
settings = wanted(Path(sys.argv[1]), capture__iface=sys.argv[2])
print(json.dumps([check._asdict() for check in interface(settings)]))
"""
Found = dict[str, tuple[str, str, str | None]]


def looked(script: str, iface: str, folder: Path) -> Found:
    """What is found in a fresh network namespace in which a script has run."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a network namespace for sure")
    words = ["unshare", "--net", "sh", "-ec", f'{script}\nexec "$@"', "sh"]
    words += [sys.executable, "-c", LOOK, str(folder), iface]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return as_found(done.stdout)


def as_found(text: str) -> Found:
    return {c["name"]: (c["state"], c["what"], c["remedy"]) for c in json.loads(text)}


def test_none_is_wanted(tmp_path: Path) -> None:
    (found,) = interface(wanted(tmp_path))
    assert found.state is State.SKIPPED
    assert "capture.iface" in str(found.remedy)


def test_none_of_that_name(tmp_path: Path) -> None:
    (found,) = interface(wanted(tmp_path, capture__iface="nosuch0"))
    assert found.state is State.FAILED
    assert "no such interface" in found.what
    assert "there are: " in str(found.remedy)


def test_one_that_is_down(tmp_path: Path) -> None:
    found = looked("", "lo", tmp_path)
    assert found["interface"] == ("failed", "lo is down", "ip link set lo up")


def test_one_without_a_link(tmp_path: Path) -> None:
    script = "ip link add v0 type veth peer name v1; ip link set v0 up"
    state, what, _ = looked(script, "v0", tmp_path)["interface"]
    assert (state, what) == ("failed", "v0 is up, but has no link")


def test_one_that_is_good_and_joins_frames(tmp_path: Path) -> None:
    found = looked("ip link set lo up; ethtool -K lo gro on", "lo", tmp_path)
    assert found["interface"][:2] == ("ok", "lo is up")
    assert found["capture right"][0] == "ok"
    assert found["offloads"][0] == "warn"
    assert found["offloads"][2] == "ethtool -K lo gro off"


def test_the_remedy_helps(tmp_path: Path) -> None:
    found = looked("ip link set lo up; ethtool -K lo gro off", "lo", tmp_path)
    assert found["offloads"] == ("ok", "lo joins no frames (gro, lro)", None)


def test_a_user_who_may_not_capture() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with open_folder() as folder:
        folder.chmod(0o777)
        words = as_nobody([sys.executable, "-c", LOOK, str(folder), "lo"], ROOT, folder)
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    state, what, remedy = as_found(done.stdout)["capture right"]
    assert state == "failed"
    assert "not permitted" in what
    assert "CAP_NET_RAW" in str(remedy)
