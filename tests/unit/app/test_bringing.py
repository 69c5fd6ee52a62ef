"""Files brought to Faucet one step at a time, whatever goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin.actions import Isolation
from plugin.app.bringing import AGAIN_SECONDS, DIFF_MOST, RARELY_SECONDS, REPAIR_SECONDS, Bringing
from plugin.app.desired import Desired, desired
from plugin.app.looking import Looked, Looking
from plugin.errors import PeerError
from plugin.faucet import files
from plugin.faucet.hook import INCLUDE, NOTHING
from plugin.faucet.meaning import meaning
from plugin.offline.faucet import JOURNAL, read_place
from tests.confrpc import redumped
from tests.fabric import Clock, Fabric, Parser
from tests.unit.app.test_hooking import BLOCK, JAIL, OTHERS, config, installed

__all__ = ["config"]


class Bringer:
    """A bringer with its files, looked at anew each time."""

    def __init__(self, config: Path) -> None:
        installed(config)
        self.config, self.include = config, config.parent / INCLUDE
        self.clock, self.fabric, self.parser = Clock(), Fabric(config), Parser()
        self.one = Bringing(config, None, self.fabric, self.clock)
        self.one._checking = self.parser  # type: ignore[assignment]  # it stands for one
        self.fabric.load()

    def look(self) -> Looked:
        return Looking(self.config).look()

    def want(self, *isolations: Isolation) -> Desired:
        return desired(self.look(), isolations, NOTHING)

    def bring(self, want: Desired, seconds: float = 0.0) -> bool:
        self.clock.now += seconds
        return self.one.bring(self.look(), want)

    def loaded(self) -> bool:
        return self.one.loaded

    def follow(self, seconds: float = 0.0) -> None:
        self.clock.now += seconds
        self.one.follow(self.look())


@pytest.fixture
def bringer(config: Path) -> Bringer:
    return Bringer(config)


def test_written_then_signalled_then_loaded(bringer: Bringer) -> None:
    want = bringer.want(BLOCK)
    assert bringer.bring(want)
    assert bringer.include.read_text() == want.text
    assert bringer.fabric.reloads == 0
    bringer.follow()
    assert (bringer.fabric.reloads, bringer.loaded()) == (1, False)
    bringer.follow()
    assert bringer.loaded()
    assert bringer.bring(want)
    assert bringer.one.writes == 1


def test_what_was_written_is_told_line_by_line(bringer: Bringer) -> None:
    bringer.bring(bringer.want(JAIL, OTHERS))
    include, root = bringer.one.changes
    assert (include.file, include.macs) == (INCLUDE, (OTHERS.mac,))
    added = [line for line in include.diff.splitlines() if line[:2] == "+ "]
    assert len(added) == 2
    assert all(OTHERS.mac in line for line in added)
    assert (root.file, root.macs) == ("faucet.yaml", ())
    assert "native_vlan: jail" in root.diff
    bringer.one.changes = []
    bringer.include.write_text("# theirs " + "x" * 2 * DIFF_MOST)
    bringer.bring(bringer.want(JAIL, OTHERS), 1.0)
    (long,) = bringer.one.changes
    assert len(long.diff) < DIFF_MOST + 100


def test_all_that_faucet_reads_is_checked_together(bringer: Bringer) -> None:
    bringer.bring(bringer.want(JAIL, OTHERS))
    (asked,) = bringer.parser.asked
    assert "native_vlan: jail" in asked[bringer.config]
    assert OTHERS.mac in asked[bringer.include]


def test_a_signal_that_was_lost_is_sent_again_later_rarely(bringer: Bringer) -> None:
    bringer.fabric.slow = True
    bringer.bring(bringer.want(BLOCK))
    bringer.follow()
    for seconds, reloads in ((0.5, 1), (AGAIN_SECONDS, 2), (0.5, 2), (AGAIN_SECONDS, 3)):
        bringer.follow(seconds)
        assert bringer.fabric.reloads == reloads
    bringer.follow(bringer.fabric.patience)
    assert bringer.one.problem is not None
    assert "does not list the file" in bringer.one.problem
    bringer.follow(AGAIN_SECONDS)
    assert bringer.fabric.reloads == 4
    bringer.follow(RARELY_SECONDS)
    assert bringer.fabric.reloads == 5
    bringer.fabric.load()
    bringer.follow()
    assert bringer.loaded()
    assert bringer.one.problem is None


def test_what_faucet_says_against_it_is_told_at_once(bringer: Bringer) -> None:
    bringer.fabric.slow, bringer.fabric.error = True, "unknown field"
    bringer.bring(bringer.want(BLOCK))
    bringer.follow()
    bringer.follow()
    assert bringer.one.problem == "Faucet refuses its configuration: unknown field"


def test_a_file_that_changed_meanwhile_is_not_written_by(bringer: Bringer) -> None:
    want, looked = bringer.want(BLOCK), bringer.look()
    before = bringer.include.read_text()
    bringer.config.write_text(bringer.config.read_text() + "# mine\n")
    assert not bringer.one.bring(looked, want)
    assert bringer.one.problem is not None
    assert "changed meanwhile" in bringer.one.problem
    assert bringer.include.read_text() == before
    assert bringer.bring(bringer.want(BLOCK))
    assert bringer.one.problem is None


def test_what_somebody_writes_there_while_it_is_checked_is_kept(
    bringer: Bringer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bringer.bring(bringer.want(BLOCK))
    check, theirs = bringer.parser.check, "# somebody's work\n"

    def slow(*asked: object) -> object:
        bringer.include.write_text(theirs)
        return check(*asked)  # type: ignore[arg-type]  # as it was asked

    monkeypatch.setattr(bringer.parser, "check", slow)
    assert not bringer.bring(bringer.want(), 2.0)
    assert bringer.include.read_text() == theirs
    monkeypatch.undo()
    assert bringer.bring(bringer.want(), REPAIR_SECONDS)
    assert [one.read_text() for one in bringer.include.parent.glob("*.kept")] == [theirs]


def test_a_rule_that_somebody_added_while_nobody_looked_is_kept(bringer: Bringer) -> None:
    rule = "    - {rule: {dl_src: '0e:00:00:00:00:aa', actions: {allow: 0}}}\n"
    theirs = bringer.include.read_text().replace("  halia_hook:\n", f"  halia_hook:\n{rule}", 1)
    bringer.include.write_text(theirs)
    assert bringer.bring(bringer.want(BLOCK))
    assert [one.read_text() for one in bringer.include.parent.glob("*.kept")] == [theirs]
    assert rule in theirs


def test_bytes_that_read_as_the_same_text_are_each_kept(bringer: Bringer) -> None:
    assert bringer.bring(bringer.want(BLOCK))
    written = {b"# \xff\n", b"# \xfe\n"}
    for content in written:
        bringer.include.write_bytes(content)
        assert bringer.bring(bringer.want(BLOCK), REPAIR_SECONDS)
    assert {one.read_bytes() for one in bringer.include.parent.glob("*.kept")} == written


def test_a_journal_that_changed_meanwhile_is_not_written_over(bringer: Bringer) -> None:
    want, looked = bringer.want(JAIL), bringer.look()
    journal = bringer.config.parent / JOURNAL
    for text in (journal.read_text().replace('"none"', '"tail"'), "{"):
        journal.write_text(text)
        assert not bringer.one.bring(looked, want)
        assert journal.read_text() == text
        bringer.clock.now += AGAIN_SECONDS


def test_another_halia_that_writes_is_waited_for(bringer: Bringer) -> None:
    want = bringer.want(BLOCK)
    with files.locked(bringer.config.parent):
        assert not bringer.bring(want)
        assert bringer.one.problem is not None
        assert "another Halia" in bringer.one.problem
    assert not bringer.bring(want)
    assert bringer.bring(want, AGAIN_SECONDS)


def test_another_programs_writes_do_not_make_faucet_reload_for_ever(bringer: Bringer) -> None:
    want = bringer.want(BLOCK)
    bringer.bring(want)
    for number in range(5):
        bringer.include.write_text(f"# theirs {number % 2}\n")
        assert bringer.bring(want, 1.0) is (number == 0)
    assert bringer.bring(want, REPAIR_SECONDS)
    assert bringer.one.writes == 3
    kept = {one.read_text() for one in bringer.include.parent.glob("*.kept")}
    assert kept == {"# theirs 0\n"}
    assert bringer.include.read_text() == want.text


def test_a_file_of_others_that_was_there_first_is_put_aside(bringer: Bringer) -> None:
    theirs = b"acls: {mine: [{rule: {actions: {allow: 1}}}]} # \xff\n"
    bringer.include.write_bytes(theirs)
    bringer.bring(bringer.want(BLOCK))
    (kept,) = bringer.include.parent.glob("*.kept")
    assert kept.read_bytes() == theirs
    assert bringer.one.foreign is not None
    assert kept.name in bringer.one.foreign


def test_bytes_that_cannot_be_put_aside_are_not_written_over(
    bringer: Bringer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bringer.include.write_text("# mine\n")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.link", refuse)
    assert not bringer.bring(bringer.want(BLOCK))
    assert bringer.one.problem is not None
    assert "cannot be put aside" in bringer.one.problem
    assert bringer.include.read_text() == "# mine\n"


def test_a_root_file_that_cannot_be_written_leaves_the_way_back(bringer: Bringer) -> None:
    text = bringer.config.read_text()
    bringer.fabric.full = {bringer.config}
    assert not bringer.bring(bringer.want(JAIL, OTHERS))
    assert OTHERS.mac in bringer.include.read_text()  # what could be isolated is
    assert bringer.config.read_text() == text
    journal = read_place(bringer.config).journal
    assert journal is not None
    assert journal.revlans is not None
    bringer.fabric.full = set()
    assert bringer.bring(bringer.want(JAIL, OTHERS), AGAIN_SECONDS)
    assert "native_vlan: jail" in bringer.config.read_text()
    assert bringer.bring(bringer.want(), AGAIN_SECONDS)
    assert bringer.config.read_text() == text


def test_a_root_file_that_we_wrote_must_be_loaded_too(bringer: Bringer) -> None:
    bringer.bring(bringer.want(JAIL))
    bringer.follow()
    ours = [one for one in bringer.fabric.found if one.path != str(bringer.config)]
    bringer.fabric.found, found = tuple(ours), bringer.fabric.found
    bringer.follow()
    assert not bringer.loaded()
    bringer.fabric.found = found
    bringer.follow()
    assert bringer.loaded()
    # Somebody else's edit of it is no business of ours.
    bringer.config.write_text(bringer.config.read_text() + "# mine\n")
    bringer.follow()
    assert bringer.loaded()


def test_the_parser_is_begun_before_it_is_needed_and_ended(bringer: Bringer) -> None:
    bringer.one._checking = None
    bringer.one._environment = bringer.config.parent / "nowhere"
    bringer.one.ready()  # there is none: it is told when something is to be written
    assert not bringer.bring(bringer.want(BLOCK))
    assert bringer.one.problem is not None
    bringer.one.close()
    with pytest.raises(PeerError, match="is closed"):
        bringer.one._checker()


class Redumping(Fabric):
    """Writes what a text means in a form of its own, without comments, as faucetconfrpc does."""

    comments = here = False

    def form(self, text: str) -> str:
        return meaning(text)

    def write(self, path: Path, text: str) -> str:
        return super().write(path, redumped(text))


@pytest.fixture
def remote(config: Path) -> Bringer:
    one = Bringer(config)
    one.fabric = Redumping(config)
    one.fabric.kept = config.parent / "state" / "kept"
    again(one)
    return one


def again(bringer: Bringer) -> None:
    """Begin anew, with the files as they stand."""
    bringer.one = Bringing(bringer.config, None, bringer.fabric, bringer.clock)
    bringer.one._checking = bringer.parser  # type: ignore[assignment]  # it stands for one
    bringer.fabric.load()
    bringer.clock.now += REPAIR_SECONDS


def test_what_stands_in_another_form_is_loaded_and_not_written_again(remote: Bringer) -> None:
    want = remote.want(BLOCK, OTHERS)
    assert remote.bring(want)
    stands = remote.include.read_text()
    assert stands == redumped(want.text) != want.text
    remote.follow()
    remote.follow()
    assert remote.loaded()
    remote.include.write_text(want.text)  # the same in our form: nobody has to do anything
    for number in range(3):
        assert remote.bring(remote.want(BLOCK, OTHERS), REPAIR_SECONDS)
        assert remote.loaded() is (number > 1), "Faucet has to list these bytes"
        remote.follow(AGAIN_SECONDS)
    assert remote.loaded()
    assert remote.one.writes == 1
    remote.include.write_text(redumped(want.text))
    assert remote.bring(remote.want(BLOCK), 1.0), "nothing has to be repaired first"
    assert remote.one.foreign is None


def test_a_diff_of_another_form_names_nobody_who_stays_as_he_was(remote: Bringer) -> None:
    remote.bring(remote.want(OTHERS))
    remote.one.changes = []
    remote.bring(remote.want(OTHERS, BLOCK), 1.0)
    (change,) = remote.one.changes
    assert change.macs == (BLOCK.mac,)


def test_ours_in_another_form_is_known_after_a_restart(remote: Bringer) -> None:
    remote.bring(remote.want(BLOCK))
    again(remote)
    assert remote.bring(remote.want(BLOCK))
    assert remote.one.writes == 0
    again(remote)
    assert remote.bring(remote.want())
    assert remote.one.writes == 1
    assert remote.one.foreign is None
    assert remote.fabric.kept is not None
    assert not remote.fabric.kept.exists()


def test_others_content_is_kept_in_a_folder_of_ours(remote: Bringer) -> None:
    kept = remote.fabric.kept
    assert kept is not None
    for number in range(2):
        theirs = f"acls: {{mine: [{{rule: {{actions: {{allow: {number}}}}}}}]}} # \xff\n".encode()
        remote.include.write_bytes(theirs)
        if number:
            again(remote)
        assert remote.bring(remote.want(BLOCK), REPAIR_SECONDS)
        assert theirs in {one.read_bytes() for one in kept.iterdir()}
        assert remote.one.foreign is not None
        assert str(kept) in remote.one.foreign
        assert remote.include.read_text() == redumped(remote.want(BLOCK).text)
    assert len(list(kept.iterdir())) == 2
    assert not list(remote.include.parent.glob("*.kept"))


def test_an_earlier_one_of_ours_in_any_form_is_not_kept(remote: Bringer) -> None:
    remote.bring(remote.want(BLOCK))
    earlier = remote.want(BLOCK).text
    remote.bring(remote.want(OTHERS), 1.0)
    remote.include.write_text(f"# reverted\n{earlier}")
    assert remote.bring(remote.want(OTHERS), REPAIR_SECONDS)
    assert remote.one.foreign is not None
    assert "was set back" in remote.one.foreign


def test_a_write_that_was_done_though_we_were_told_otherwise(remote: Bringer) -> None:
    """A deadline: what was told to be written stands a little later, and is nobody else's."""
    write = remote.fabric.write

    def too_late(path: Path, text: str) -> str:
        write(path, text)
        raise PeerError("no answer within 10 s", where="faucetconfrpc")

    remote.fabric.write = too_late  # type: ignore[method-assign]  # for a while
    assert not remote.bring(remote.want(BLOCK))
    assert "no answer" in str(remote.one.problem)
    remote.fabric.write = write  # type: ignore[method-assign]  # its own
    assert remote.bring(remote.want(BLOCK), AGAIN_SECONDS)
    assert remote.one.problem is None
    assert remote.one.foreign is None
    remote.follow(AGAIN_SECONDS)
    remote.follow()
    assert remote.loaded()


def test_a_port_is_moved_and_moved_back_in_a_root_of_another_form(remote: Bringer) -> None:
    root = remote.config.read_text()
    assert remote.bring(remote.want(JAIL))
    assert "native_vlan: jail" in remote.config.read_text()
    before = remote.fabric.found
    remote.follow()
    after, remote.fabric.found = remote.fabric.found, before
    remote.follow()
    assert not remote.loaded(), "Faucet has to list the root file's bytes"
    remote.fabric.found = after
    remote.follow()
    assert remote.loaded()
    for _ in range(3):
        assert remote.bring(remote.want(JAIL), REPAIR_SECONDS)
    assert remote.one.writes == 1
    again(remote)
    assert remote.bring(remote.want(), 1.0)
    assert meaning(remote.config.read_text()) == meaning(root)
    journal = read_place(remote.config).journal
    assert journal is not None
    assert journal.revlans is None
    assert remote.one.writes == 1


def test_a_call_under_way_is_ended_with_the_parser(remote: Bringer) -> None:
    ended: list[bool] = []
    remote.fabric.close = lambda: ended.append(True)  # type: ignore[method-assign]  # to see it
    remote.one.close()
    assert ended == [True]


def test_what_is_no_file_of_ours_is_moved_aside(bringer: Bringer) -> None:
    want = bringer.want(BLOCK)
    assert bringer.bring(want)
    other = bringer.config.parent / "other"
    other.write_text("not ours")
    bringer.include.unlink()
    bringer.include.symlink_to(other)
    assert bringer.bring(want, 10)
    assert not bringer.include.is_symlink()
    assert other.read_text() == "not ours"
    aside = bringer.include.with_name(f"{bringer.include.name}.1.kept")
    assert aside.readlink() == other
    assert aside.name in (bringer.one.foreign or "")
    bringer.include.unlink()
    bringer.include.mkdir()
    assert bringer.bring(want, 10)
    assert aside.with_name(f"{bringer.include.name}.2.kept").is_dir()


def test_who_may_not_write_is_told_before_anybody_is_isolated(
    bringer: Bringer, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems = []
    # It does not matter where somebody else writes for us.
    for why, here in (("is another's", True), ("is another's", False), (None, True)):
        said = None if why is None else f"halia_isolation.yaml {why}"
        monkeypatch.setattr(files, "why_unwritable", lambda _, said=said: said)
        monkeypatch.setattr(type(bringer.one.adapter), "here", here)
        assert bringer.bring(bringer.want())
        problems.append(bringer.one.problem)
    words = "nobody can be isolated or released: halia_isolation.yaml is another's (docs/run.md)"
    assert problems == [words, None, None]
