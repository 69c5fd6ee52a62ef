"""``PCAP``: a capture's flows and their features, by netml's calls."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plugin.errors import OptionError
from plugin.flows.cut import cut
from plugin.flows.cut import interval as interval_of
from plugin.flows.features import matrix
from plugin.flows.spec import plan
from plugin.netml.rows import Features, Whose, features
from plugin.netml.timed import Timed
from plugin.offline.flow_learning import UNLABELLED, read_labels, rows_of
from plugin.offline.flows import read_flows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.flows.cut import Last
    from plugin.flows.records import Flows
    from plugin.flows.spec import Spec


class PCAP:
    """A capture.

    Attributes:
        flows: after ``pcap2flows``: the parts of flows, as columns
            (:class:`plugin.flows.records.Flows`).
        interval: after ``pcap2flows``: seconds; longer pauses part a flow.
        labels: after ``label_flows``: (n,) 0 normal, 1 abnormal.
        features: after ``flow2features``: (n, columns).
        spec: after ``flow2features``: how these were made.
        fids: the flows' 5-tuples as netml has them: addresses, ports, protocol.
        pcap2flows, label_flows, flow2features: the steps; each has ``tot_time``, minutes.
    """

    def __init__(
        self,
        pcap_file: str | Path,
        flow_ptks_thres: int = 2,
        *,
        flow_pkts_thres: int | None = None,
        verbose: int = 10,
        random_state: int = 42,
        last: Last = "drop",
    ) -> None:
        """Name the capture; nothing is read yet.

        Args:
            pcap_file: pcap or pcapng, packed or not, or a folder of captures.
            flow_ptks_thres: flows of fewer packets are left out (netml's spelling).
            flow_pkts_thres: the same.
            verbose: nothing is printed, whatever it is.
            random_state: kept; nothing here is random.
            last: the last part of a flow that was parted: netml drops it, ``"keep"`` keeps it.
        """
        self.pcap_file = Path(pcap_file)
        self.flow_ptks_thres = flow_ptks_thres if flow_pkts_thres is None else flow_pkts_thres
        self.verbose = verbose
        self.random_state = random_state
        self.last: Last = last
        self.q_interval = 0.9
        self.interval = 0.0
        self.labels: NDArray[np.int64] | None = None
        self.spec: Spec | None = None
        self._timeouts = (600.0, 600.0)
        self._flows: Flows | None = None
        self._features: Features | None = None
        self._rows: NDArray[np.void] | None = None
        self._macs: Any = None
        self.pcap2flows = Timed(self._pcap2flows)
        self.label_flows = Timed(self._label_flows)
        self.flow2features = Timed(self._flow2features)

    @property
    def flows(self) -> Flows:
        """See the class.

        Raises:
            OptionError: ``pcap2flows`` was not called yet.
        """
        if self._flows is None:
            raise OptionError("there are no flows yet", advice="call pcap2flows() first")
        return self._flows

    @property
    def features(self) -> Features:
        """See the class.

        Raises:
            OptionError: ``flow2features`` was not called yet.
        """
        if self._features is None:
            raise OptionError("there are no features yet", advice="call flow2features() first")
        return self._features

    @property
    def fids(self) -> list[tuple[str, str, int, int, int]]:
        """See the class."""
        from plugin.addresses import address_text

        return [
            (
                address_text(key["src_ip"].tobytes()),
                address_text(key["dst_ip"].tobytes()),
                int(key["src_port"]),
                int(key["dst_port"]),
                int(key["proto"]),
            )
            for key in self.flows.keys
        ]

    def _pcap2flows(
        self,
        interval: float = 0.0,
        q_interval: float = 0.9,
        *,
        tcp_timeout: float = 600,
        udp_timeout: float = 600,
    ) -> None:
        """Read the flows and part them.

        Args:
            interval: seconds; longer pauses part a flow; 0: the quantile decides.
            q_interval: quantile of the flows' durations that the interval is.
            tcp_timeout: seconds without a packet that end a TCP flow.
            udp_timeout: the same of UDP.

        Raises:
            CaptureError: the capture cannot be read at all.
            InputError: it has no flows, and so no interval.
            OptionError: an argument out of its range.
        """
        self._timeouts = (float(tcp_timeout), float(udp_timeout))
        found = read_flows(
            [self.pcap_file],
            timeouts=self._timeouts,
            min_packets=max(2, self.flow_ptks_thres),
            last=self.last,
        )
        self.q_interval = q_interval
        self.interval = interval if interval > 0 else interval_of(found.flows, q_interval)
        self._flows = cut(found.flows, self.interval, max(2, self.flow_ptks_thres), self.last)
        self._macs = found.macs
        self.labels = self._features = self.spec = None

    def _label_flows(
        self,
        label_file: str | Path | None = None,
        label: int = 0,
        *,
        mapping: str | Path | None = None,
    ) -> None:
        """Label the flows; those that a file does not name are left out.

        Args:
            label_file: CSV with the columns of CIC-IDS-2017, Zeek's conn.log, Suricata's eve.json.
            label: the label of all flows, where there is no file: 0 normal, 1 abnormal.
            mapping: what the columns of another CSV mean.

        Raises:
            InputError: the file is none of these, or names no flow.
        """
        self._features = self.spec = None
        if label_file is None:
            self.labels = np.full(len(self.flows), label, np.int64)
            return
        from plugin.offline.flow_labels import must_match

        file = read_labels(Path(label_file), None if mapping is None else Path(mapping))
        found = must_match(self.flows, file)
        kept = found != UNLABELLED
        self._flows = self.flows.take(kept)
        self.labels = found[kept].astype(np.int64)

    def _flow2features(
        self,
        feat_type: str = "IAT",
        *,
        fft: bool = False,
        header: bool = False,
        like: Spec | None = None,
    ) -> None:
        """Make a row of features of each flow.

        Args:
            feat_type: IAT, SIZE, IAT_SIZE, STATS, SAMP_NUM or SAMP_SIZE; ``FFT-`` before it is
                ``fft``.
            fft: transform the values (Fourier).
            header: TCP flags and TTLs too.
            like: make the rows that a model needs (its ``spec``) instead.

        Raises:
            InputError: there are no flows.
            OptionError: no such feature.
        """
        flows = self.flows
        name = feat_type.upper()
        self.spec = like or plan(
            flows,
            name.removeprefix("FFT-"),
            interval=self.interval,
            fft=fft or name.startswith("FFT-"),
            header=header,
            q=self.q_interval,
            min_packets=max(2, self.flow_ptks_thres),
            timeouts=self._timeouts,
            last=self.last,
        )
        whose = Whose(rows_of(flows, self._macs), (str(self.pcap_file),))
        self._features = features(matrix(flows, self.spec), self.spec, flows=flows, whose=whose)
