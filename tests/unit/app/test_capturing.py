"""The capture of a run on a real interface: files, events, the stream, and a NIC that goes."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from plugin.app import capturing, compose
from plugin.app.capturing import Capturing
from plugin.app.inbox import Inbox
from plugin.app.watching import Watching
from plugin.app.worker import Worker
from plugin.capture.rotate import ident_of
from plugin.engine import events as ev
from plugin.errors import CaptureError, HaliaError, OutputError
from plugin.offline.classify import DEFAULTS
from plugin.offline.read import read_capture
from tests import attacks, networks
from tests import frames as f
from tests.apps import PATIENCE, settings
from tests.labs import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

TALK = f.ethernet(f.ipv4(f.tcp(1, 2, f.ACK, b"payload"), 6), src=f.A, dst=f.B)
A, B = f.A.hex(":"), f.B.hex(":")


class Rig:
    """A capture of the test's own wire."""

    def __init__(self, folder: Path, **flags: Any) -> None:
        given = {"capture__iface": networks.MIRROR, "capture__min_free": 0, **flags}
        found = settings(folder, "capture: {ring: 1M}\n", **given)
        self.inbox = Inbox()
        self.items: list[Any] = []
        self.watching = Watching(DEFAULTS, self.inbox)
        self.capturing = Capturing(
            compose.capture_order(found),
            lambda: compose.trace_files(found, lambda _: None),
            self.inbox,
            self.watching,
        )

    def of(self, kind: type[Any]) -> list[Any]:
        """The events of one kind that came so far."""
        self.items += self.inbox.take(0)
        return [item for item in self.items if isinstance(item, kind)]

    def wait(self, kind: type[Any], count: int = 1) -> list[Any]:
        wait_for(lambda: len(self.of(kind)) >= count, kind.__name__)
        return self.of(kind)

    @contextmanager
    def running(self) -> Iterator[None]:
        worker = Worker("capturing", self.inbox, self.capturing.run)
        worker.start()
        yield
        assert worker.stop(PATIENCE)


@pytest.fixture
def wire() -> Iterator[None]:
    with networks.own_network():
        yield


def health(rig: Rig) -> tuple[str | None, str | None]:
    return rig.capturing.reader, rig.capturing.problem


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.usefixtures("wire")
def test_frames_come_to_files_events_and_the_stream(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    assert rig.capturing.open() == ([], [])
    assert rig.capturing.reader in {"ring", "plain"}
    networks.send(*[TALK] * 5)  # it waits for the thread
    with rig.running():
        opened = rig.wait(ev.CaptureOpened, 2)
        assert {one.mac for one in opened} == {A, B}
        (seen, *_) = rig.wait(ev.CaptureSeen)
        assert {mac for mac, _ in seen.latest} == {A, B}
    finished = rig.of(ev.CaptureFinished)
    assert {(one.mac, one.missed, one.why) for one in finished} == {(A, 0, "stop"), (B, 0, "stop")}
    assert {one.capture for one in finished} == {one.capture for one in opened}
    for one in finished:
        assert one.path == str(tmp_path / "captures" / one.capture)
        assert read_capture(one.path).totals.packets == 5
    assert rig.capturing.counters is not None
    assert (rig.capturing.counters.frames, rig.capturing.counters.unread) == (5, 0)
    assert rig.capturing.problem is None


@pytest.mark.usefixtures("wire")
def test_behaviours_are_found_in_the_stream(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.capturing.open()
    networks.send(*(one.data for one in attacks.poisoning()))
    with rig.running():
        rig.wait(ev.CaptureOpened, 2)
    worker = Worker("watching", rig.inbox, rig.watching.run)
    worker.stopping.set()
    worker.start()
    assert worker.stop(PATIENCE)
    assert [one.found.finding.name for one in rig.of(ev.Behaved)] == ["address-conflict"] * 2


@pytest.mark.usefixtures("wire")
def test_an_interface_that_goes_and_comes_back_is_captured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capturing, "RETRY_SECONDS", 0.02)
    rig = Rig(tmp_path)
    rig.capturing.open()
    networks.send(TALK)
    with rig.running():
        rig.wait(ev.CaptureOpened, 2)
        networks.unplug()
        (down,) = rig.wait(ev.Noticed)
        assert down.kind == "capture_down"
        assert rig.capturing.problem is not None
        assert rig.capturing.problem in down.text
        assert {one.mac for one in rig.wait(ev.CaptureFinished, 2)} == {A, B}
        before = descriptors()
        tried = count_tries(rig, monkeypatch)
        wait_for(lambda: len(tried) > 20, "more tries")
        assert descriptors() < before + 10  # one try may be under way, and holds a few
        assert len(rig.of(ev.Noticed)) == 1
        networks.plug_in()
        assert rig.wait(ev.Noticed, 2)[1].kind == "capture_up"
        wait_for(lambda: health(rig) == ("ring", None), "a link that is up")

        def heard() -> bool:  # a link that has just come up may lose what comes first
            networks.send(TALK)
            return len(rig.of(ev.CaptureOpened)) >= 4

        wait_for(heard, "frames")
    finished = {one.capture for one in rig.of(ev.CaptureFinished)}
    assert finished == {one.capture for one in rig.of(ev.CaptureOpened)}


@pytest.mark.usefixtures("wire")
def test_an_interface_that_is_set_down_and_only_then_goes_comes_back_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capturing, "RETRY_SECONDS", 0.02)
    rig = Rig(tmp_path)
    rig.capturing.open()

    def kinds() -> list[str]:
        return [one.kind for one in rig.of(ev.Noticed)]

    with rig.running():
        networks.ip("link", "set", networks.MIRROR, "down")
        wait_for(lambda: kinds() == ["capture_down"], "the link is down")
        assert f"{networks.MIRROR} is down" in str(rig.capturing.problem)
        networks.ip("link", "set", networks.MIRROR, "up")
        wait_for(lambda: kinds() == ["capture_down", "capture_up"], "the link is up")
        assert rig.capturing.problem is None
        networks.ip("link", "set", networks.MIRROR, "down")
        wait_for(lambda: len(kinds()) == 3, "the link is down again")
        networks.unplug()
        wait_for(lambda: len(kinds()) == 4, "it has gone")
        assert "has gone" in rig.of(ev.Noticed)[-1].text
        networks.plug_in()
        wait_for(lambda: health(rig) == ("ring", None), "the capture again")
        assert kinds()[-1] == "capture_up"


@pytest.mark.usefixtures("wire")
def test_why_it_cannot_come_back_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capturing, "RETRY_SECONDS", 0.02)
    rig = Rig(tmp_path)
    rig.capturing.open()
    with rig.running():
        networks.unplug()
        rig.wait(ev.Noticed)
        with monkeypatch.context() as patched:
            patched.setattr(capturing, "open_feed", refused)
            networks.plug_in()
            (_, why) = rig.wait(ev.Noticed, 2)
            assert (why.kind, "not permitted" in why.text) == ("capture_down", True)
            tried = count_tries(rig, monkeypatch)
            wait_for(lambda: len(tried) > 5, "more tries")
            assert len(rig.of(ev.Noticed)) == 2
            assert "not permitted" in str(rig.capturing.problem)
        assert rig.wait(ev.Noticed, 3)[2].kind == "capture_up"


def refused(_: object) -> Any:
    raise CaptureError("capturing is not permitted", where=networks.MIRROR)


def count_tries(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    tries: list[None] = []
    really = rig.capturing.open

    def again() -> Any:
        tries.append(None)
        return really()

    monkeypatch.setattr(rig.capturing, "open", again)
    return tries


@pytest.mark.usefixtures("wire")
def test_what_a_killed_run_left_is_finished_and_told_apart_from_the_rest(tmp_path: Path) -> None:
    folder = tmp_path / "captures"
    folder.mkdir()
    whole, part = (f"trace_{m.hex()}_2023-11-14_22_13_20.pcap" for m in (f.A, f.B))
    content = f.pcap(f.Frame(1, TALK))
    (folder / whole).write_bytes(content)
    (folder / f"{part}.part").write_bytes(content + b"torn")
    rig = Rig(tmp_path)
    opened = rig.capturing.open()
    assert opened.kept == [whole]
    assert [(one.capture, one.mac, one.why) for one in opened.recovered] == [(part, B, "recovered")]
    assert ident_of(part) is not None
    with rig.running():
        pass
    assert rig.of(ev.CaptureFinished) == []


@pytest.mark.usefixtures("wire")
def test_a_folder_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.capturing.open()
    before = descriptors()
    with pytest.raises(OutputError, match="another capture writes here"):
        Rig(tmp_path).capturing.open()
    assert descriptors() == before
    with rig.running():
        pass


@pytest.mark.usefixtures("wire")
def test_no_such_interface_is_an_error_that_keeps_nothing_open(tmp_path: Path) -> None:
    before = descriptors()
    with pytest.raises(HaliaError, match="no-such-nic"):
        Rig(tmp_path, capture__iface="no-such-nic").capturing.open()
    assert descriptors() == before


@pytest.mark.usefixtures("wire")
def test_files_are_held_while_nothing_can_be_kept(tmp_path: Path) -> None:
    rig = Rig(tmp_path, capture__rotate_time=0.001)
    rig.capturing.hold(on=True)  # before it is open
    rig.capturing.open()
    networks.send(TALK)
    with rig.running():
        rig.wait(ev.CaptureOpened, 2)
        rig.wait(ev.CaptureSeen)
        assert rig.capturing._files is not None
        assert rig.capturing._files.held
        assert rig.of(ev.CaptureFinished) == []
        rig.capturing.hold(on=False)
        assert {one.why for one in rig.wait(ev.CaptureFinished, 2)} == {"time"}
