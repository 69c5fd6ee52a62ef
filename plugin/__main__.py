"""``python -m plugin``: the same as the console script ``halia``."""

from __future__ import annotations

from plugin.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
