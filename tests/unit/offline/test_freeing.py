"""Isolations taken out of real files, judged by Faucet's own parser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plugin.errors import FaucetFileError
from plugin.faucet.isolate import read
from plugin.offline.faucet import JOURNAL, read_place
from plugin.offline.freeing import free, isolated
from tests.confrpc import redumped
from tests.grounds import DHCP, isolation, mac, site
from tests.isolated import WATCHED, include, on_disk, running

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.offline.faucet import Place

BLOCK = isolation("block", 1)
QUARANTINE = isolation("quarantine", 2, allow=(DHCP,))
LIMIT = isolation("limit", 4, port=10)
REVLAN = isolation("revlan", 5, port=3)


def test_one_goes_the_others_and_the_watch_stay(tmp_path: Path) -> None:
    one = site()
    place = read_place(on_disk(tmp_path, one, BLOCK, QUARANTINE, LIMIT))
    freed = free(place, running(), frozenset({mac(2)}))
    assert freed.holders == {(2, mac(2))}
    assert freed.applied.written
    assert place.include.read_text() == include(one, BLOCK, LIMIT)
    assert place.root.read_text() == one.root
    removed = [line for line in freed.diff.splitlines() if line[:1] == "-" and line[:3] != "---"]
    assert removed
    assert all(mac(2) in line for line in removed)


def test_all_go_and_the_watch_stays(tmp_path: Path) -> None:
    one = site()
    place = read_place(on_disk(tmp_path, one, BLOCK, QUARANTINE, LIMIT, REVLAN))
    assert isolated(place) == {mac(n) for n in (1, 2, 4, 5)}
    freed = free(place, running(), None)
    assert {cookie for cookie, _ in freed.holders} == {1, 2, 4, 5}
    assert place.include.read_text() == include(one)
    assert WATCHED in place.include.read_text()
    assert place.root.read_text() == one.root
    again = read_place(place.root)
    assert again.journal is not None
    assert again.journal.revlans is None
    assert isolated(again) == frozenset()
    freed = free(again, running(), None)
    assert (freed.holders, freed.diff, freed.applied.written) == (frozenset(), "", False)


def test_a_moved_port_goes_back_alone(tmp_path: Path) -> None:
    one = site()
    place = read_place(on_disk(tmp_path, one, BLOCK, REVLAN))
    before = place.include.read_text()
    freed = free(place, running(), frozenset({mac(5)}))
    assert freed.holders == {(5, mac(5))}
    assert place.root.read_text() == one.root
    assert place.include.read_text() == before
    assert "+    native_vlan: lab" in freed.diff.replace("        native", "    native")


def test_who_is_not_there_changes_nothing(tmp_path: Path) -> None:
    place = read_place(on_disk(tmp_path, site(), BLOCK))
    freed = free(place, running(), frozenset({mac(9)}))
    assert (freed.holders, freed.applied.written) == (frozenset(), False)


def test_an_include_in_faucetconfrpcs_form_is_thinned_too(tmp_path: Path) -> None:
    one = site()
    place = read_place(on_disk(tmp_path, one, BLOCK))
    ours = place.include.read_text()
    place.include.write_text(redumped(ours))
    freed = free(place, running(), None)
    assert freed.applied.written
    assert freed.holders
    assert read(place.include.read_text()) == ()
    assert place.include.read_text().startswith("# Written by Halia.")


@pytest.mark.parametrize("text", ["- a list\n", "acls:\n  halia_hook:\n    - {rule: {}}\n   x\n"])
def test_an_include_that_is_not_ours_is_only_replaced_if_wanted(tmp_path: Path, text: str) -> None:
    one = site()
    place = read_place(on_disk(tmp_path, one, BLOCK))
    place.include.write_text(text)
    for wanted in (None, frozenset({mac(1)})):
        with pytest.raises(FaucetFileError, match="not as Halia writes it"):
            free(place, running(), wanted)
    assert place.include.read_text() == text
    with pytest.raises(FaucetFileError, match="not as Halia writes it"):
        free(place, running(), frozenset({mac(1)}), anew=True)  # one would free all others, too
    assert place.include.read_text() == text
    assert free(place, running(), None, anew=True).applied.written
    assert read(place.include.read_text()) == ()


def test_a_rule_that_somebody_wrote_there_is_named_and_goes_if_wanted(tmp_path: Path) -> None:
    """It cuts a device off, and has no cookie by which to know it: all are let out or nobody is."""
    one = site()
    place = read_place(on_disk(tmp_path, one, BLOCK))
    edit = '- {rule: {dl_src: "02:00:00:00:00:06", actions: {allow: 0}}}'
    lines = place.include.read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("    - "))
    place.include.write_text("\n".join([*lines[: at + 1], f"    {edit}", *lines[at + 1 :]]) + "\n")
    with pytest.raises(FaucetFileError, match=r"not as Halia writes it: .*02:00:00:00:00:06"):
        free(place, running(), None)
    assert isolated(place) == {mac(1), "02:00:00:00:00:06"}
    assert free(place, running(), frozenset({mac(1)})).holders == {(1, mac(1))}
    assert edit in place.include.read_text(), "one device is let out, no more"
    assert free(place, running(), None, anew=True).applied.written
    assert "02:00:00:00:00:06" not in place.include.read_text()


def edited(place: Place, edit: str) -> None:
    """Write a rule into our include, behind the first."""
    lines = place.include.read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("    - "))
    place.include.write_text("\n".join([*lines[: at + 1], f"    {edit}", *lines[at + 1 :]]) + "\n")


@pytest.mark.parametrize("cookie", ["", "cookie: 0, ", "cookie: 40001, ", "cookie: 99999, "])
def test_a_rule_about_him_that_is_not_ours_is_not_left_standing_unsaid(
    tmp_path: Path, cookie: str
) -> None:
    place = read_place(on_disk(tmp_path, site(), BLOCK))
    edited(place, f'- {{rule: {{dl_src: "{mac(1).upper()}", {cookie}actions: {{allow: 0}}}}}}')
    assert isolated(place) == {mac(1)}
    for wanted in (frozenset({mac(1)}), None):
        with pytest.raises(FaucetFileError, match=r"not as Halia writes it: .*0E:00"):
            free(place, running(), wanted)
    assert free(place, running(), None, anew=True).applied.written
    assert mac(1).upper() not in place.include.read_text()


def test_what_he_edits_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    place = read_place(on_disk(tmp_path, site(), REVLAN))
    place.root.write_text(place.text + "# mine\n")
    with pytest.raises(FaucetFileError, match="was changed meanwhile"):
        free(place, running(), None)


def test_without_an_installation_nobody_is_isolated(tmp_path: Path) -> None:
    config = on_disk(tmp_path, site())
    (tmp_path / JOURNAL).unlink()
    with pytest.raises(FaucetFileError, match="not installed"):
        free(read_place(config), running(), None)


@pytest.mark.parametrize("there", [True, False])
def test_where_a_foreign_link_leads_nothing_is_written(tmp_path: Path, there: bool) -> None:
    place = read_place(on_disk(tmp_path, site(), BLOCK))
    other = tmp_path / "other"
    if there:
        other.write_text("root:x:0:0")
    place.include.unlink()
    place.include.symlink_to(other)
    with pytest.raises(FaucetFileError, match="a link to what is not ours"):
        free(place, running(), None, anew=True)
    assert other.exists() == there
    assert not there or other.read_text() == "root:x:0:0"
    place.include.unlink()
    assert free(read_place(place.root), running(), None, anew=True).applied.written


def test_a_link_to_a_file_of_ours_is_followed(tmp_path: Path) -> None:
    one = site()
    place = read_place(on_disk(tmp_path, one, BLOCK))
    other = place.include.rename(tmp_path / "other")
    place.include.symlink_to(other)
    assert free(place, running(), None).holders == {(1, mac(1))}
    assert other.read_text() == include(one)
    assert place.include.is_symlink()
