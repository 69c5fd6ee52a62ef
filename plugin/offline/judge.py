"""TEMP."""

from __future__ import annotations

from plugin.errors import CaptureError
from plugin.ml.verdict import anomaly_of
from plugin.offline.behaviours import behaviours_in
from plugin.offline.classify import Options, classify_capture, needs_packets
from plugin.offline.read import read_capture


def judge_capture(path, models, parameters, *, mac, warnings=()):
    capture = read_capture(path, packets=needs_packets(models))
    verdicts = classify_capture(capture, models, Options(device=mac))
    if not verdicts:
        raise CaptureError("holds no frame of its device", where=str(path))
    best = max(verdicts, key=lambda v: v.packets)
    found = tuple(f.finding for f in behaviours_in(path, parameters) if f.mac == best.mac)
    return best._replace(
        source=str(path), anomaly=anomaly_of(found), warnings=(*best.warnings, *warnings)
    )
