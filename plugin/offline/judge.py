"""One device, judged by the capture that was recorded of it: what a running Halia does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.errors import CaptureError
from plugin.offline.classify import classify_capture, needs_packets
from plugin.offline.read import read_capture

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from plugin.ml.model import Model
    from plugin.ml.verdict import Verdict
    from plugin.offline.classify import Options


def judge_capture(
    path: Path | str,
    models: Sequence[Model],
    options: Options,
    mac: str,
    *,
    warnings: tuple[str, ...] = (),
) -> Verdict:
    """Say what one device is and does, from the capture that was recorded of it.

    The capture holds every frame that names the device; what others do in it is not told. Of a
    capture that is damaged its readable part is judged, and a warning says so.

    Args:
        path: the capture.
        models: see :func:`load_models`.
        options: how; its device does not count.
        mac: the device, lower case with colons.
        warnings: what the recorder knows besides, such as frames that were missed.

    Raises:
        CaptureError: it cannot be read, or the device sent nothing in it.
    """
    watched = options.behaviours is not None
    capture = read_capture(path, packets=needs_packets(models), watched=watched)
    found = classify_capture(capture, models, options._replace(device=mac))
    if not found:
        said = "" if capture.problem is None else f" before it is {capture.problem.reason}"
        raise CaptureError(f"holds no frame that {mac} sent{said}", where=capture.source)
    (verdict,) = found
    return verdict._replace(warnings=verdict.warnings + warnings)
