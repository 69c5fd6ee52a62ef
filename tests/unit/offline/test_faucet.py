"""Installing in real folders, judged by Faucet's own parser."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin.errors import FaucetFileError, PeerError
from plugin.faucet import files
from plugin.faucet.hook import INCLUDE, Options, Stages, render, watch
from plugin.faucet.install import Plan, Refusal
from plugin.offline import faucet
from tests.checker import environment

TEXT = """\
include: [acls.yaml]
vlans: {v: {vid: 100}}
dps:
  sw1:
    dp_id: 1
    interfaces:
      1: {native_vlan: v, acl_in: a}  # desk
      9: {name: col, output_only: true}
"""
ACLS = "acls: {a: [{rule: {actions: {allow: 1}}}]}\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "acls.yaml").write_text(ACLS)
    file = tmp_path / "faucet.yaml"
    file.write_text(TEXT)
    return file


def running() -> faucet.Running:
    return faucet.Running(environment=environment(), reload=False)


def planned(config: Path, options: Options | None = None) -> tuple[faucet.Place, Plan]:
    place = faucet.read_place(config)
    plan = faucet.installation(place, options or Options(), running())
    assert isinstance(plan, Plan)
    return place, plan


def test_install_status_and_remove(config: Path) -> None:
    assert not faucet.status(faucet.read_place(config)).installed
    assert faucet.install(*planned(config), running()) == (True, None)
    found = faucet.status(faucet.read_place(config))
    assert found.problems == ()
    assert found.ports[0].chain == ("halia_hook", "a")

    place, plan = planned(config)
    assert plan.new_text == plan.text
    include = config.parent / INCLUDE
    include.write_text(include.read_text() + "    - {rule: {dl_src: x, cookie: 7, actions: {}}}\n")
    place = faucet.read_place(config)
    removal = faucet.removal(place)
    assert isinstance(removal, Plan)
    assert "1 rules on devices end with it" in removal.notes
    assert faucet.remove(place, removal, running()).written
    assert config.read_text() == TEXT
    assert sorted(p.name for p in config.parent.iterdir()) == ["acls.yaml", "faucet.yaml"]


def test_a_renewal_keeps_what_is_isolated(config: Path) -> None:
    faucet.install(*planned(config), running())
    include = config.parent / INCLUDE
    rule = '    - {rule: {dl_src: "02:00:00:00:00:01", cookie: 7, actions: {allow: 0}}}\n'
    include.write_text(include.read_text() + rule)
    config.write_text(config.read_text().replace("      9:", "      2: {native_vlan: v}\n      9:"))
    place, plan = planned(config)
    assert "halia_tail], native_vlan: v" in plan.diff
    assert faucet.install(place, plan, running()).written
    assert rule in include.read_text()


def test_files_are_written_once_and_never_when_faucet_refuses_them(config: Path) -> None:
    faucet.install(*planned(config, Options(mode="none")), running())
    place = faucet.read_place(config)
    assert place.journal is not None
    include = place.include
    text = render(place.journal.layout, Stages(everything=True))
    for written in (True, False):
        assert faucet.apply_files(place, {include: text}, running()) == (written, None)
        assert include.read_text() == text
    wrong = render(place.journal.layout, Stages(meters=(("halia_m1", {"no": "meter"}),)))
    with pytest.raises(FaucetFileError, match="nothing was written"):
        faucet.apply_files(place, {include: wrong}, running())
    assert include.read_text() == text


def test_another_stage_of_the_mirror_ends_the_watches_and_nothing_else(config: Path) -> None:
    faucet.install(*planned(config, Options(mode="none")), running())
    isolated = '    - {rule: {dl_src: "02:00:00:00:00:02", cookie: 7, actions: {allow: 0}}}\n'
    include = config.parent / INCLUDE
    journal = faucet.read_place(config).journal
    assert journal is not None
    text = render(journal.layout, Stages(watches=watch("02:00:00:00:00:01", 0x8000)))
    include.write_text(text.replace("  halia_tail:\n", f"{isolated}  halia_tail:\n"))
    assert faucet.install(*planned(config), running()).written
    assert isolated in include.read_text()
    assert "halia_tail" not in include.read_text()
    status = faucet.status(faucet.read_place(config))
    assert status.problems == ()


def test_a_vlan_that_was_left_out_stays_out(config: Path) -> None:
    options = Options(ignored_vlans=frozenset((100,)))
    assert faucet.install(*planned(config, options), running()).written
    assert faucet.status(faucet.read_place(config)).problems == ()
    _, plan = planned(config, options)
    assert plan.new_text == plan.text


def test_a_file_that_changed_after_the_plan_is_not_written(config: Path) -> None:
    place, plan = planned(config)
    config.write_text(TEXT + "# meanwhile\n")
    with pytest.raises(FaucetFileError, match="was changed meanwhile"):
        faucet.install(place, plan, running())
    assert config.read_text() == TEXT + "# meanwhile\n"


def test_what_faucet_refuses_is_never_written(config: Path) -> None:
    config.write_text(TEXT.replace("vid: 100", "vid: 100, unknown: 1"))
    before = config.read_text()
    place, plan = planned(config)
    with pytest.raises(FaucetFileError, match="fields unknown"):
        faucet.install(place, plan, running())
    assert config.read_text() == before
    assert not (config.parent / INCLUDE).exists()
    assert not (config.parent / faucet.JOURNAL).exists()


def test_includes_are_read_as_faucet_reads_them(config: Path) -> None:
    (config.parent / "more").mkdir()
    (config.parent / "acls.yaml").write_text(ACLS + "include-optional: [more/b.yaml, none.yaml]\n")
    (config.parent / "more" / "b.yaml").write_text("acls: {b: []}\ninclude: [../acls.yaml]\n")
    place = faucet.read_place(config)
    assert [Path(p).name for p in place.included] == ["acls.yaml", "b.yaml"]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("faucet.yaml", "a: [", "line 1"),
        ("acls.yaml", "a: [", "line 1"),
        (faucet.JOURNAL, "x", "no journal"),
    ],
)
def test_what_cannot_be_read_is_an_error(config: Path, name: str, text: str, reason: str) -> None:
    (config.parent / name).write_text(text)
    with pytest.raises(FaucetFileError, match=reason):
        faucet.read_place(config)


def test_a_faucet_that_reverts_files_is_refused(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = files.Faucet(1, {"FAUCET_CONFIG_AUTO_REVERT": "1"})
    monkeypatch.setattr(files, "find_faucet", lambda _: found)
    monkeypatch.setattr(faucet, "loose_bridges", lambda ids: [("br0", "standalone")] * len(ids))
    plan = faucet.installation(faucet.read_place(config), Options(), faucet.Running())
    assert isinstance(plan, Refusal)
    assert [r.split(":")[0] for r in plan.reasons] == [
        "Faucet runs with FAUCET_CONFIG_AUTO_REVERT",
        "no check_faucet_config",
        "bridge br0 runs fail_mode standalone",
    ]


def test_the_checker_is_found_beside_the_running_faucet(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(PeerError, match=r"faucet\.environment"):
        faucet.checker_for(config, None)
    folder = environment() / "bin"
    monkeypatch.setattr(files, "find_faucet", lambda _: files.Faucet(1, {}, (folder,)))
    assert faucet.checker_for(config, None) == folder / "check_faucet_config"
    with pytest.raises(PeerError, match="nothing is written"):
        faucet.checker_for(config, config.parent)


def test_our_include_is_ours_also_as_a_link(config: Path) -> None:
    assert faucet.install(*planned(config), running()).written
    others = faucet.read_place(config).included.keys()
    ours = config.parent / INCLUDE
    other = config.parent / "other.yaml"
    ours.rename(other)
    ours.symlink_to(other)
    assert faucet.read_place(config).included.keys() == others
    ours.unlink()
    ours.symlink_to(ours)  # a circle
    assert faucet.read_place(config).included.keys() == others
