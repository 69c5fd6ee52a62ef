"""A capture to features of its flows, with labels: the twin of netml's "PCAP to features"."""

from plugin.netml import PCAP, dump_data

pcap = PCAP(
    "data/demo.pcap",
    flow_ptks_thres=2,
    random_state=42,
    verbose=10,
)

# extract flows from the capture
pcap.pcap2flows(q_interval=0.9)

# label each flow (optional); flows without a label are left out
pcap.label_flows(label_file="data/demo.csv")

# extract features from each flow: the times between its packets
pcap.flow2features("IAT", fft=False, header=False)

# keep them
dump_data((pcap.features, pcap.labels), out_file="out/IAT-features.dat")

# minutes, as netml's
print(pcap.features.shape, pcap.pcap2flows.tot_time, pcap.flow2features.tot_time)
