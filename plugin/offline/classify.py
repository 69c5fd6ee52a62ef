"""Captures in, a verdict for each of their devices out.

The composition root of ``halia classify``: it joins reading captures, the devices in them,
features and models. Imports numpy and nothing heavier.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.addresses import address_text, device_address
from plugin.errors import ModelError, OptionError, SettingsError
from plugin.ml import devices as devices_in
from plugin.ml import verdict
from plugin.ml.behaviour.parameters import Parameters
from plugin.ml.features import NEEDS_PACKETS
from plugin.ml.store import find_model, kind_of, list_models, load_any, load_model, manifest_digest
from plugin.offline.behaviours import Anomalies
from plugin.offline.confidences import SECOND, Asked, Parts, confidences_of
from plugin.offline.host_rows import HostRows
from plugin.offline.novelty import SHIPPED, Novelties, load_normals
from plugin.offline.own_networks import own_network_words
from plugin.offline.read import read_capture
from plugin.offline.suspicion import SHIPPED as SIGNS
from plugin.offline.suspicion import Suspicions, load_suspicions
from plugin.settings import data_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from plugin.ml.behaviour.finding import Finding
    from plugin.ml.devices import Devices
    from plugin.ml.flow_model import FlowModel
    from plugin.ml.model import Model
    from plugin.ml.novelty.model import Normal
    from plugin.ml.novelty.references import Memory
    from plugin.ml.suspicion import Suspicion
    from plugin.ml.verdict import Role, Verdict
    from plugin.records import Capture

__all__ = [
    "AUTO",
    "AUTOMATIC",
    "SHIPPED",
    "Options",
    "classify",
    "classify_capture",
    "find_model",
    "is_flow_model",
    "kind_of",
    "list_models",
    "load_any",
    "load_model",
    "load_models",
    "load_signs",
    "load_usual",
    "manifest_digest",
    "model_folders",
]

AUTOMATIC = "auto"
"""In place of a model's name: all of :data:`AUTO`."""
AUTO = ("device", "enterprise")
"""Models that ``auto`` runs, the one that answers when none is sure last."""
DEFAULTS = Parameters()


class Options(NamedTuple):
    """How to classify."""

    device: str | None = None
    """Only the device with this MAC or IP address."""
    window: float | None = None
    """Seconds: predict for each window and average; None takes the capture as one."""
    behaviours: Parameters | None = None
    """Look for behaviours, with these parameters, in captures read with ``watched=True``."""
    normal: Normal | None = None
    """Look for novelty with this model, in captures read as it needs (:func:`needs_packets`)."""
    memory: Memory | None = None
    """What is remembered of the site."""
    suspicion: Suspicion | None = None
    """Weigh the signs below the behaviours' thresholds, too, where behaviours are looked for."""
    explain: bool = False
    """Hold every feature against what is usual."""
    flows: Mapping[str, FlowModel] = MappingProxyType({})
    """Look for novelty in flows too, with models by role; ``*``: any other role."""


def classify(
    path: Path | str,
    *,
    model: str = "auto",
    device: str | None = None,
    window: float | None = None,
    behaviours: Parameters | None = DEFAULTS,
    normal: str | None = SHIPPED,
) -> list[Verdict]:
    """Say what each device of a capture is, and what it does that is abnormal.

    Args:
        path: the capture.
        model: a model's name or directory; ``auto`` runs the shipped ones.
        device: only the device with this MAC or IP address.
        window: seconds; see :class:`Options`.
        behaviours: parameters of the behaviours that are looked for; None looks for none, and
            suspects nobody.
        normal: a model of normal, by name or directory; None does not look for novelty.

    Raises:
        CaptureError: it cannot be opened, or is no capture.
        ModelError: there is no such model, or it is refused.
        OptionError: ``device`` is no address, or ``window`` no length.
    """
    if window is not None and not window > 0:
        raise OptionError("is no length of a window", where=f"window {window}")
    device = address_option(device)
    models = load_models(model)
    usual = load_usual(normal)
    signs = None if behaviours is None else load_signs()
    options = Options(device, window, behaviours, usual, suspicion=signs)
    watched = behaviours is not None
    capture = read_capture(path, packets=needs_packets(models, usual), watched=watched)
    return classify_capture(capture, models, options)


def model_folders(data: Path | None = None) -> list[Path]:
    """Where named models are looked for; empty if Halia has none with it."""
    try:
        return [data_folder("models", data)]
    except SettingsError:
        if data is not None:
            raise
        return []


def load_models(name: str, data: Path | None = None) -> list[Model]:
    """Load one model, or those of ``auto``.

    Args:
        name: a model's name or directory, or ``auto``.
        data: the setting ``data``, where models/ is.

    Raises:
        ModelError: there is none, or it is refused.
    """
    folders = model_folders(data)
    if name != AUTOMATIC:
        return [load_model(find_model(name, folders))]
    there = {path.name: path for path in list_models(folders)}
    found = [load_model(there[one]) for one in AUTO if one in there]
    if not found:
        raise ModelError("no models come with this Halia", advice="name one with --model PATH")
    return found


def is_flow_model(name: str, data: Path | None = None) -> bool:
    """Whether a name or path is that of a model that scores flows.

    Args:
        name: as ``--model`` takes it.
        data: the setting ``data``.

    Raises:
        ModelError: it is a file, and models are folders.
    """
    if Path(name).is_file():
        raise ModelError(
            "is a file, and a model is a folder (netml's are pickles, which are never read)",
            where=name,
            advice="make one with 'halia learn --pcap FILE --output FOLDER'",
        )
    try:
        return kind_of(find_model(name, model_folders(data))) == "flows"
    except ModelError:
        return False  # whoever loads it tells what is wrong


def load_usual(name: str | None, data: Path | None = None) -> Normal | None:
    """Load a model of normal.

    Args:
        name: its name or directory; None: none.
        data: the setting ``data``, where models/ is.

    Raises:
        ModelError: there is none (but the shipped one may be missing), or it is refused.
    """
    return None if name is None else load_normals(name, model_folders(data))


def load_signs(name: str | None = SIGNS, data: Path | None = None) -> Suspicion | None:
    """Load a model of suspicion.

    Args:
        name: its name or directory; None: none.
        data: the setting ``data``, where models/ is.

    Raises:
        ModelError: there is none (but the shipped one may be missing), or it is refused.
    """
    return None if name is None else load_suspicions(name, model_folders(data))


def needs_packets(
    models: Sequence[Model],
    normal: Normal | None = None,
    flows: Mapping[str, FlowModel] | None = None,
) -> bool:
    """Whether captures must be read with ``packets=True`` for these models."""
    if flows:
        return True
    names = [model.manifest.schema_name for model in models]
    names += [] if normal is None else [normal.manifest.schema_name]
    return not NEEDS_PACKETS.isdisjoint(names)


def classify_capture(
    capture: Capture, models: Sequence[Model], options: Options | None = None
) -> list[Verdict]:
    """Say what each device of a capture is; see :func:`classify`."""
    return list(verdicts_of(capture, models, options))


def verdicts_of(
    capture: Capture, models: Sequence[Model], options: Options | None = None
) -> Iterator[Verdict]:
    """The same one by one: a flood of forged addresses makes a million of them."""
    wanted = options or Options()
    devices = devices_in.devices_of(capture)
    sessions = np.bincount(devices.views.device, minlength=len(devices))
    addresses = devices_in.addresses_of(capture, devices)
    chosen = np.arange(len(devices))
    if wanted.device is not None:
        fits = (
            is_device(wanted.device, mac, tuple(map(address_text, ips)))
            for mac, ips in zip(devices.macs, addresses.ips, strict=True)
        )
        chosen = np.flatnonzero(np.fromiter(fits, np.bool_, len(devices)))
    if not len(chosen):
        return
    judged = _judged(devices, sessions, models, chosen)
    sets = [model.manifest.schema_name for model in models if wanted.window is None]
    sets += [] if wanted.normal is None else [wanted.normal.manifest.schema_name]
    rows = HostRows(capture, devices, sets)
    roles = _Roles(models, capture, devices, Asked(judged, rows), wanted.window)
    first_ns, last_ns = capture.totals.first_ns, capture.totals.last_ns
    seconds = 0.0 if first_ns is None or last_ns is None else (last_ns - first_ns) / SECOND
    recommended = max(model.manifest.window_seconds for model in models)
    warnings = verdict.warnings_of(seconds, recommended, cut=capture.problem is not None)
    if wanted.window is not None:
        warnings += (f"averaged over windows of {wanted.window:g} seconds",)
    anomalies = Anomalies(capture, wanted.behaviours)
    novelties = Novelties(capture, devices, chosen, wanted.normal, wanted.memory, rows=rows)
    by_flows = _by_flows(capture, wanted)
    suspicions = Suspicions(capture, devices, addresses, wanted.suspicion)
    for k in chosen.tolist():
        packets, count = int(devices.packets[k]), int(sessions[k])
        relay = verdict.relay_reason(*addresses.counts[k].tolist()) if addresses.relays[k] else None
        found = roles.of(k, packets, count, relay)
        mac, role = devices.macs[k], verdict.choose(found)
        novelty = novelties.of(k, role, packets, count)
        ips = tuple(map(address_text, addresses.ips[k]))
        anomaly = anomalies.of(mac, by_flows(novelty, mac, ips, role), suspicions.of(k))
        accused = anomaly is not None and anomaly.verdict == verdict.ANOMALOUS
        near = own_network_words(capture, devices, k) if accused else None
        yield verdict.Verdict(
            mac=mac,
            ips=ips,
            source=capture.source,
            packets=packets,
            sessions=count,
            start_ns=first_ns,
            end_ns=last_ns,
            role=role,
            roles=found if len(found) > 1 else (),
            warnings=warnings
            + anomalies.warnings(mac, relay=relay is not None)
            + (
                (verdict.posing_words(*addresses.counts[k].tolist()),)
                if addresses.posing[k]
                else ()
            )
            + (() if near is None else (near,)),
            anomaly=anomaly,
            explanation=novelties.explained(k, role, packets, count) if wanted.explain else None,
        )


def _by_flows(
    capture: Capture, wanted: Options
) -> Callable[[Finding | None, str | None, tuple[str, ...], Role], Finding | None]:
    """Joins what flows say to what is novel; their modules are loaded only where models are."""
    if not wanted.flows:
        return lambda novelty, *_: novelty
    from plugin.offline.flow_novelty import FlowNovelties, larger

    flows = FlowNovelties(capture, wanted.flows)
    return lambda novelty, mac, ips, role: larger(novelty, flows.of(mac, ips, role))


MANY = 10_000
"""So many devices with too little traffic for any model are no longer ranked one by one."""


def _judged(
    devices: Devices,
    sessions: NDArray[np.int64],
    models: Sequence[Model],
    chosen: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Which of the chosen devices the models are asked about.

    All of them; but where more than ``MANY`` have too few packets or sessions for every model, as
    in a flood of forged addresses, these are left out: they are undetermined in any case.
    """
    enough = np.zeros(len(devices), np.bool_)
    for model in models:
        evidence = devices.packets >= model.manifest.min_packets
        enough |= evidence & (sessions >= model.manifest.min_sessions)
    weighty = chosen[enough[chosen]]
    return weighty if len(chosen) - len(weighty) > MANY else chosen


class _Roles:
    """What the models say about devices; about those that none is asked, said once for all."""

    def __init__(
        self,
        models: Sequence[Model],
        capture: Capture,
        devices: Devices,
        asked: Asked,
        window: float | None,
    ) -> None:
        self._models = models
        judged = asked.chosen
        some = devices_in.chosen_of(devices, judged)
        starts = capture.sessions["start"][devices.views.session]
        origin = int(starts.min()) if window is not None and len(starts) else 0
        parts = Parts(window, origin)
        self._found = [confidences_of(model, capture, some, parts, asked) for model in models]
        self._place = dict(zip(judged.tolist(), range(len(judged)), strict=True))
        self._known: dict[tuple[int, int, str | None], tuple[Role, ...]] = {}

    def of(self, k: int, packets: int, sessions: int, relay: str | None) -> tuple[Role, ...]:
        """What each model says about device ``k``."""
        place = self._place.get(k)
        if place is not None:
            return tuple(
                verdict.decide(
                    model.manifest,
                    p[place] if covered[place] else None,
                    packets,
                    sessions,
                    relay=relay,
                )
                for model, (p, covered) in zip(self._models, self._found, strict=True)
            )
        key = (packets, sessions, relay)
        if key not in self._known:
            self._known[key] = tuple(
                verdict.decide(model.manifest, None, packets, sessions, relay=relay)
                for model in self._models
            )
        return self._known[key]


def address_option(device: str | None) -> str | None:
    """The address of ``device`` as it is written here.

    Raises:
        OptionError: it is none.
    """
    try:
        return None if device is None else device_address(device)
    except ValueError as error:
        raise OptionError(str(error), where="device") from error


def is_device(wanted: str | None, mac: str | None, ips: tuple[str, ...]) -> bool:
    """Whether a device is the one asked for, by MAC (any case, colons or dashes) or IP address."""
    if wanted is None:
        return True
    return wanted.lower().replace("-", ":") == mac or wanted.lower() in ips
