from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from plugin import settings
from plugin.errors import SettingsError
from plugin.yaml_places import FILE_BYTES_MAX


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
        ("? [a]\n: b\n", "1:3: a key that is no plain text"),
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
    assert "not a settings file" in problems(tmp_path, "#" * (FILE_BYTES_MAX + 1))[0]
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


def test_variables_that_are_no_settings_are_let_be() -> None:
    environ = dict.fromkeys(settings.OTHER_VARIABLES, "") | {"HALIA_BENCH_X": "1", "OTHER": "2"}
    assert settings.load_settings(environ=environ).model == "auto"


def test_a_seed_that_no_generator_takes_is_refused() -> None:
    most = {"HALIA_TRAIN_SEED": str(2**32 - 1)}
    assert settings.load_settings(environ=most).train.seed == 2**32 - 1
    with pytest.raises(SettingsError, match="at most 4294967295 is expected"):
        settings.load_settings(environ={"HALIA_TRAIN_SEED": str(2**32)})


def test_every_setting_has_a_variable_and_a_place_in_the_file(tmp_path: Path) -> None:
    given = {
        "text": "x",
        "folder": "/x",
        "file": "/x",
        "count": "3",
        "span": "7m",
        "size": "2G",
        "rate": "7M",
        "secret": "x",
        "address": "host:1",
        "page": "http://host:1",
        "broker": "amqps://host:1",
        "database": "sqlite:///x",
        "vlans": "7",
        "ports": "sw1:7",
        "flow_models": "Printer=x",
        "syslog": "/dev/x",
        "mail": "x@y",
        "mails": "x@y",
    }
    texts = {
        s.key: s.choices[-1] if s.choices else given.get(s.kind, "no" if s.default else "yes")
        for s in settings.SETTINGS
    }
    del texts["broker.password"]  # it has a file already
    environ = {s.variable: texts[s.key] for s in settings.SETTINGS if s.key in texts}
    tree: dict[str, dict[str, str]] = {}
    for key, text in texts.items():
        section, _, name = key.rpartition(".")
        tree.setdefault(section, {})[name] = text
    file = write(tmp_path, yaml.safe_dump({**tree.pop(""), **tree}))
    from_file = settings.load_settings(config=file, environ={})
    from_variables = settings.load_settings(environ=environ)
    for setting in settings.SETTINGS:
        if setting.key in texts:
            value = from_file.value(setting.key)
            assert value == from_variables.value(setting.key)
            assert value != setting.default
            assert from_file.origins[setting.key].startswith(f"{file}:")
            assert from_variables.origins[setting.key] == f"variable {setting.variable}"


def test_lists(tmp_path: Path) -> None:
    text = "mirror:\n  ignore_vlans: [7, 8]\n  ignore_ports:\n  - sw1:3\n  - 1:20\n"
    mirror = settings.load_settings(config=write(tmp_path, text), environ={}).mirror
    assert mirror.ignore_vlans == (7, 8)
    assert mirror.ignore_ports == ("sw1:3", "1:20")
    for empty in ("mirror: {ignore_vlans: }\n", "mirror: {ignore_vlans: []}\n"):
        loaded = settings.load_settings(config=write(tmp_path, empty), environ={})
        assert loaded.mirror.ignore_vlans == ()
    environ = {"HALIA_MIRROR_IGNORE_VLANS": " 7 ,8", "HALIA_MIRROR_IGNORE_PORTS": ""}
    loaded = settings.load_settings(config=write(tmp_path, text), environ=environ)
    assert loaded.mirror == mirror._replace(ignore_ports=())


def test_each_wrong_item_of_a_list_has_its_place(tmp_path: Path) -> None:
    text = "mirror:\n  ignore_vlans: [7, x, 8, 0]\n  ignore_ports: [{sw1: 3}]\n"
    environ = {"HALIA_MIRROR_IGNORE_VLANS": "1,,2"}
    assert problems(tmp_path, text, **environ) == (
        "2:21: mirror.ignore_vlans: a VLAN's number, 1 to 4094, is expected, not 'x'",
        "2:27: mirror.ignore_vlans: a VLAN's number, 1 to 4094, is expected, not '0'",
        "3:18: mirror.ignore_ports: one value is expected",
        (
            "variable HALIA_MIRROR_IGNORE_VLANS: mirror.ignore_vlans:"
            " a list of VLANs' numbers is expected, not an empty text"
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        "broker: {password: *hunter2}\n",
        "broker: {password: !hunter2!x y}\n",
        "broker: {user: &hunter2 x, password: &hunter2 x, hunter2}\n",
        "broker: {password: [hunter2]}\n",
        "broker: {password: {hunter2: x}}\n",
        "broker: {password: 'hunter2\n",
        'broker: {password: "hunter2\\0"}\n',
        "broker: {url: amqp://me:hunter2@host/}\n",
        "broker: hunter2\n",
        "broker: {user: x, password: hunter2, password_file: /x}\n",
    ],
)
def test_no_problem_tells_a_secret(tmp_path: Path, text: str) -> None:
    found = problems(tmp_path, text)
    assert "hunter2" not in "".join(found).replace("broker.hunter2", "")


def test_a_key_of_a_section_is_none_of_the_top(tmp_path: Path) -> None:
    assert problems(tmp_path, "train.seed: 3\n? ''\n: x\n") == (
        "1:1: train.seed: no such setting; did you mean 'train'?",
        "2:3: a key that is no plain text",
    )


ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["15m", "1G", "~x", "json", "a:1", "amqp://a", "0", "[", "~", "1:2"]),
)
NAMES = st.one_of(
    st.sampled_from([part for s in settings.SETTINGS for part in s.key.split(".")]),
    st.text(max_size=5),
)
TREES = st.recursive(
    ATOMS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner), max_leaves=12
)


@given(st.dictionaries(NAMES, st.dictionaries(NAMES, TREES, max_size=6) | TREES, max_size=6))
def test_any_yaml_loads_or_is_refused_with_a_place(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, object]
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(yaml.safe_dump(tree), encoding="utf-8")
    said: tuple[str, ...] = ()
    try:
        assert settings.load_settings(config=file, environ={}).capture
    except SettingsError as error:
        said = error.problems
    assert [p for p in said if not re.match(rf"{re.escape(str(file))}:\d+:\d+: ", p)] == []


@given(
    st.dictionaries(
        st.sampled_from([s.variable for s in settings.SETTINGS]), st.text(max_size=20), max_size=5
    )
)
def test_any_variables_load_or_are_refused_by_name(environ: dict[str, str]) -> None:
    said: tuple[str, ...] = ()
    try:
        settings.load_settings(environ=environ)
    except SettingsError as error:
        said = error.problems
    assert [p for p in said if not p.startswith("variable HALIA_")] == []
