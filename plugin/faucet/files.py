"""Writing Faucet's files so that nothing half-done is ever read, and having them loaded.

The protocol: equal bytes, no write; Faucet's own parser; a temporary file, fsync, rename; SIGHUP;
then wait until Faucet itself lists the file with our hash. Success of a reload alone proves
nothing: Faucet skips a broken optional file in silence.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import shutil
import signal
import stat
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from plugin.durable import sync_folder
from plugin.errors import FaucetFileError
from plugin.faucet.check import check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from plugin.events import LoadedFile

LOCK = ".halia.lock"
PAUSE_SECONDS = 1.0
"""Least time between two reloads; faster ones Faucet joins, and may tell of none of them."""
PROC = Path("/proc")
RESEND_SECONDS = 2.0
LOADED_SECONDS = 20.0
POLL_SECONDS = 0.1
BYTES_MOST = 32 << 20
"""Of a file: a larger one is no configuration, whoever put it there."""


class Faucet(NamedTuple):
    """A running Faucet."""

    pid: int
    environment: Mapping[str, str]
    folders: tuple[Path, ...] = ()
    """Where its programs stand: its interpreter, its script."""

    @property
    def reverts(self) -> bool:
        """FAUCET_CONFIG_AUTO_REVERT: it would write its last good copy over our file."""
        return self.environment.get("FAUCET_CONFIG_AUTO_REVERT", "0") not in {"", "0"}

    @property
    def page(self) -> str:
        """The address of its Prometheus page."""
        address = self.environment.get("FAUCET_PROMETHEUS_ADDR") or "127.0.0.1"
        port = self.environment.get("FAUCET_PROMETHEUS_PORT") or "9302"
        return f"http://{'127.0.0.1' if address in {'0.0.0.0', '::'} else address}:{port}"  # noqa: S104  # compared, not bound


def find_faucet(root: Path, proc: Path = PROC) -> Faucet | None:
    """Find the Faucet that reads a file, among the processes that may be looked at.

    None if there is none, or more than one.
    """
    real = real_path(root)
    found = []
    for folder in proc.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            raw = (folder / "cmdline").read_bytes().split(b"\0")
            words = [os.fsdecode(w) for w in raw]
            if not _is_faucet(words):
                continue
            entries = (folder / "environ").read_bytes().split(b"\0")
        except OSError:  # it has ended, or belongs to someone else
            continue
        pairs = (os.fsdecode(e).partition("=") for e in entries)
        environment = {name: value for name, _, value in pairs}
        config = environment.get("FAUCET_CONFIG") or "/etc/faucet/faucet.yaml"
        if real_path(Path(config.split(":")[0])) == real:
            programs = [Path(word).parent for word in words[:2] if word.startswith("/")]
            found.append(Faucet(int(folder.name), environment, tuple(dict.fromkeys(programs))))
    return found[0] if len(found) == 1 else None


def hang_up(pid: int, proc: Path = PROC) -> str | None:
    """Have a Faucet look at its files, by SIGHUP; tells why that cannot be, if it cannot.

    One that has only just begun has no handler yet, and the signal would end it. It reads its files
    in any case.
    """
    try:
        status = (proc / str(pid) / "status").read_bytes()
        caught = re.search(rb"^SigCgt:\s*([0-9a-f]+)$", status, re.MULTILINE)
        if caught is not None and not int(caught[1], 16) >> (signal.SIGHUP - 1) & 1:
            return f"Faucet (process {pid}) is starting, and a signal would end it"
    except OSError:  # what is wrong with it shows next
        pass
    try:
        os.kill(pid, signal.SIGHUP)
    except OSError as error:
        return f"Faucet (process {pid}) cannot be signalled: {error.strerror}"
    return None


def _is_faucet(words: list[str]) -> bool:
    """Tell it by its command line: c65faucet keeps its name, faucet becomes os-ken's program."""
    names = {Path(word).name for word in words[:2]}
    return "faucet" in names or ("osken-manager" in names and "faucet.faucet" in words)


def file_hash(text: str) -> str:
    """Give the hash that Faucet reports of a file: each line end counts as a line feed."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return hashlib.sha256(plain.encode("utf-8")).hexdigest()


def real_path(path: Path) -> Path:
    """Give the path behind all links; of links that lead in a circle, one of them."""
    return Path(os.path.realpath(path))


def read_bytes(path: Path, most: int) -> bytes:
    """Read a file, and no more of it than ``most`` bytes.

    A pipe in its place is not waited for, and a device not read: who may write in Faucet's folder
    could stop us by one.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        with os.fdopen(handle, "rb", closefd=False) as stream:
            return stream.read(most)
    finally:
        os.close(handle)


def read_text(path: Path) -> str:
    """Read a file with its line ends as they are.

    Raises:
        FaucetFileError: it cannot be read, is no UTF-8, or much too large.
    """
    try:
        content = read_bytes(path, BYTES_MOST + 1)
        if len(content) > BYTES_MOST:
            raise FaucetFileError(f"is larger than {BYTES_MOST} bytes", where=str(path))
        return content.decode("utf-8")
    except OSError as error:
        raise FaucetFileError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise FaucetFileError("is no UTF-8 text", where=str(path), offset=error.start) from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes of ours from writing there meanwhile.

    Raises:
        FaucetFileError: another one is writing, or the folder cannot be written to.
    """
    try:
        # Readable by all: faucetconfrpc copies the whole folder, whoever it runs as.
        place = os.open(folder / LOCK, os.O_RDONLY | os.O_CREAT | os.O_NONBLOCK, 0o644)
    except OSError as error:
        raise FaucetFileError(f"cannot be written: {error.strerror}", where=str(folder)) from error
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise FaucetFileError("another Halia is writing here", where=str(folder)) from error
    finally:
        os.close(place)


def write_text(path: Path, text: str) -> bool:
    """Put a text in a file's place, whole or not at all; its owner and mode stay.

    Returns:
        Whether anything was written: equal bytes are left alone.

    Raises:
        FaucetFileError: it cannot be written.
    """
    content = text.encode("utf-8")
    real = real_path(path)  # behind a link the file itself is replaced, not the link
    try:
        if os.path.lexists(real) and read_bytes(real, len(content) + 1) == content:
            return False
        handle, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.", suffix=".part")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                _like(real, stream.fileno())
                os.fsync(stream.fileno())
            temporary.replace(real)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(real.parent)
    except OSError as error:
        raise FaucetFileError(f"cannot be written: {error.strerror}", where=str(path)) from error
    return True


def put_aside(path: Path, folder: Path | None) -> Path:
    """Keep what stands in a file, under a name of its bytes; give where.

    Args:
        path: no link.
        folder: None: beside the file.

    Raises:
        FaucetFileError: it cannot be kept.
    """
    try:
        # By its bytes: those of two files that are no text may read as the same.
        content = path.read_bytes()
        name = f"{path.name}.{hashlib.sha256(content).hexdigest()[:12]}.kept"
        kept = path.with_name(name) if folder is None else folder / name
        if folder is None:
            with suppress(FileExistsError):
                os.link(path, kept)
        elif not kept.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            kept.write_bytes(content)
    except OSError as error:
        raise FaucetFileError(
            f"has bytes that are not ours, and they cannot be put aside: {error.strerror}",
            where=str(path),
        ) from error
    return kept


def why_unwritable(path: Path) -> str | None:
    """Tell why :func:`write_text` would fail for this process's user; None: it would not.

    A file that is written anew keeps its owner, which only he, or root, can give it.
    """
    real, uid = real_path(path), os.geteuid()
    if not os.access(real.parent, os.W_OK | os.X_OK, effective_ids=True):
        return f"{real.parent} may not be written"
    if uid != 0 and real.exists() and real.stat().st_uid != uid:
        return f"{real} belongs to another user"
    return None


def delete(path: Path) -> None:
    """Take a file away for good, if it is there.

    Raises:
        FaucetFileError: it cannot be taken away.
    """
    try:
        path.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise FaucetFileError(f"cannot be removed: {error.strerror}", where=str(path)) from error


class Writer:
    """Writes files that Faucet reads: checked, whole, not too often, and until they are loaded.

    Args:
        checker: Faucet's checker, see :func:`plugin.faucet.check.find_checker`.
        root: the root faucet.yaml.
        pid: the Faucet to signal; None leaves it to Faucet's own watch of its files.
        loaded: asks which files Faucet has loaded, None if it does not answer.
    """

    def __init__(
        self,
        checker: Path,
        root: Path,
        *,
        pid: int | None,
        loaded: Callable[[], Sequence[LoadedFile] | None],
    ) -> None:
        self._checker = checker
        self._root = root
        self._pid = pid
        self._loaded = loaded

    def check(self, files: Mapping[Path, str]) -> None:
        """Have Faucet's parser look at what is to be written, beside what stays.

        Raises:
            FaucetFileError: it refuses.
            PeerError: it cannot be asked.
        """
        found = check(self._checker, self._root, files)
        if not found.ok:
            raise FaucetFileError(
                f"Faucet's parser refuses what would be written: {found.said}",
                where=str(self._root),
                advice="nothing was written",
            )

    def write(self, files: Mapping[Path, str], beside: Mapping[Path, str]) -> bool:
        """Check, then write, in the order given; the signal is a step of its own.

        Args:
            files: texts to write by path.
            beside: texts of the other files that Faucet reads with them.

        Returns:
            Whether any file changed.
        """
        changed = {p: t for p, t in files.items() if not p.exists() or read_text(p) != t}
        if not changed:
            return False
        self.check({**beside, **files})
        newest = max((p.stat().st_mtime for p in (self._root, *changed) if p.exists()), default=0.0)
        age = time.time() - newest  # noqa: TID251  # of the last write, by whomever: files' own time
        time.sleep(PAUSE_SECONDS - age if 0 <= age < PAUSE_SECONDS else 0.0)
        for path, text in changed.items():
            write_text(path, text)
        return True

    def reload(self) -> None:
        """Tell Faucet to look at its files."""
        why = None if self._pid is None else hang_up(self._pid)
        if why is not None:
            raise FaucetFileError(why, where=str(self._root))

    def wait_loaded(self, wanted: Mapping[Path, str], *, seconds: float = LOADED_SECONDS) -> bool:
        """Reload, and wait until Faucet lists the files with the hashes of these texts.

        A signal may be lost among others, so it is sent again every 2 s.
        """
        hashes = {str(real_path(path)): file_hash(text) for path, text in wanted.items()}
        end = time.monotonic() + seconds
        again = 0.0
        while (now := time.monotonic()) < end:
            if now >= again:
                self.reload()
                again = now + RESEND_SECONDS
            found = {f.path: f.sha256 for f in self._loaded() or ()}
            if all(found.get(path) == one for path, one in hashes.items()):
                return True
            time.sleep(POLL_SECONDS)
        return False


def _like(old: Path, handle: int) -> None:
    """Give a new file the owner and mode of the old one; a first one is readable by all."""
    if not old.exists():
        os.fchmod(handle, 0o644)
        return
    kept = old.stat()
    os.fchmod(handle, kept.st_mode & 0o7777)
    if (kept.st_uid, kept.st_gid) != (os.geteuid(), os.getegid()):
        shutil.chown(handle, kept.st_uid, kept.st_gid)
