"""The one command that measures every figure, and the places where figures go."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scripts.figures import STEPS, MarkError, Step, chosen, marks, renewed, run

ROOT = Path(__file__).resolve().parents[2]


def test_new_tables_take_the_place_of_the_old_ones() -> None:
    begin, end = marks("x")
    told = f"before\n{begin}\n\nold\n\n{end}\nafter\n"
    again = renewed(told, "x", "| new |\n\n")
    assert again == f"before\n{begin}\n\n| new |\n\n{end}\nafter\n"
    assert renewed(again, "x", "| new |") == again


@pytest.mark.parametrize(
    "told",
    [
        "nothing",
        marks("x")[0],
        f"{marks('x')[1]} {marks('x')[0]}",
        f"{marks('x')[0]} {marks('x')[1]} {marks('x')[0]}",
        f"{marks('x')[0]} {marks('x')[1]} {marks('x')[1]}",
    ],
)
def test_a_document_without_a_place_is_refused(told: str) -> None:
    with pytest.raises(MarkError, match="no place for x"):
        renewed(told, "x", "text")


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_each_step_has_a_script_and_its_place(step: Step) -> None:
    if step.words[0] == "-m":
        script = ROOT / (step.words[1].replace(".", "/") + ".py")
    else:
        script = ROOT / step.words[0]
    assert script.is_file()
    if step.document is not None:
        text = (ROOT / step.document).read_text(encoding="utf-8")
        assert not step.marked or renewed(text, step.name, "x") != text


def test_every_table_that_prints_is_a_step() -> None:
    scripts = (ROOT / "scripts" / "tables").glob("*.py")
    made = {path.stem for path in scripts if "__main__" in path.read_text(encoding="utf-8")}
    run_by_steps = {
        Path(word).stem if word.endswith(".py") else word.rpartition(".")[2]
        for step in STEPS
        for word in step.words[:2]
    }
    assert made - {"netml_run"} <= run_by_steps  # which netml_pairs runs


def test_what_needs_more_than_captures_is_run_when_asked_for() -> None:
    def names(*only: str, unusual: bool = False) -> list[str]:
        return [step.name for step in chosen(only, unusual=unusual)]

    every = [step.name for step in STEPS]
    assert names(unusual=True) == every
    assert set(every) - set(names()) == {"pairs", "netml"}
    assert names("pairs", "types") == ["types", "pairs"]


def test_what_is_printed_is_written_and_a_failure_changes_nothing(tmp_path: Path) -> None:
    begin, end = marks("x")
    page, whole = tmp_path / "page.md", tmp_path / "whole.md"
    page.write_text(f"{begin}\n{end}\n", encoding="utf-8")
    printing = ("-c", "print('{shared}')")
    run(Step("x", printing, Path("page.md")), Path("/captures"), tmp_path)
    assert page.read_text(encoding="utf-8") == f"{begin}\n\n/captures\n\n{end}\n"
    run(Step("x", printing, Path("whole.md"), marked=False), Path("/captures"), tmp_path)
    assert whole.read_text(encoding="utf-8") == "/captures\n"
    before = page.read_text(encoding="utf-8")
    with pytest.raises(subprocess.CalledProcessError):
        run(Step("x", ("-c", "print(1); exit(3)"), Path("page.md")), tmp_path, tmp_path)
    assert page.read_text(encoding="utf-8") == before
    with pytest.raises(MarkError):
        run(Step("y", ("-c", "open('ran', 'w')"), Path("page.md")), tmp_path, tmp_path)
    assert not (tmp_path / "ran").exists()
