"""Write the table of modules in docs/architecture.md from the first line of each file.

Usage: python scripts/modules.py          (`make docs` does; a test compares)
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- modules: begin (make docs writes this part) -->\n", "<!-- modules: end -->"
SUFFIXES = {".py", ".c", ".h"}


def first_line(source: Path) -> str:
    """Give what a file says it is for: the first line of its docstring or comment."""
    text = source.read_text(encoding="utf-8")
    if source.suffix == ".py":
        doc = ast.get_docstring(ast.parse(text)) or ""
    else:
        doc = re.sub(r"^/\*\s*|\s*\*/.*$", "", text.partition("\n")[0])
    return doc.partition("\n")[0].replace("``", "`").replace("|", "\\|")


def table() -> str:
    """Give the table: every source file of plugin/ but bare package files, by folder."""
    lines = ["| file | what it is for |", "|---|---|"]
    for source in sorted((ROOT / "plugin").rglob("*")):
        name = source.relative_to(ROOT / "plugin").as_posix()
        if source.suffix in SUFFIXES:
            lines.append(f"| `{name}` | {first_line(source)} |")
    return "\n".join(lines) + "\n"


def renewed(document: str) -> str:
    """Give the document with its table as it should be."""
    head, _, rest = document.partition(BEGIN)
    return head + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    DOCUMENT.write_text(renewed(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
