"""Tasks on a Dask cluster: a scheduler and workers that somebody has started already.

**A cluster is trusted, or it is not used.** Client, scheduler and workers send each other pickles,
which run code when they are read: whoever can speak to one of them can run programs as it. Over
``tcp://`` nothing is encrypted and nobody is asked who he is; ``tls://`` does both, with a
certificate for each side. Nothing here listens: this end only calls the scheduler.

``distributed`` is used by itself and not through joblib's backend: that one puts large arguments
on one worker, from where nothing brings them back when it dies; here what tasks share is a task
too, which the scheduler does again (docs/decisions/045-scale.md).
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address
from itertools import count
from logging import CRITICAL, getLogger
from socket import create_connection
from time import monotonic
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

from plugin.errors import OptionError, PeerError, install_extra
from plugin.offline.spread import Call, Fate, Lost, in_order, one_threaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")

CONNECT_SECONDS = 10.0
PATIENCE_SECONDS = 60.0
"""Without any worker, after which the work is given up."""
COUNT_SECONDS = 5.0
"""Between questions how many workers there are."""
FETCH_SECONDS = 5.0
"""For a finished result to come at first; each time that it does not, it gets twice as long."""
_SCHEMES = ("tcp", "tls")
_UNREADABLE = "during deserialization of the task graph"
"""In Dask's error when its scheduler lacks a module of ours."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where a scheduler is, and what to speak TLS with.

    Without files, what Dask itself is configured with counts (``distributed.comm.tls`` in its own
    settings).
    """

    address: str
    """``tcp://host:port`` or ``tls://host:port``."""
    authority: Path | None = None
    """PEM: who has signed the scheduler's and the workers' certificates."""
    certificate: Path | None = None
    """PEM: ours."""
    key: Path | None = None
    """PEM: its key, if that is not in the same file."""
    patience: float = PATIENCE_SECONDS

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            OptionError: no such address, a file that is not there, files without ``tls://``.
        """
        wrong = OptionError(
            "is no address of a Dask scheduler",
            where=f"--dask {self.address}",
            advice="write tcp://HOST:PORT or tls://HOST:PORT",
        )
        try:
            parts = urlsplit(self.address)
            named = bool(parts.hostname) and parts.port is not None
        except ValueError as error:
            raise wrong from error
        if parts.scheme not in _SCHEMES or not named or parts.path.strip("/") or parts.username:
            raise wrong
        files = {"ca": self.authority, "cert": self.certificate, "key": self.key}
        for name, path in files.items():
            if path is not None and parts.scheme != "tls":
                advice = "write --dask tls://HOST:PORT"
                raise OptionError("is for tls:// only", where=f"--dask-{name}", advice=advice)
            if path is not None and not path.is_file():
                raise OptionError("is no file", where=f"--dask-{name} {path}")
        given = self.authority is not None
        if (self.certificate is not None) != given or (self.key is not None and not given):
            raise OptionError("go together", where="--dask-ca, --dask-cert and --dask-key")

    @property
    def place(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.address)
        return parts.hostname or "", parts.port or 0

    @property
    def open_to_others(self) -> bool:
        """Whether what goes there can be read and changed on its way, and nobody is asked who."""
        host, _ = self.place
        if urlsplit(self.address).scheme == "tls":
            return False
        try:
            return not ip_address(host).is_loopback
        except ValueError:
            return host != "localhost"


@dataclass(slots=True)
class OnDask:
    """A Dask cluster, as :class:`plugin.offline.spread.Spread`."""

    cluster: Cluster
    _client: Any = field(default=None, init=False)

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            OptionError: Dask is not installed, or the address or files cannot be meant.
            PeerError: no scheduler answers there.
        """
        self.cluster.check()
        try:
            from distributed import Client
        except ImportError as error:
            advice = install_extra("dask")
            raise OptionError("needs Dask", where="--dask", advice=advice) from error
        where = self.cluster.address
        security = _security(self.cluster)
        try:
            # Whether anybody listens is asked first: Dask's client would try again for 10 s.
            create_connection(self.cluster.place, CONNECT_SECONDS).close()
            self._client = Client(
                where,
                timeout=CONNECT_SECONDS,
                security=security,
                set_as_default=False,
                name="halia",
            )
        except (OSError, ImportError) as error:  # ImportError: its word for other protocol versions
            reason = " ".join(str(error).split())
            raise PeerError(f"no Dask scheduler answers: {reason}", where=where) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect: what was begun for us is dropped by the scheduler."""
        with quiet(), suppress(TimeoutError, OSError):
            self._client.close()

    def map(
        self, function: Callable[[S, T], R], tasks: Iterable[T], shared: S
    ) -> Iterator[R | Lost]:
        """Give results in order (:meth:`plugin.offline.spread.Spread.map`)."""
        pool = _Workers(self._client, function, shared, self.cluster)
        try:
            with quiet():
                yield from in_order(pool, tasks)
        finally:
            pool.forget()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Dask's own log of lost workers and schedulers off stderr: we say what comes of it."""
    logger = getLogger("distributed.client")
    before = logger.level
    logger.setLevel(CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _security(cluster: Cluster) -> Any:
    """What to speak TLS with; None for ``tcp://``.

    Raises:
        OptionError: there is nothing to speak it with, or a file of it cannot serve.
    """
    if urlsplit(cluster.address).scheme != "tls":
        return None
    from distributed import Security

    files: dict[str, Any] = {}
    if cluster.authority is not None:
        files = {
            "tls_ca_file": str(cluster.authority),
            "tls_client_cert": str(cluster.certificate),
            "tls_client_key": str(cluster.key or cluster.certificate),
        }
    found = Security(require_encryption=True, **files)
    try:
        ready = found.get_connection_args("client")["ssl_context"] is not None
    except OSError as error:  # ssl.SSLError is one
        reason = error.strerror or str(error)
        raise OptionError(f"cannot be used for TLS: {reason}", where="--dask-cert") from error
    if not ready:
        advice = (
            "give --dask-ca and --dask-cert (and --dask-key), or set them in Dask's own settings"
        )
        raise OptionError("has no certificates", where=f"--dask {cluster.address}", advice=advice)
    return found


class _Workers:
    """The workers of a cluster, as a pool."""

    def __init__(
        self, client: Any, function: Callable[..., Any], shared: object, cluster: Cluster
    ) -> None:
        self._client = client
        self._function = function
        self._shared = shared
        self._sent: Any = None
        self._cluster = cluster
        # A scheduler gives what it has under a key: no two calls of anybody may share one.
        self._prefix = f"halia-{uuid4().hex}"
        self._numbers = count()
        self._slots = 0
        self._counted = -COUNT_SECONDS
        self._seen = monotonic()

    def slots(self) -> int:
        """Threads of the workers that are there now; 1 at least, for some may come."""
        self._count()
        return max(1, self._slots)

    def submit(self, task: object) -> Call:
        self._there()
        call = self._client.submit(
            on_worker,
            self._function,
            versions(),
            self._there_shared(),
            task,
            key=f"{self._prefix}-{next(self._numbers)}",
            pure=False,
        )
        return _Fetched(call, self.look)

    def _there_shared(self) -> Any:
        """What tasks share, on the cluster: sent once, and again to a scheduler that began anew."""
        if self._sent is None or self._sent.status in {"cancelled", "lost"}:
            import dask

            key = f"{self._prefix}-shared-{next(self._numbers)}"
            with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TiB"}):
                self._sent = self._client.submit(_same, self._shared, key=key, pure=False)
        return self._sent

    def forget(self) -> None:
        """Let the cluster drop what tasks shared."""
        if self._sent is not None:
            self._sent.release()

    def fate(self, error: Exception) -> Fate:
        from distributed import CancelledError, KilledWorker

        if isinstance(error, KilledWorker):
            return Fate.KILLED
        if isinstance(error, CancelledError):
            self._there()
            return Fate.DROPPED
        if isinstance(error, ModuleNotFoundError) or _UNREADABLE in str(error):
            raise PeerError(
                "the scheduler or a worker cannot read our tasks",
                where=self._cluster.address,
                advice="install the same version of Halia, with its libraries, in all of them",
            ) from error
        return Fate.RAISED

    def look(self) -> None:
        self._there()
        if self._client.status != "running":
            return  # it tries to reach the scheduler again, and closes if it cannot
        self._count()
        if self._slots:
            return
        waited = monotonic() - self._seen
        if waited > self._cluster.patience:
            raise PeerError(
                f"the cluster has had no worker for {waited:.0f} s",
                where=self._cluster.address,
                advice="start workers that have this version of Halia, and see in their logs why"
                " others ended; then give the same command again",
            )

    def _there(self) -> None:
        if self._client.status in {"closed", "closing"}:
            raise PeerError(
                "the Dask scheduler is gone",
                where=self._cluster.address,
                advice="start it and give the same command again: what is done is kept",
            )

    def _count(self) -> None:
        now = monotonic()
        if self._slots and now - self._counted < COUNT_SECONDS:
            return
        self._counted = now
        with suppress(OSError, TimeoutError):  # it reconnects by itself, or closes
            self._slots = sum(self._client.nthreads().values())
        if self._slots:
            self._seen = now


class _Fetched:
    """A call on the cluster whose result is fetched, and then forgotten there."""

    def __init__(self, call: Any, look: Callable[[], None]) -> None:
        self._call = call
        self._look = look

    def add_done_callback(self, fn: Callable[[Any], Any]) -> None:
        self._call.add_done_callback(lambda _: fn(self))

    def result(self) -> Any:
        """Fetch it; if its worker has died since, wait until another has done it again."""
        patience = FETCH_SECONDS
        try:
            while True:
                try:
                    return self._call.result(timeout=patience)
                except TimeoutError:
                    if self._call.status == "error":
                        raise  # the function's own
                    self._look()
                    patience *= 2
        finally:
            self._call.release()

    def cancel(self) -> None:
        self._call.release()


def _same(shared: S) -> S:
    """What tasks share, as a task: a worker that dies with it loses nothing."""
    return shared


def on_worker(function: Callable[[S, T], R], expected: tuple[str, ...], shared: S, task: T) -> R:
    """Call the function on a worker.

    Raises:
        PeerError: the worker runs other versions of what results rest on.
    """
    own = versions()
    if own != expected:
        raise PeerError(
            f"a worker has {', '.join(own)}, and here is {', '.join(expected)}",
            where="Dask",
            advice="install the same versions: results would not be the same",
        )
    return one_threaded(function, shared, task)


@cache
def versions() -> tuple[str, ...]:
    """What the bits of results rest on, named."""
    from importlib.metadata import PackageNotFoundError, version

    from plugin import __version__

    found = [f"halia {__version__}"]
    for name in ("numpy", "scipy", "scikit-learn"):
        with suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return tuple(found)
