"""The compiled core: the one thing that setup.cfg cannot describe.

``HALIA_NO_EXTENSION=1`` leaves it out. So does a compiler that fails: the extension is
optional, and the reference in plain Python then does the same work, slower.
"""

from __future__ import annotations

import os
from pathlib import Path

from setuptools import Extension, setup

SOURCE = Path("plugin/core/_core.c")


def extensions() -> list[Extension]:
    """Describe the extension: one abi3 file for every Python from 3.11 on."""
    if os.environ.get("HALIA_NO_EXTENSION") == "1" or not SOURCE.exists():
        return []
    return [
        Extension(
            "plugin.core._core",
            [SOURCE.as_posix()],
            depends=sorted(p.as_posix() for p in SOURCE.parent.glob("*.h")),
            define_macros=[("Py_LIMITED_API", "0x030B0000")],
            # No contraction: sums of squares must not depend on the machine's fused multiply.
            extra_compile_args=["-std=c11", "-O2", "-ffp-contract=off", "-Wall", "-Wextra"],
            libraries=["m"],
            py_limited_api=True,
            optional=True,
        )
    ]


modules = extensions()
setup(
    ext_modules=modules,
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if modules else {},
)
