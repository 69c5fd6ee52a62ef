"""Which flows of another capture are unusual: the twin of netml's classification by library."""

from plugin.netml import PCAP, load_data

(model, train_history) = load_data("out/OCSVM-results.dat")

pcap = PCAP(
    "unclassified.pcap",
    flow_ptks_thres=2,
    random_state=42,
    verbose=10,
)

# extract flows from the capture; with the model's interval they are cut as those it has learned
# (with q_interval=0.9, as in netml's README, by an interval of this capture: that runs too)
pcap.pcap2flows(interval=model.spec_.interval)

# extract features from each flow; a model makes rows of the width that it has learned itself
pcap.flow2features("IAT", fft=False, header=False)

# 1: usual, -1: not
for fid, verdict in zip(pcap.fids, model.predict(pcap.features), strict=True):
    print(*fid, verdict)
