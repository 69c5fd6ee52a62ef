"""The store on real databases: SQLite, PostgreSQL, MariaDB."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from plugin.registry import Device, from_document
from plugin.store.database import StoreError, place
from plugin.store.state import LastVerdict, Retention, Store, StoreDiffers
from tests import journals as j
from tests.databases import KINDS, database


@pytest.fixture(scope="module", params=KINDS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with database(request.param, tmp_path_factory.mktemp(request.param)) as url:
        yield url


@pytest.fixture
def url(server: str) -> str:
    """The database, with nothing of ours in it."""
    Store(server, anew=True).close()
    return server


def test_devices_come_back_as_they_were(url: str, tmp_path: Path) -> None:
    name = "Ünï \U0001f5a8 \x00\ud800 '; DROP TABLE x; --"
    told = [j.device(2, name=name, vendor=None), j.device(1), j.device(3)]
    entries = j.write(tmp_path, *told, j.gone(3))
    with Store(url) as store:
        assert store.position() == 0
        store.apply(entries)
    with Store(url) as store:  # a restart
        assert store.position() == 4
        devices = store.devices()
    assert [one.device for one in devices] == [from_document(told[i][1]) for i in (1, 0)]
    assert [one.vendor for one in devices] == ["Maker", None]
    assert isinstance(devices[0].device, Device)
    assert devices[1].device.name == name


def test_a_moved_device_stands_once(url: str, tmp_path: Path) -> None:
    entries = j.write(tmp_path, j.device(1), j.device(1, port=9, vid=4095))
    with Store(url) as store:
        for entry in entries:
            store.apply([entry])
        (one,) = store.devices()
    assert one.device.location == ("sw1", 9, 4095)


def test_last_verdicts_and_their_count(url: str, tmp_path: Path) -> None:
    entries = j.write(
        tmp_path,
        j.device(1),
        j.device(2),
        j.verdict(1, "a"),
        j.verdict(2, "b"),
        j.verdict(1, "c", "Camera"),
        j.unjudged(1, "d"),
        j.verdict(9, "e"),  # never told of
    )
    with Store(url) as store:
        store.apply(entries[:4])
        store.apply(entries[4:])
        found = store.last_verdicts()
        assert found == {
            j.mac(1): LastVerdict(j.document(1, "Camera"), "c", 2, j.document(1, "Camera")),
            j.mac(2): LastVerdict(j.document(2), "b", 1, j.document(2)),
        }
        more = j.write(tmp_path, j.gone(1))
        store.apply(more)
        assert list(store.last_verdicts()) == [j.mac(2)]
        more = j.write(tmp_path, j.device(1), j.verdict(1, "f"))
        store.apply(more)
        assert store.last_verdicts()[j.mac(1)].captures == 1


def test_a_verdict_of_too_little_does_not_hide_the_one_that_tells_the_role(
    url: str, tmp_path: Path
) -> None:
    little = j.verdict(1, "b", "Camera", "undetermined")
    with Store(url) as store:
        store.apply(j.write(tmp_path, j.device(1), little))
        assert store.last_verdicts()[j.mac(1)].decided is None
        store.apply(j.write(tmp_path, j.verdict(1, "c"), little))
        store.apply(j.write(tmp_path, little))
        found = store.last_verdicts()[j.mac(1)]
        assert (found.document, found.captures) == (little[1]["verdict"], 4)
        assert found.decided == j.document(1)
        store.apply(j.write(tmp_path, j.verdict(1, "d", "Camera", "unknown")))
        assert store.last_verdicts()[j.mac(1)].decided == j.document(1, "Camera", "unknown")


def test_judged_captures(url: str, tmp_path: Path) -> None:
    entries = j.write(
        tmp_path, j.verdict(1, "a"), j.unjudged(1, "b"), j.finding(1, "c"), j.verdict(1, "a")
    )
    with Store(url) as store:
        store.apply(entries)
        assert store.judged(["a", "b", "c", "d", "A"]) == {"a", "b"}
        assert store.judged(f"{n}" for n in range(1200)) == set()
        assert store.judged([]) == set()


def test_what_was_said_of_a_device_the_last_first(url: str, tmp_path: Path) -> None:
    entries = j.write(
        tmp_path,
        j.verdict(1, "z"),
        j.finding(1, "a", "scan"),
        j.finding(2, "b"),
        j.verdict(1, "a", "Camera"),
        j.verdict(2, "b"),
        j.finding(1, None, "beacon"),
        j.alarm(about=j.mac(1)),
    )
    with Store(url) as store:
        store.apply(entries)
        found = store.said(j.mac(1), 9)
        assert [(one.number, one.kind, one.capture) for one in found] == [
            (6, "finding", None), (4, "verdict", "a"), (2, "finding", "a"), (1, "verdict", "z"),
        ]  # fmt: skip
        assert {(one.mac, one.time - one.number) for one in found} == {(j.mac(1), 1_700_000_000.0)}
        assert [one.message_id for one in found] == ["f-None", "v-a", "f-a", "v-z"]
        assert found[0].document["anomaly"] == {"behaviour": ["beacon"]}
        assert found[1].document == j.document(1, "Camera")
        assert store.said(j.mac(1), 3) == found[:3]
        assert store.said(j.mac(1), 1) == found[:1]
        assert store.said(j.mac(3), 9) == []


def test_cases_that_are_not_over_are_given_however_old_and_others_since_a_time(
    url: str, tmp_path: Path
) -> None:
    told = [
        j.decision(1, "isolating", 1),
        j.decision(2, "over", 2),
        j.decision(1, "isolated", 1),
        j.decision(3, "over", 3),
        j.decision(4, "over", 4),
        j.decision(5, "over", 5, cookie=0),
        j.decision(6, "over", 6, cookie=0, grace=600.0),
        j.decision(7, "over", 7, cookie=0),
    ]
    with Store(url) as store:
        assert store.cases() == []
        for entry in j.write(tmp_path, *told):
            store.apply([entry])
        assert [one["number"] for one in store.cases()] == [1, 2, 3, 4, 6, 7]
        assert store.cases()[0] == j.case(1, "isolated", 1)
        late = store.cases(since=1_700_000_004.0)  # the entries' times count up from there
        assert [one["number"] for one in late] == [1, 3, 4, 6, 7]
        never = store.cases(since=2e9)
        assert [one["number"] for one in never] == [1, 7]  # the last one: numbers go on from it


def test_whether_caps_have_stopped_the_rules(url: str, tmp_path: Path) -> None:
    with Store(url) as store:
        assert store.frozen() is None
        store.apply(j.write(tmp_path, j.caps("too many"), j.caps(None), j.caps("caps\x1b.devices")))
        assert store.frozen() == "caps\\x1b.devices"
        store.apply(j.write(tmp_path, j.caps(None)))
        assert store.frozen() is None


def test_the_steps_of_a_device_s_cases_the_last_first(url: str, tmp_path: Path) -> None:
    told = [j.decision(1, "isolating"), j.decision(2, "pending", 2), j.decision(1, "over")]
    with Store(url) as store:
        store.apply(j.write(tmp_path, *told))
        found = store.decisions(j.mac(1), 9)
        assert [(one.number, one.body["case"]["state"]) for one in found] == [
            (3, "over"), (1, "isolating"),
        ]  # fmt: skip
        assert (found[0].actor, found[0].time, found[0].body) == (
            "halia", 1_700_000_003.0, told[2][1],
        )  # fmt: skip
        assert store.decisions(j.mac(1), 1) == found[:1]
        assert store.decisions(j.mac(7), 9) == []


def test_old_cases_go_when_they_are_over_and_steps_in_any_case(tmp_path: Path) -> None:
    told = [j.decision(1), j.decision(2, "over"), j.decision(3, "over"), *[j.alarm()] * 1_000]
    with Store(tmp_path / "s", retention=Retention(entries=500)) as store:
        store.apply(j.write(tmp_path / "journal", *told))
        assert [one["number"] for one in store.cases()] == [1, 3]
        assert store.decisions(j.mac(1), 9) == []


def test_entries_are_taken_once_and_in_their_order(url: str, tmp_path: Path) -> None:
    entries = j.write(tmp_path, j.device(1), *(j.verdict(1, f"{n}") for n in range(4)))
    with Store(url) as store:
        store.apply(entries[:2])
        store.apply(entries[:4])
        store.apply(entries[:3])
        store.apply([])
        assert store.position() == 4
        assert store.last_verdicts()[j.mac(1)].captures == 3
        store.apply(entries)
        assert store.last_verdicts()[j.mac(1)].captures == 4


def test_a_gap_or_another_journal_changes_nothing(url: str, tmp_path: Path) -> None:
    entries = j.write(tmp_path / "a", j.device(1), j.device(2), j.device(3))
    other = j.write(tmp_path / "b", j.device(4), j.device(5), j.device(6))
    with Store(url) as store:
        for wrong in (entries[1:], [entries[0], entries[2]], [entries[0], other[1]]):
            with pytest.raises(StoreDiffers, match="anew"):
                store.apply(wrong)
            assert store.position() == 0
            assert store.devices() == []
        store.apply(entries[:2])
        for wrong in (other[1:2], other[2:]):
            with pytest.raises(StoreDiffers, match="does not belong to this journal"):
                store.apply(wrong)
        store.apply(entries)
        assert len(store.devices()) == 3


def test_old_rows_go(url: str, tmp_path: Path) -> None:
    told = [j.verdict(n % 2, f"{n}") for n in range(20)]
    told += [j.finding(n % 2, f"{n}") for n in range(20)]
    entries = j.write(tmp_path, j.device(0), j.device(1), *told, *([j.alarm()] * 2000))
    with Store(url, retention=Retention(verdicts=3, findings=2, entries=1500)) as store:
        store.apply(entries[:30])
        store.apply(entries[30:42])
        said = [(one.kind, one.capture) for one in store.said(j.mac(0), 9)]
        assert said == [
            ("finding", "18"),
            ("finding", "16"),
            ("verdict", "18"),
            ("verdict", "16"),
            ("verdict", "14"),
        ]
        assert rows(url, "verdicts") == list(range(17, 23))
        assert store.last_verdicts()[j.mac(0)].captures == 10
        assert store.judged(["0", "19"]) == {"0", "19"}
        store.apply(entries[42:])
        assert rows(url, "alarms") == list(range(543, 2043))
        assert rows(url, "verdicts") == rows(url, "captures") == rows(url, "latest") == []
        assert len(store.devices()) == 2


def test_one_thread_writes_and_others_read(url: str, tmp_path: Path) -> None:
    entries = j.write(tmp_path, j.device(1), j.device(2))
    found: list[object] = []

    def other() -> None:
        found.append(len(store.devices()))
        try:
            store.apply(entries)
        except RuntimeError as error:
            found.append(str(error))

    with Store(url) as store:
        store.apply(entries[:1])
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert found == [1, "only the thread that opened the store writes it"]


def test_a_second_writer_is_kept_out(url: str, tmp_path: Path) -> None:
    entries = j.write(tmp_path, j.device(1), j.device(2))
    with Store(url) as one, Store(url) as two:
        one.apply(entries[:1])
        with pytest.raises(StoreError, match="another process writes"):
            two.apply(entries)
        assert one.position() == 1


def test_a_second_writer_with_another_journal_is_kept_out(url: str, tmp_path: Path) -> None:
    ours = j.write(tmp_path / "a", j.device(1), j.device(2))
    others = j.write(tmp_path / "b", j.device(3), j.device(4))
    with Store(url) as one:
        one.apply(ours[:1])
        with Store(url, anew=True) as two:
            two.apply(others[:1])  # as far, but not to the same place
            with pytest.raises(StoreError, match="another process writes"):
                one.apply(ours)
            two.apply(others)
            assert [found.device.mac for found in two.devices()] == [j.mac(3), j.mac(4)]


def test_another_format_is_told(url: str, tmp_path: Path) -> None:
    change(url, "UPDATE halia_position SET format = 99")
    with pytest.raises(StoreDiffers, match="format 99"):
        Store(url)
    with Store(url, anew=True) as store:
        store.apply(j.write(tmp_path, j.device(1)))


def test_a_row_changed_by_another_hand_is_told(url: str, tmp_path: Path) -> None:
    with Store(url) as store:
        store.apply(j.write(tmp_path, j.device(1)))
        for document in ("no JSON", "{}"):
            change(url, f"UPDATE halia_devices SET document = '{document}'")  # noqa: S608 - ours
            with pytest.raises(StoreDiffers, match="another hand"):
                store.devices()


def test_damaged_entries_are_counted(url: str, tmp_path: Path) -> None:
    with Store(url) as store:
        store.apply(j.write(tmp_path, ("device", {}), ("later", {}), j.device(1)))
        assert (store.unreadable, store.position(), len(store.devices())) == (1, 3, 1)


class TestSqliteFiles:
    """What can be wrong with a file, each with its name and a remedy."""

    def test_it_is_readable_by_nobody_else(self, tmp_path: Path) -> None:
        with Store(tmp_path / "s") as store:
            store.apply(j.write(tmp_path / "j", j.device(1)))
            modes = {p.name: p.stat().st_mode & 0o007 for p in tmp_path.glob("s*")}
        assert modes == {"s": 0, "s-shm": 0, "s-wal": 0}

    @pytest.mark.parametrize("content", [b"rubbish" * 1000, b"SQLite format 3\0" + b"\xff" * 9000])
    def test_no_database(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "s").write_bytes(content)
        with pytest.raises(StoreError, match="made anew") as told:
            Store(tmp_path / "s")
        assert str(told.value).startswith(f"{tmp_path / 's'}: ")
        assert (tmp_path / "s").read_bytes() == content

    def test_torn(self, tmp_path: Path) -> None:
        with Store(tmp_path / "s") as store:
            store.apply(j.write(tmp_path / "j", *map(j.device, range(500))))
        whole = (tmp_path / "s").read_bytes()
        (tmp_path / "s").write_bytes(whole[: len(whole) // 3])
        with (
            pytest.raises(StoreError, match=r"malformed.*made anew"),
            Store(tmp_path / "s") as store,
        ):
            store.devices()

    def test_locked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("plugin.store.database._PATIENCE", 0)
        with Store(tmp_path / "s") as store:
            other = sqlite3.connect(tmp_path / "s", isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="locked; another process"):
                store.apply(j.write(tmp_path / "j", j.device(1)))
            assert store.position() == 0
            other.execute("ROLLBACK")
            other.close()
            store.apply(j.write(tmp_path / "k", j.device(1)))

    def test_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="No such file or directory; let the user"):
            Store(tmp_path / "none" / "s")

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="unable to open"):
            Store(tmp_path)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("oracle://u:secret@h/d", "oracle is no kind of store"),
        ("no url: secret", "is no URL"),
        ("postgresql://u:secret@h:port/d", "is no URL"),
        ("postgresql://u:secret@127.0.0.1:1/d", "look whether the server is up"),
        ("mariadb://u:secret@127.0.0.1:1/d", "look whether the server is up"),
    ],
)
def test_no_store_there_and_no_password_told(url: str, said: str) -> None:
    with pytest.raises(StoreError, match=said) as told:
        Store(url)
    assert "secret" not in str(told.value)


def rows(url: str, table: str) -> list[int]:
    engine = create_engine(place(url))
    with engine.connect() as connection:
        query = f"SELECT number FROM halia_{table} ORDER BY number"  # noqa: S608 - a test's own
        found = [row[0] for row in connection.execute(text(query))]
    engine.dispose()
    return found


def change(url: str, statement: str) -> None:
    engine = create_engine(place(url))
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
