"""Write a sample capture for each behaviour, and expected.csv: what is found in which device.

Usage: python scripts/behaviour_samples.py [FOLDER]   (configs/behaviours; a test compares)

The frames are made by hand in tests/attacks.py: one bad device, headers only. Run
`halia classify FILE` on each: what expected.csv says is found, and nothing else.
"""

from __future__ import annotations

import csv
import gzip
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "configs" / "behaviours"


def write(folder: Path) -> None:
    """Write all files into a folder; what is there under their names is replaced."""
    sys.path.insert(0, str(ROOT))
    from tests import attacks, frames

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "expected.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(("path", "mac", "behaviour"))
        for name, sample in attacks.SAMPLES.items():
            path = folder / f"{name}.pcap.gz"
            content = frames.pcap(*sorted(sample), nano=False)
            path.write_bytes(gzip.compress(content, mtime=0))
            for mac in (attacks.BAD_TEXT, *attacks.ALSO.get(name, ())):
                rows.writerow((path.name, mac, name))


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
