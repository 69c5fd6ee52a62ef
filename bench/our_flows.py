"""A capture to rows of features, as ``bench flows`` times it: a process of its own, start included.

Usage: python -m bench.our_flows CAPTURE FEATURE ...

Prints a JSON object: packets, and rows of each feature.
"""

from __future__ import annotations

import json
import sys

from plugin.flows.cut import cut, interval
from plugin.flows.features import matrix
from plugin.flows.spec import plan
from plugin.offline.flows import read_flows


def main() -> None:
    """Read, cut as netml does, and make the rows."""
    capture, *asked = sys.argv[1:]
    read = read_flows([capture], last="drop")
    seconds = interval(read.flows)
    parts = cut(read.flows, seconds, last="drop")
    rows = {
        feature: matrix(parts, plan(parts, feature, interval=seconds, last="drop")).shape
        for feature in asked
    }
    print(json.dumps({"packets": read.totals.packets, "rows": rows}))


if __name__ == "__main__":
    main()
