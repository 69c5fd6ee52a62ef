"""A real scheduler and real workers, processes on loopback; workers are killed by SIGKILL."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import numpy as np
import pytest

from plugin.errors import OptionError, PeerError
from plugin.flows.variant import Variant
from plugin.ml.flow_search import grid
from plugin.offline import dask_spread, flow_batch, flow_searching
from plugin.offline.dask_spread import Cluster, OnDask, on_worker, versions
from plugin.offline.flow_batch import Place, extract_many
from plugin.offline.flow_learning import Input, Wanted
from plugin.offline.flow_searching import Plan, search
from tests import clusters, tasks
from tests.certificates import authority, signed

CAPTURES = ("zeek_kinit_kdc", "airprint_printer4", "zeek_smb3_server", "netml_demo")
PLAN = Plan([Variant("STATS")], grid({"kde": {"bandwidth": [0.5, 1.0]}}), splits=6, seed=1000)


@pytest.fixture
def captures(root: Path, tmp_path: Path) -> list[Input]:
    """Four captures; a worker that reads the second is killed in the middle of it."""
    found = []
    for number, name in enumerate(CAPTURES):
        path = tmp_path / f"{'deadly-' if number == 1 else ''}{name}.pcap"
        shutil.copy(root / "tests/data/captures" / f"{name}.pcap", path)
        found.append(Input(path, None, number % 2))
    return found


def test_killed_workers_cost_time_and_not_results(
    captures: list[Input], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = Wanted(feature="STATS")
    here = Place(tmp_path / "here")
    expected = extract_many(captures, wanted, here).extracted()
    best = search(captures, wanted, PLAN, here)

    monkeypatch.setenv("DEADLY_MARK", str(tmp_path / "deadly"))
    monkeypatch.setattr(flow_batch, "labelled_parts", tasks.deadly_parts)
    monkeypatch.setattr(flow_searching, "attempt", tasks.deadly_attempt)
    with clusters.cluster(tmp_path / "cluster") as cluster:
        assert cluster.address.startswith(f"tcp://{clusters.LOOPBACK}:")
        with OnDask(Cluster(cluster.address, patience=20.0)) as spread:
            place = Place(tmp_path / "there", spread)
            found = extract_many(captures, wanted, place).extracted()
            assert cluster.dead() == [-9]
            cluster.more()  # one that comes later takes part
            assert search(captures, wanted, PLAN, place) == best
            assert cluster.dead() == [-9, -9]
            # What a function raises is its answer: it is not tried again elsewhere.
            with pytest.raises(ValueError, match="task 2 is wrong"):
                list(spread.map(tasks.refusing, range(4), 2))
        with OnDask(Cluster(cluster.address, patience=0.0)) as spread:
            cluster.started[-1].kill()
            with pytest.raises(PeerError, match="has had no worker"):
                list(spread.map(tasks.square, range(4), 1))
    assert found.spec == expected.spec
    for ours, theirs in zip(found[1:4], expected[1:4], strict=True):
        assert np.array_equal(np.asarray(ours), np.asarray(theirs))
    assert found.features.tobytes() == expected.features.tobytes()


def test_over_tls_and_not_without_a_certificate(tmp_path: Path) -> None:
    by = authority(tmp_path / "keys")
    own = signed(by, "cluster", "IP:127.0.0.1")
    keys = clusters.Keys(by.cert, own)
    with clusters.cluster(tmp_path / "cluster", workers=1, keys=keys) as cluster:
        assert cluster.address.startswith("tls://")
        trusted = Cluster(cluster.address, by.cert, own.cert, own.key, patience=20.0)
        with OnDask(trusted) as spread:
            assert list(spread.map(tasks.square, range(3), 7)) == [0.0, 7.0, 14.0]
        nobody = OnDask(Cluster(cluster.address))
        with pytest.raises(OptionError, match="has no certificates"), nobody:
            raise AssertionError


def test_nobody_there_is_told_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    import distributed

    def client(*_: object, **__: object) -> None:
        raise AssertionError("Dask's client tries for ten seconds")

    monkeypatch.setattr(distributed, "Client", client)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = OnDask(Cluster(f"tcp://127.0.0.1:{free.getsockname()[1]}"))
        with pytest.raises(PeerError, match=r"no Dask scheduler answers: .*refused"), nobody:
            raise AssertionError


@pytest.mark.parametrize(
    "address",
    ["", "127.0.0.1:8786", "http://h:1", "tcp://h", "tcp://:1", "tcp://h:x", "tcp://h:1/x",
     "tcp://h:99999", "tcp://me@h:1", "tcp://[::1"],
)  # fmt: skip
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(OptionError, match="no address of a Dask scheduler"):
        Cluster(address).check()


def test_files_of_tls_must_be_there_and_fit(tmp_path: Path) -> None:
    pem = tmp_path / "a.pem"
    pem.touch()
    Cluster("tls://h:1", pem, pem).check()
    for wrong, said in (
        (Cluster("tcp://h:1", pem, pem), "--dask-ca: is for tls:// only"),
        (Cluster("tls://h:1", pem, tmp_path / "b"), "is no file"),
        (Cluster("tls://h:1", pem), "go together"),
        (Cluster("tls://h:1", key=pem), "go together"),
    ):
        with pytest.raises(OptionError, match=said):
            wrong.check()
    with pytest.raises(OptionError, match="cannot be used for TLS"):
        dask_spread._security(Cluster("tls://h:1", pem, pem))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("tcp://10.0.0.1:8786", True),
        ("tcp://dask.example:8786", True),
        ("tls://10.0.0.1:8786", False),
        ("tcp://127.0.0.9:8786", False),
        ("tcp://[::1]:8786", False),
        ("tcp://localhost:8786", False),
    ],
)
def test_who_else_may_read_and_write_is_known(address: str, expected: bool) -> None:
    assert Cluster(address).open_to_others is expected


def test_a_worker_with_other_versions_computes_nothing() -> None:
    assert on_worker(tasks.square, versions(), 2, 3) == 6.0
    with pytest.raises(PeerError, match=r"and here is halia 0\.0"):
        on_worker(tasks.square, ("halia 0.0",), 2, 3)
    assert [name.split()[0] for name in versions()][:2] == ["halia", "numpy"]


@pytest.mark.parametrize(
    "error",
    [ModuleNotFoundError("plugin"), RuntimeError("Error during deserialization of the task graph")],
)
def test_a_cluster_without_halia_is_told(error: Exception) -> None:
    pool = dask_spread._Workers(None, tasks.square, None, Cluster("tcp://h:1"))
    with pytest.raises(PeerError, match="install the same version of Halia"):
        pool.fate(error)


class _Sent:
    """A future of Dask, as far as we look."""

    def __init__(self) -> None:
        self.status = "pending"

    def add_done_callback(self, *_: object) -> None:
        """Never."""


class _Client:
    """A client of Dask, as far as we use it; it notes what it is given."""

    status = "running"

    def __init__(self) -> None:
        self.given: list[tuple[str, tuple[object, ...]]] = []

    def submit(self, _: object, *arguments: object, key: str, pure: bool) -> _Sent:
        assert not pure
        self.given.append((key, arguments))
        return _Sent()


def test_what_tasks_share_goes_again_to_a_scheduler_that_began_anew() -> None:
    client = _Client()
    pool = dask_spread._Workers(client, tasks.square, "shared", Cluster("tcp://h:1"))
    pool.submit(1)
    pool.submit(2)
    first = pool._sent
    first.status = "cancelled"  # what a lost connection does to all that was submitted
    pool.submit(3)
    shared = [arguments for _, arguments in client.given if arguments == ("shared",)]
    assert len(shared) == 2
    assert pool._sent is not first
    assert client.given[-1][1][2:] == (pool._sent, 3)
    keys = [key for key, _ in client.given]
    assert len(set(keys)) == len(keys) == 5
    other = dask_spread._Workers(client, tasks.square, "shared", Cluster("tcp://h:1"))
    other.submit(1)
    assert not {key for key, _ in client.given[5:]} & set(keys)


def test_a_client_that_has_closed_ends_it() -> None:
    client = _Client()
    client.status = "closed"
    pool = dask_spread._Workers(client, tasks.square, 1, Cluster("tcp://h:1"))
    for step in (pool.look, lambda: pool.submit(1)):
        with pytest.raises(PeerError, match="scheduler is gone"):
            step()
