"""netml's flows and features of a capture: run by the Python that has netml.

Usage: PYTHON -I netml_flows.py CAPTURE ARRAYS.npz FEATURE-FFT-HEADER ...   (IAT-0-1 and the like)

Writes ``interval``, ``counts`` (packets a sub-flow), ``flows`` (its 5-tuple as JSON) and a table
for each feature asked for. Prints a JSON object: CPU seconds from the capture to flows and to each
table, and versions. It imports nothing of Halia's: that Python need not have it.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from importlib.metadata import version
from typing import Any


def main() -> None:
    """Read, make the tables, and save them."""
    warnings.filterwarnings("ignore")
    import numpy as np
    from netml.pparser.parser import PCAP

    capture, made, *asked = sys.argv[1:]
    begun = time.process_time()
    pcap = PCAP(capture, flow_ptks_thres=2, random_state=42, verbose=0)
    pcap.pcap2flows(q_interval=0.9)
    seconds = {"flows": time.process_time() - begun}
    tables: dict[str, Any] = {}
    for name in asked:
        feature, fft, header = name.rsplit("-", 2)
        begun = time.process_time()
        pcap.flow2features(feature, fft=fft == "1", header=header == "1")
        seconds[name] = time.process_time() - begun
        tables[name] = pcap.features
    flows = [json.dumps(flow[0]) for flow in pcap.flows]
    np.savez_compressed(
        made,
        interval=np.float64(pcap.interval),
        counts=np.array([len(flow[1]) for flow in pcap.flows], dtype=np.int64),
        flows=np.array(flows),
        **tables,
    )
    versions = {name: version(name) for name in ("netml", "scapy", "numpy")}
    print(json.dumps({"cpu_s": seconds, "versions": versions}))


if __name__ == "__main__":
    main()
