"""However entries come to the store, and wherever it is killed: it says what the journal says."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.audit.chain import Entry, follow
from plugin.registry import from_document
from plugin.store.follow import follow as brought_up
from plugin.store.follow import rebuild
from plugin.store.state import Store
from tests import journals as j

DEVICES = st.integers(0, 2)
CAPTURES = st.sampled_from(["a", "b", "c", "d"])
TOLD = st.one_of(
    st.builds(j.device, DEVICES, name=st.none() | st.text(max_size=4)),
    st.builds(j.gone, DEVICES),
    st.builds(
        j.verdict,
        DEVICES,
        CAPTURES,
        st.sampled_from(["Printer", "Camera"]),
        st.sampled_from(["known", "unknown", "undetermined"]),
    ),
    st.builds(j.finding, DEVICES, st.none() | CAPTURES),
    st.builds(j.unjudged, DEVICES, CAPTURES),
    st.just(("later", {"mac": 1})),
)


class Plain:
    """What the store should say, the slow and obvious way."""

    def __init__(self, entries: list[Entry]) -> None:
        self.devices: dict[str, Any] = {}
        self.last: dict[str, Any] = {}
        self.judged: set[str] = set()
        self.said: list[tuple[int, str]] = []
        for entry in entries:
            body, mac = entry.body, entry.body["mac"]
            if entry.kind == "device":
                self.devices[mac] = from_document(body)
            elif entry.kind == "gone":
                self.devices.pop(mac, None)
                self.last.pop(mac, None)
            elif entry.kind == "verdict":
                _, _, count, decided = self.last.get(mac, (None, None, 0, None))
                if body["verdict"]["role"]["decision"] != "undetermined":
                    decided = body["verdict"]
                self.last[mac] = (body["verdict"], body["capture"], count + 1, decided)
            if entry.kind in {"verdict", "finding"} and mac == j.mac(0):
                self.said.insert(0, (entry.number, entry.kind))
            if entry.kind in {"verdict", "unjudged"}:
                self.judged.add(body["capture"])


@settings(deadline=None)
@given(st.lists(TOLD, max_size=25), st.lists(st.integers(1, 6), min_size=25, max_size=25))
def test_in_whatever_pieces(told: list[j.Told], sizes: list[int]) -> None:
    entries: list[Entry] = []
    for number, (kind, body) in enumerate(told):
        last = entries[-1] if entries else None
        entries.append(follow(last, time=float(number), kind=kind, actor="halia", body=body))
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "s") as store:
        at = 0
        for size in sizes:
            store.apply(entries[max(0, at - 2) : at + size])  # some of them once more
            at += size
        plain = Plain(entries)
        assert store.position() == len(entries)
        assert {one.device.mac: one.device for one in store.devices()} == plain.devices
        there = {mac: last for mac, last in plain.last.items() if mac in plain.devices}
        assert store.last_verdicts() == there
        assert store.judged(["a", "b", "c", "d", "e"]) == plain.judged
        assert [(one.number, one.kind) for one in store.said(j.mac(0), 99)] == plain.said


KILLED = """
import sys
from pathlib import Path
from plugin.audit.journal import entries
from plugin.store.state import Store
folder = Path(sys.argv[1])
store = Store(folder / "s")
for entry in entries(folder / "j", after=store.position()):
    store.apply([entry])
    print(entry.number, flush=True)
"""


def test_killed_again_and_again(tmp_path: Path, root: Path) -> None:
    told = [j.device(n % 9) if n % 3 else j.verdict(n % 9, f"{n}") for n in range(2000)]
    j.write(tmp_path / "j", *told)
    for stop in (1, 40, 100):
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, cwd=root
        )
        assert child.stdout is not None
        said = [int(child.stdout.readline()) for _ in range(stop)]
        child.kill()
        said += map(int, child.communicate()[0].split(b"\n")[:-1])
        with Store(tmp_path / "s") as store:
            assert store.position() >= said[-1]
    found = brought_up(tmp_path / "s", tmp_path / "j")
    assert found.anew is None
    with found.store as store, rebuild(tmp_path / "t", tmp_path / "j") as made:
        assert store.devices() == made.devices()
        assert store.last_verdicts() == made.last_verdicts()
        assert store.position() == made.position() == 2000
