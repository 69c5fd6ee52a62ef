"""Models on disk: a directory with ``manifest.json`` and ``arrays.npz``, both only data.

A model may come from anywhere. Loading one can give the model or one :class:`ModelError`;
it never runs anything, takes a few times the 256 MB that arrays may unpack to at most, and what
it gives has been checked: sizes, types, shapes, finite numbers, trees without cycles, names and
digest.
Imported by ``offline`` (and later ``app``) only.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

from plugin.errors import ModelError, OutputError
from plugin.ml import arrays as packing
from plugin.ml import fields
from plugin.ml import model as of_roles
from plugin.ml.arrays import BYTES_MAX, pack, unpack, unpack_as
from plugin.ml.model import Manifest, Model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plugin.ml import flow_model as of_flows
    from plugin.ml import suspicion as of_suspicion
    from plugin.ml.flow_model import FlowModel
    from plugin.ml.novelty import model as of_normal
    from plugin.ml.novelty.model import Normal
    from plugin.ml.suspicion import Suspicion

    AnyModel = Model | Normal | Suspicion | FlowModel

# Each kind is imported where it is met: a start that reads one kind does not pay for the others.
M = TypeVar("M", "Model", "Normal", "Suspicion", "FlowModel")

__all__ = [
    "Manifest",
    "Model",
    "find_model",
    "kind_of",
    "list_models",
    "load_any",
    "load_flows",
    "load_model",
    "load_normal",
    "load_suspicion",
    "manifest_digest",
    "save_model",
]

MANIFEST, ARRAYS = "manifest.json", "arrays.npz"
MANIFEST_BYTES_MAX = 4 << 20


def save_model(model: M, directory: Path, *, force: bool = False) -> M:
    """Write a model; the directory appears whole or not at all.

    Args:
        model: what to write; it is checked as a loaded one is.
        directory: where; its parent must exist.
        force: replace a model that is there (never anything else).

    Returns:
        The model with ``arrays_sha256`` set.

    Raises:
        OutputError: something is there already, or it cannot be written.
        ModelError: the model is not one that :func:`load_any` would accept.
    """
    where = str(directory)
    check_place(directory, force=force)
    packed = pack(model.arrays)
    manifest = model.manifest._replace(arrays_sha256=hashlib.sha256(packed).hexdigest())
    document = fields.to_document(manifest)
    text = json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n"
    saved = _checked(text.encode(), packed, where)
    assert isinstance(saved, type(model))
    temporary = directory.with_name(f".{directory.name}.{os.getpid()}.part")
    try:
        temporary.mkdir()
        (temporary / ARRAYS).write_bytes(packed)
        (temporary / MANIFEST).write_text(text, encoding="utf-8")
        _place(temporary, directory)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", where=where) from error
    finally:
        if temporary.exists():
            _remove(temporary)
    return saved


def load_model(directory: Path) -> Model:
    """Read and check a model of roles.

    Raises:
        ModelError: it is not there, damaged, not for this version of Halia, or of another kind.
    """
    return _of_kind(load_any(directory), Model, directory)


def load_normal(directory: Path) -> Normal:
    """Read and check a model of normal.

    Raises:
        ModelError: as :func:`load_model`.
    """
    from plugin.ml.novelty.model import Normal

    return _of_kind(load_any(directory), Normal, directory)


def load_suspicion(directory: Path) -> Suspicion:
    """Read and check a model of suspicion.

    Raises:
        ModelError: as :func:`load_model`.
    """
    from plugin.ml.suspicion import Suspicion

    return _of_kind(load_any(directory), Suspicion, directory)


def load_flows(directory: Path) -> FlowModel:
    """Read and check a model that scores flows, ready to score.

    A model whose detector is another package's is fitted again here; :func:`load_any` runs nothing.

    Raises:
        ModelError: as :func:`load_model`, or the detector scores otherwise here.
        OptionError: its detector is not installed.
    """
    from plugin.ml.flow_model import FlowModel
    from plugin.ml.novelty import fitted, registry

    model = _of_kind(load_any(directory), FlowModel, directory)
    if model.manifest.algorithm not in fitted.KINDS:
        from importlib import metadata

        found = metadata.entry_points(group=registry.GROUP)
        return model._replace(scorer=fitted.ready(model.scorer, found))
    return model


def _of_kind(model: AnyModel, kind: type[M], directory: Path) -> M:
    if not isinstance(model, kind):
        said = f"is a {_WORDS[type(model).__name__]}, and a {_WORDS[kind.__name__]} is needed"
        raise ModelError(said, where=str(directory))
    return model


_WORDS = {
    "Model": "model of roles",
    "Normal": "model of normal",
    "Suspicion": "model of suspicion",
    "FlowModel": "model of flows",
}


def load_any(directory: Path) -> AnyModel:
    """Read and check a model, of whichever kind its manifest says.

    Raises:
        ModelError: it is not there, damaged, or not for this version of Halia.
    """
    where = str(directory)
    manifest = _read(directory / MANIFEST, MANIFEST_BYTES_MAX, where)
    packed = _read(directory / ARRAYS, BYTES_MAX, where)
    return _checked(manifest, packed, where)


def find_model(name: str, folders: Iterable[Path]) -> Path:
    """The directory of a model.

    Args:
        name: a path with a separator in it or of a directory that has a manifest; else a name.
        folders: where named models are looked for, first match wins.

    Raises:
        ModelError: nothing is there; the nearest names are told.
    """
    path = Path(name)
    if path.name != name or (path / MANIFEST).is_file():
        return path
    known = list(folders)
    for folder in known:
        if (folder / name / MANIFEST).is_file():
            return folder / name
    if path.is_dir():
        raise ModelError(f"is a folder without {MANIFEST}: no model", where=name)
    names = ", ".join(sorted({place.name for place in list_models(known)})) or "none"
    raise ModelError("no such model", where=name, advice=f"there are: {names}")


def find_optional(name: str, shipped: str, folders: Iterable[Path]) -> Path | None:
    """The directory of a model, or None if it is the shipped one and did not come along.

    Args:
        name: as for :func:`find_model`.
        shipped: the name of the model that comes with Halia: who did not ask for another can go
            on without it.
        folders: where named models are looked for, first match wins.

    Raises:
        ModelError: another model was asked for, and is not there.
    """
    known = list(folders)
    if name == shipped and shipped not in {place.name for place in list_models(known)}:
        return None
    return find_model(name, known)


def list_models(folders: Iterable[Path]) -> list[Path]:
    """Directories of all models in these folders, by name; the first of a name wins."""
    found: dict[str, Path] = {}
    for folder in folders:
        for manifest in sorted(folder.glob(f"*/{MANIFEST}")):
            found.setdefault(manifest.parent.name, manifest.parent)
    return [found[name] for name in sorted(found)]


def kind_of(directory: Path) -> str | None:
    """The kind that a manifest names: None of a model of roles, and of what cannot be read.

    Nothing else is checked: for lists of names, not for use.
    """
    try:
        document = json.loads(_read(directory / MANIFEST, MANIFEST_BYTES_MAX, str(directory)))
    except (ModelError, ValueError, RecursionError):
        return None
    kind = document.get("kind") if isinstance(document, dict) else None
    return kind if isinstance(kind, str) else None


def manifest_digest(directory: Path) -> str:
    """SHA-256 of a model's manifest, hexadecimal: nothing in the model binds it.

    Raises:
        ModelError: it cannot be read.
    """
    content = _read(directory / MANIFEST, MANIFEST_BYTES_MAX, str(directory))
    return hashlib.sha256(content).hexdigest()


def check_place(directory: Path, *, force: bool) -> None:
    """Refuse a place for a model before any work is done for it.

    Raises:
        OutputError: something is there that is not replaced, or there is no parent folder.
    """
    where = str(directory)
    if not directory.parent.is_dir():
        raise OutputError("its folder is not there", where=where, advice="make it first")
    if not (directory.exists() or directory.is_symlink()):
        return
    ours = directory.is_dir() and not directory.is_symlink()
    names = {entry.name for entry in directory.iterdir()} if ours else set()
    if not ours or not names <= {MANIFEST, ARRAYS}:
        raise OutputError("is no model, so it is not replaced", where=where)
    if not force:
        raise OutputError("exists already", where=where, advice="add --force to replace it")


def _place(temporary: Path, directory: Path) -> None:
    """Put the finished model in its place; one that stands there goes only after that."""
    if not directory.exists():
        temporary.rename(directory)
        return
    old = directory.with_name(f".{directory.name}.{os.getpid()}.old")
    directory.rename(old)
    temporary.rename(directory)
    _remove(old)


def _remove(directory: Path) -> None:
    for name in (MANIFEST, ARRAYS):
        (directory / name).unlink(missing_ok=True)
    directory.rmdir()


def _read(path: Path, limit: int, where: str) -> bytes:
    try:
        with open(path, "rb", opener=_without_waiting) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise ModelError(f"{path.name} is no regular file", where=where)
            content = stream.read(limit + 1)
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read: {error.strerror}", where=where) from error
    if len(content) > limit:
        raise ModelError(f"{path.name} is larger than {limit} bytes", where=where)
    return content


def _without_waiting(path: str, flags: int) -> int:
    """Open without hanging where a pipe or a device stands in for a file."""
    return os.open(path, flags | os.O_NONBLOCK)


def _checked(manifest_bytes: bytes, packed: bytes, where: str) -> AnyModel:
    """Everything that stands between foreign bytes and a model."""
    try:
        document = json.loads(manifest_bytes, parse_constant=_no_constant)
        return _kind_of(document)(document, packed)
    except RecursionError as error:
        raise ModelError("the manifest is nested too deeply", where=where) from error
    except (ValueError, OverflowError) as error:
        raise ModelError(str(error), where=where) from error


def _roles(document: object, packed: bytes) -> Model:
    manifest = of_roles.parse_manifest(document)
    n_columns = _columns(manifest, packed)
    arrays = unpack(packed, manifest.algorithm)
    packing.check(arrays, manifest.algorithm, n_columns, len(manifest.classes))
    return Model(manifest, arrays)


def _normal(document: object, packed: bytes) -> Normal:
    from plugin.ml.novelty import model as of_normal

    manifest = of_normal.parse_manifest(document)
    n_columns = _columns(manifest, packed)
    arrays = unpack(packed, of_normal.KIND)
    of_normal.check(arrays, manifest, n_columns)
    return of_normal.Normal(manifest, arrays)


def _suspicion(document: object, packed: bytes) -> Suspicion:
    from plugin.ml import suspicion as of_suspicion

    manifest = of_suspicion.parse_manifest(document)
    _check_digest(manifest, packed)
    arrays = unpack(packed, of_suspicion.KIND)
    of_suspicion.check(arrays)
    return of_suspicion.Suspicion(manifest, arrays)


def _flows(document: object, packed: bytes) -> FlowModel:
    from plugin.ml import flow_model as of_flows

    manifest = of_flows.parse_manifest(document)
    _check_digest(manifest, packed)
    return of_flows.of_arrays(manifest, unpack_as(packed, of_flows.layout(manifest)))


_KINDS: dict[str | None, Callable[[object, bytes], AnyModel]] = {
    None: _roles,
    "normal": _normal,
    "suspicion": _suspicion,
    "flows": _flows,
}
"""By the manifest's key ``kind``; models of roles have none."""


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"the manifest holds {text}")


def _kind_of(document: object) -> Callable[[object, bytes], AnyModel]:
    kind = document.get("kind") if isinstance(document, dict) else None
    if kind is not None and (not isinstance(kind, str) or kind not in _KINDS):
        raise ValueError(f"is of kind {fields.show(kind)}, which Halia has not")
    return _KINDS[kind]


def _columns(manifest: Manifest | of_normal.Manifest, packed: bytes) -> int:
    """The columns of the feature set, once it and the file of arrays are the right ones."""
    from plugin.ml.schema import SCHEMAS

    schema = SCHEMAS.get(manifest.schema_name)
    if schema is None:
        raise ValueError(f"made for the features {manifest.schema_name!r}, which Halia has not")
    if (schema.version, schema.hash) != (manifest.schema_version, manifest.schema_hash):
        raise ValueError(
            f"made for version {manifest.schema_version} of the features {schema.name}"
            f" ({manifest.schema_hash[:8]}), here is {schema.version} ({schema.hash[:8]}):"
            " train it again"
        )
    _check_digest(manifest, packed)
    return schema.n_columns


def _check_digest(
    manifest: Manifest | of_normal.Manifest | of_suspicion.Manifest | of_flows.Manifest,
    packed: bytes,
) -> None:
    if hashlib.sha256(packed).hexdigest() != manifest.arrays_sha256:
        raise ValueError(f"{ARRAYS} is not the file that the manifest was written for")
