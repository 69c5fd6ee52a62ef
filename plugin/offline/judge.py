"""TEMP."""

from __future__ import annotations
from plugin.offline.classify import classify_capture, needs_packets, Options
from plugin.offline.read import read_capture
from plugin.offline.behaviours import behaviours_in
from plugin.ml.verdict import anomaly_of
from plugin.errors import CaptureError


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
