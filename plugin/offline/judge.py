"""One device, judged by the capture that was recorded of it: what a running Halia does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from plugin.errors import CaptureError
from plugin.offline.classify import classify_capture, needs_packets
from plugin.offline.read import read_capture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plugin.ml.model import Model
    from plugin.ml.verdict import Verdict
    from plugin.offline.classify import Options
    from plugin.offline.pasts import Pasts


def judge_capture(
    path: Path | str,
    models: Sequence[Model],
    options: Options,
    mac: str | None,
    *,
    warnings: tuple[str, ...] = (),
    pasts: Pasts | None = None,
) -> Verdict | None:
    """Say what one device is and does, from the capture that was recorded of it.

    The capture holds every frame that names the device; what others do in it is not told. Of a
    capture that is damaged its readable part is judged, and a warning says so.

    Args:
        path: the capture.
        models: see :func:`load_models`.
        options: how; its device does not count.
        mac: the device, lower case with colons; None where the file does not tell: the one with
            the most frames, for each of them names the device.
        warnings: what the recorder knows besides, such as frames that were missed.
        pasts: what is known of devices' pasts: the device is compared with its own. It is learned
            when who calls says so (:meth:`Pasts.learn`).

    Returns:
        None if the device sent nothing: others sent to an address that may be nobody's.

    Raises:
        CaptureError: it cannot be read.
    """
    watched = options.behaviours is not None
    packets = needs_packets(models, options.normal, options.flows) or pasts is not None
    capture = read_capture(path, packets=packets, watched=watched)
    found = classify_capture(capture, models, options._replace(device=mac))
    if not found and capture.problem is not None:
        said = f"holds no frame that {mac} sent before it is {capture.problem.reason}"
        raise CaptureError(said, where=capture.source)
    if not found:
        return None
    verdict = max(found, key=lambda one: one.packets)
    if pasts is not None:
        verdict = pasts.judged(verdict, capture, Path(path).name)
    return verdict._replace(warnings=verdict.warnings + warnings)
