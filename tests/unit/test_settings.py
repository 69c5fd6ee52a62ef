from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin import settings
from plugin.errors import SettingsError


def write(folder: Path, text: str) -> Path:
    file = folder / "halia.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def problems(folder: Path, text: str, **environ: str) -> tuple[str, ...]:
    file = write(folder, text)
    with pytest.raises(SettingsError) as caught:
        settings.load_settings(config=file, environ=environ)
    return tuple(p.replace(f"{file}:", "") for p in caught.value.problems)


def test_defaults_are_those_of_the_table() -> None:
    loaded = settings.load_settings(environ={"HOME": "/nowhere"})
    for setting in settings.SETTINGS:
        assert loaded.value(setting.key) == setting.default
        assert loaded.origins[setting.key] == "default"


def test_option_beats_variable_beats_file_beats_default(tmp_path: Path) -> None:
    file = write(tmp_path, "model: filed\ntrain: {jobs: 7, seed: 3}\n")
    environ = {"HALIA_MODEL": "varied", "HALIA_TRAIN_SEED": "4", "HALIA_CONFIG": str(file)}
    loaded = settings.load_settings(flags={"model": "opted", "data": None}, environ=environ)
    assert loaded.model == "opted"
    assert loaded.train.seed == 4
    assert loaded.train.jobs == 7
    assert loaded.origins["model"] == "option"
    assert loaded.origins["train.seed"] == "variable HALIA_TRAIN_SEED"
    assert loaded.origins["train.jobs"] == f"{file}:2:15"
    assert loaded.origins["data"] == "default"


def test_all_problems_come_at_once_each_with_its_place(tmp_path: Path) -> None:
    text = "model: a\nmodel: b\ntrian: {}\ntrain:\n  sed: 4\n  seed: -1\ndata: [1]\n"
    assert problems(tmp_path, text, HALIA_MODLE="x", HALIA_TRAIN_JOBS="many") == (
        "2:1: model: given twice",
        "3:1: trian: no such setting; did you mean 'train'?",
        "5:3: train.sed: no such setting; did you mean 'seed'?",
        "6:9: train.seed: a whole number is expected, not '-1'",
        "7:7: data: one value is expected",
        "variable HALIA_MODLE: no such setting; did you mean 'HALIA_MODEL'?",
        "variable HALIA_TRAIN_JOBS: train.jobs: a whole number is expected, not 'many'",
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("model: [a]\n", "1:8: model: one value is expected"),
        ("model:\n", "1:7: model: a text is expected, not null"),
        ("model: ''\n", "1:8: model: a text is expected, not an empty text"),
        ("train: [1]\n", "1:8: train: a mapping is expected"),
        ("- model\n", "1:1: the file: a mapping is expected"),
        ("? [a]\n: b\n", "1:3: a key that is no plain text: no such setting; known:"),
        ("model: {\n", "2:1:"),
        ("model: *nowhere\n", "1:8: found undefined alias"),
        ("train: {seed: 1.5}\n", "1:15: train.seed: a whole number is expected, not '1.5'"),
        ("train: {seed: ²}\n", "1:15: train.seed: a whole number is expected, not '²'"),
        ("a: 1\n---\nb: 2\n", "2:1:"),
    ],
)
def test_one_problem(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, text)[0].startswith(problem)


def test_an_empty_file_and_empty_sections_mean_defaults(tmp_path: Path) -> None:
    for text in ("", "# nothing\n", "train:\ndata: ~\n", "train: {}\n"):
        loaded = settings.load_settings(config=write(tmp_path, text), environ={})
        assert loaded.train.seed == 1
        assert loaded.data is None


def test_files_that_are_no_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such settings file"):
        settings.load_settings(config=tmp_path / "absent.yaml", environ={})
    assert "nested too deeply" in problems(tmp_path, "[" * 20_000)[0]
    assert "not a settings file" in problems(tmp_path, "#" * (settings.FILE_BYTES_MAX + 1))[0]
    (tmp_path / "halia.yaml").write_bytes(b"model: \xff\xfe\n")
    with pytest.raises(SettingsError, match="invalid start byte"):
        settings.load_settings(config=tmp_path / "halia.yaml", environ={})


def test_what_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="is no regular file"):
        settings.load_settings(config=tmp_path, environ={})
    file = write(tmp_path, "model: x\n")

    def closed(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:  # the file may not be opened: the tests may be root's
        patched.setattr(Path, "open", closed)
        with pytest.raises(SettingsError, match=r"halia\.yaml: cannot be read: Permission denied"):
            settings.load_settings(config=file, environ={})
    monkeypatch.setattr(Path, "stat", closed)  # nor may its folder be searched
    assert settings.load_settings(environ={"HOME": str(tmp_path)}).model == "auto"
    with pytest.raises(SettingsError, match=r"halia\.yaml: cannot be read: Permission denied"):
        settings.load_settings(config=file, environ={})


@given(st.binary(max_size=60))
def test_any_bytes_load_or_are_refused_by_name(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzzed.yaml"
    file.write_bytes(content)
    with contextlib.suppress(SettingsError):
        settings.load_settings(config=file, environ={})


def test_the_users_file_is_found(tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    file = settings.user_file(environ)
    assert settings.settings_file(None, environ) is None
    file.parent.mkdir()
    file.write_text("train: {seed: 9}\n", encoding="utf-8")
    assert settings.load_settings(environ=environ).train.seed == 9
    assert settings.user_file({"HOME": "/home/a"}) == Path("/home/a/.config/halia/halia.yaml")


def test_variables_that_are_no_settings_are_let_be() -> None:
    environ = dict.fromkeys(settings.OTHER_VARIABLES, "") | {"HALIA_BENCH_X": "1", "OTHER": "2"}
    assert settings.load_settings(environ=environ).model == "auto"


def test_data_folders_are_found_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    assert settings.data_folder("configs") == root / "configs"
    (tmp_path / "configs").mkdir()
    monkeypatch.setenv("HALIA_DATA", str(tmp_path))
    assert settings.data_folder("configs") == tmp_path / "configs"
    assert settings.data_folder("configs", root) == root / "configs"
    with pytest.raises(SettingsError, match="holds no folder models/"):
        settings.data_folder("models")


def test_the_installed_place_is_the_last_resort(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "__file__", str(tmp_path / "lib" / "plugin" / "settings.py"))
    monkeypatch.setattr("sysconfig.get_path", lambda _name: str(tmp_path))
    with pytest.raises(SettingsError, match="this installation: holds no folder"):
        settings.data_folder("models")
    (tmp_path / "share" / "halia" / "models").mkdir(parents=True)
    assert settings.data_folder("models") == tmp_path / "share" / "halia" / "models"


def test_the_default_text_loads_and_sets_every_setting(tmp_path: Path) -> None:
    file = write(tmp_path, settings.default_text())
    loaded = settings.load_settings(config=file, environ={})
    for setting in settings.SETTINGS:
        assert loaded.value(setting.key) == setting.default
        assert loaded.origins[setting.key].startswith(str(file))


def test_nearest_names_what_is_known_when_nothing_is_near() -> None:
    assert settings.nearest("zzz", {"model", "data"}) == "; known: data, model"


def test_a_seed_that_no_generator_takes_is_refused() -> None:
    most = {"HALIA_TRAIN_SEED": str(2**32 - 1)}
    assert settings.load_settings(environ=most).train.seed == 2**32 - 1
    with pytest.raises(SettingsError, match="at most 4294967295 is expected"):
        settings.load_settings(environ={"HALIA_TRAIN_SEED": str(2**32)})
