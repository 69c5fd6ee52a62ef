"""A lab's hosts in one process and on a clock that does not wait: hours of traffic in a minute.

Services, clients, profiles and chance are the lab's own, line by line; only what lies below them is
imitated: the clock, the cables and what a kernel does with TCP. So its frames say what hosts do and
when, and little about kernels: nothing learns from them, and a lab that is up is the judge.
"""

from __future__ import annotations

from plugin.lab.rehearsal.play import rehearse

__all__ = ["rehearse"]
