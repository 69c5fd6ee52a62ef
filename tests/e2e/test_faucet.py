"""The hook in a real network: Faucet's feed, and rules read back from the switch.

That each frame is copied once and ACLs are untouched is in test_run_frames.py.
"""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from plugin import events as e
from plugin.faucet.files import file_hash
from plugin.faucet.hook import INCLUDE, Layout, Stages, Target, render, watch
from plugin.faucet.transport import EventSocket
from tests.labs import python, wait_for
from tests.numbered import COPIES, HOSTS, PLAIN, Sent, network


def test_the_event_feed_names_devices_and_loaded_files(tmp_path: Path) -> None:
    with network(tmp_path) as net:
        items: list[e.FeedItem] = []
        reader = EventSocket(net.lab.event_socket, items.append, backoff=(0.05, 0.2))
        thread = threading.Thread(target=reader.run)
        thread.start()
        try:
            net.settle()

            def learned() -> bool:
                found = {(i.mac, i.port) for i in items if isinstance(i, e.DeviceLearned)}
                return {mac for mac, _ in found} >= {net.macs[host] for host in HOSTS}

            wait_for(learned, "all devices in the feed")
            net.halia("install")
            include = net.lab.faucet_yaml.parent / INCLUDE
            wanted = e.LoadedFile(path=str(include), sha256=file_hash(include.read_text()))

            def loaded() -> bool:
                return any(wanted in i.files for i in items if isinstance(i, e.ConfigLoaded))

            wait_for(loaded, "our include in the feed, with its hash")
            restarts = [i.restart for i in items if isinstance(i, e.DatapathRestarted)]
            assert "cold" in restarts  # as was said before
            net.lab.signal("faucet", signal.SIGKILL)
            wait_for(lambda: any(isinstance(i, e.FeedClosed) for i in items), "the feed's end")
            net.lab.start_daemon("faucet")
            wait_for(lambda: any(isinstance(i, e.FaucetRestarted) for i in items), "a new feed")
            assert not [i for i in items if isinstance(i, e.Garbage)]
        finally:
            reader.stop()
            thread.join()
            reader.close()


PROBE = """
    import json, sys, time
    from plugin.faucet.flows import Query
    from plugin.faucet.probe import Probe
    with Probe() as probe:
        print("ready", flush=True)
        for line in sys.stdin:
            want = json.loads(line)
            end = time.monotonic() + 60
            while time.monotonic() < end:
                found = probe.flows(Query(1, table=0, cookie=7)) if probe.datapaths() else ()
                if len(found) == want["flows"] and sum(f.packets for f in found) >= want["packets"]:
                    break
                time.sleep(0.05)
            print(json.dumps([f._asdict() for f in found]), flush=True)
"""


def test_rules_are_read_back_from_the_switch(tmp_path: Path) -> None:
    pytest.importorskip("os_ken", reason="os-ken (extra sdn) is not installed")
    with network(tmp_path) as net:
        net.halia("install", "--mirror", "none")
        net.hooked(True)
        database = f"--db=unix:{net.lab.folder}/ovs/db.sock"
        target = 'target="tcp:127.0.0.1:6654"'
        more = ["connection_mode=out-of-band", "max_backoff=1000"]
        words = ["--", "--id=@c", "create", "controller", target, *more]
        beside = ["--", "add", "bridge", "sw1", "controller", "@c"]
        done = net.lab.run(None, ["ovs-vsctl", database, *words, *beside])
        assert done.returncode == 0, done.stderr
        pipe = subprocess.PIPE
        with net.lab.start(None, python(PROBE), stdin=pipe, stdout=pipe) as program:
            questions, answers = program.popen.stdin, program.popen.stdout
            assert questions is not None
            assert answers is not None
            assert answers.readline() == "ready\n"

            def asked(flows: int, packets: int) -> list[dict[str, Any]]:
                questions.write(json.dumps({"flows": flows, "packets": packets}) + "\n")
                questions.flush()
                found: list[dict[str, Any]] = json.loads(answers.readline())
                assert len(found) == flows
                return found

            asked(0, 0)
            include = net.lab.faucet_yaml.parent / INCLUDE
            layout = Layout(mode="none", targets=(Target("sw1", "col"),))
            include.write_text(render(layout, Stages(watches=watch(net.macs["h1"], 7))))
            net.lab.reload()
            # One flow for each end of h1, at each hooked port: before that, nothing is proven.
            flows = asked(2 * len(HOSTS), 0)
            assert Counter(f["match"]["in_port"] for f in flows) == {1: 2, 2: 2, 3: 2, 5: 2}
            net.settle()
            before = sum(f["packets"] for f in asked(len(flows), 0))
            net.send([Sent("h1", "h2", PLAIN), Sent("h2", "h1", PLAIN)] * COPIES)
            after = asked(len(flows), before + 2 * COPIES)
            assert sum(f["packets"] for f in after) == before + 2 * COPIES
