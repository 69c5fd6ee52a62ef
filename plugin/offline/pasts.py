"""The past of each device, in files of its own under the state's folder.

One file a device, named by its MAC address: what :mod:`plugin.ml.change` keeps of its earlier
windows. A file is replaced whole, so that a crash leaves the one before or the new one. One that
is torn or foreign is set aside with a warning, and the device begins anew. Beside them stands
``site.json``: for each role a row of each of its last devices, for whoever asks what is usual here.

A window is compared when its capture is judged (:meth:`Pasts.judged`), and learned when its verdict
has been said and kept (:meth:`Pasts.learn`): only then it is known what live detectors add to it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.durable import FOLDER_MODE, replace_file
from plugin.errors import OutputError
from plugin.ml.behaviour.finding import Bounded
from plugin.ml.change.document import OtherFeaturesError, from_document, to_document
from plugin.ml.change.profile import DEFAULTS, Seen, fresh, is_warm, trusted, update
from plugin.ml.change.score import score
from plugin.ml.change.site import Site, from_site, to_site
from plugin.ml.verdict import ANOMALOUS, CHANGED, KNOWN, NOVEL, is_relay, judge

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from plugin.ml.change.distance import Layout
    from plugin.ml.change.profile import Parameters, Profile
    from plugin.ml.verdict import Verdict
    from plugin.records import Capture

SECOND = 1_000_000_000
FILE_MAX = 1 << 24
"""Bytes: no file that we wrote is larger."""
SITE = "site.json"
_HELD = 4_096
"""Windows that wait for their verdict to be kept; beyond that the oldest are not learned."""
_SUFFIX = ".json"


class _Held(NamedTuple):
    """A window that was compared and is not learned yet."""

    mac: str
    row: NDArray[np.float32]
    time: float


class Pasts:
    """All of them. Used by one thread; :meth:`summary` by any.

    Args:
        folder: where the files are; it is made when it is not there.
        how: the layout of rows.
        row_of: gives the row, (n_columns,), of a device in a capture.
        parameters: how a profile learns.
        most: devices that are remembered; of more the longest unseen are forgotten.
        told: takes what an operator should know, in a line.

    Raises:
        OutputError: the folder cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        how: Layout,
        row_of: Callable[[Capture, int], NDArray[np.float32]],
        *,
        parameters: Parameters = DEFAULTS,
        most: int = 10_000,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._folder, self._how, self._row_of = folder, how, row_of
        self._parameters, self._most, self._told = parameters, most, told
        self._held: Bounded[str, _Held] = Bounded(_HELD)
        self._others, self._failing = 0, False
        try:
            folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            files = [one for one in sorted(folder.glob(f"*{_SUFFIX}")) if one.name != SITE]
            self._files = {file.stem: file.stat().st_mtime for file in files}
            """Names of files, and when each was last written."""
        except OSError as error:
            words = f"cannot be used: {error.strerror}"
            raise OutputError(words, where=str(error.filename or folder)) from error
        self._site = self._read_site()

    def judged(self, verdict: Verdict, capture: Capture, name: str) -> Verdict:
        """Compare a device with its own past.

        Args:
            verdict: what was found of it so far.
            capture: read with ``packets=True``.
            name: the capture's.

        Returns:
            The verdict, with a ``change`` if the device has a past to compare with. What is seen
            of a router is others' past, and too short a window is nobody's.
        """
        mac, end = verdict.mac, verdict.end_ns
        if mac is None or end is None or is_relay(verdict.role):
            return verdict
        if verdict.packets < self._parameters.packets:
            return verdict
        number = _number_of(capture, mac)
        row = self._row_of(capture, number)
        change = score(self.profile(mac), row, self._how, self._parameters)
        self._held.touch(name, lambda: _Held(mac, row, end / SECOND))
        if change is None:
            return verdict
        before = verdict.anomaly or judge(())
        return verdict._replace(anomaly=judge(before.behaviour, before.novelty, change))

    def learn(self, verdict: Verdict, name: str, port: str | None = None) -> None:
        """Learn the window of a verdict that was said, unless it was judged anomalous.

        Args:
            verdict: what was said.
            name: the capture's.
            port: where the device is, as its switch and port; None: nobody knows.
        """
        held = self._held.pop(name, None)
        if held is None:
            return
        said = None if verdict.anomaly is None else verdict.anomaly.verdict
        new = None if verdict.anomaly is None else verdict.anomaly.novelty
        novel = new is not None and new.score >= new.threshold
        seen = Seen(held.row, held.time, name, anomalous=said == ANOMALOUS, novel=novel)
        before = self.profile(held.mac)
        after = update(before, seen, self._how, self._parameters)
        if after is not before:
            self._write(held.mac, after)
        role = verdict.role
        if role.decision == KNOWN and said not in {ANOMALOUS, CHANGED, NOVEL}:
            site = self._site.noted(role.labels[0], held.mac, held.row, held.time, port)
            if site is not self._site:
                self._site = site
                self._put(SITE, to_site(site))

    def profile(self, mac: str) -> Profile:
        """What is known of a device's past; a fresh one where nothing is, or nothing usable."""
        name = _name(mac)
        if name not in self._files:
            return fresh(self._how)
        file = self._folder / (name + _SUFFIX)
        try:
            return _past_in(file, mac, self._how)
        except OtherFeaturesError as error:
            self._others += 1
            if self._others == 1:
                self._told(f"{file} {error}: this device, and others like it, begin anew")
        except (KeyError, TypeError, ValueError, OSError) as error:
            self._set_aside(file, error)
        self._files.pop(name, None)
        return fresh(self._how)

    def own(self, mac: str) -> NDArray[np.float32]:
        """(n, n_columns) rows of a device's own earlier windows, in order of time; n may be 0."""
        return trusted(self.profile(mac), self._parameters)

    def site(self, role: str, besides: str | None = None) -> NDArray[np.float32]:
        """(n, n_columns) a row of each device that this site lately had in a role.

        Args:
            role: the label of the known role.
            besides: a device whose row is left out.
        """
        return self._site.rows(role, besides)

    def summary(self, mac: str) -> dict[str, Any] | None:
        """What is known of a device's past, for people; None: nothing. Called in any thread."""
        try:
            past = _past_in(self._folder / (_name(mac) + _SUFFIX), mac, self._how)
        except (KeyError, TypeError, ValueError, OSError):
            return None
        return {
            "windows": past.learned,
            "since": past.since,
            "last": float(past.times[-1]) if len(past.times) else None,
            "warm": is_warm(past, self._parameters),
            "needs": {"windows": self._parameters.windows, "seconds": self._parameters.span},
            "waiting": len(past.waiting),
        }

    def forget(self, mac: str) -> None:
        """Forget a device's past."""
        if self._files.pop(_name(mac), None) is not None:
            (self._folder / (_name(mac) + _SUFFIX)).unlink(missing_ok=True)

    def _read_site(self) -> Site:
        file = self._folder / SITE
        if not file.exists():
            return Site(self._how)
        try:
            return from_site(_read(file), self._how)
        except OtherFeaturesError as error:
            self._told(f"{file} {error}: what is usual at this site is learned anew")
        except (KeyError, TypeError, ValueError, OSError) as error:
            self._set_aside(file, error)
        return Site(self._how)

    def _set_aside(self, file: Path, error: Exception) -> None:
        """Say that a file is of no use, and put it where it is in nobody's way."""
        torn = file.with_suffix(".torn")
        self._told(f"{file} {error}: its device begins anew; what it was is in {torn.name}")
        try:
            file.replace(torn)
        except OSError as problem:  # the next window replaces it
            self._told(f"{file} cannot be set aside: {problem.strerror}")

    def _write(self, mac: str, profile: Profile) -> None:
        name = _name(mac)
        self._files[name] = profile.times[-1] if len(profile.times) else 0.0
        while len(self._files) > self._most:
            oldest = min(self._files, key=self._files.__getitem__)
            del self._files[oldest]
            (self._folder / (oldest + _SUFFIX)).unlink(missing_ok=True)
        if name in self._files:
            self._put(name + _SUFFIX, {"mac": mac, "profile": to_document(profile)})

    def _put(self, name: str, document: dict[str, Any]) -> None:
        """Write a file; where that fails, say so once, and go on with what is on the disk."""
        text = json.dumps(document, separators=(",", ":")) + "\n"
        try:
            replace_file(self._folder / name, text.encode())
        except OSError as error:
            if not self._failing:
                self._told(f"{self._folder / name} cannot be written: {error.strerror}")
            self._failing = True
        else:
            self._failing = False


def _past_in(file: Path, mac: str, how: Layout) -> Profile:
    """The past of a device in its file.

    Raises:
        OSError: it cannot be read.
        OtherFeaturesError: it was learned with another feature set.
        KeyError, TypeError, ValueError: it holds no past of this device.
    """
    document = _read(file)
    if document["mac"] != mac:
        raise ValueError(f"is the past of {document['mac']}")
    return from_document(document["profile"], how)


def _read(file: Path) -> dict[str, Any]:
    """The object in a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it holds none.
    """
    with file.open("rb") as stream:
        content = stream.read(FILE_MAX + 1)
    if len(content) > FILE_MAX:
        raise ValueError("is too large")
    try:
        document = json.loads(content)
    except (RecursionError, ValueError) as error:
        raise ValueError("is torn, or no file of ours") from error
    if not isinstance(document, dict):
        raise ValueError("is no file of ours")  # noqa: TRY004 - it is what it holds
    return document


def _name(mac: str) -> str:
    return mac.replace(":", "")


def _number_of(capture: Capture, mac: str) -> int:
    """A device's place in the capture's table of link addresses."""
    wanted = np.frombuffer(bytes.fromhex(mac.replace(":", "")), np.uint8)
    found = np.flatnonzero((capture.macs["mac"] == wanted).all(axis=1))
    return int(found[0]) if len(found) else -1
