from __future__ import annotations

import signal
import subprocess
import sys

from plugin.lab.running import Running, kill_and_wait, only_child

ENTER = "import os, sys; sys.exit(os.waitstatus_to_exitcode(os.waitpid(os.posix_spawn(\
sys.executable, [sys.executable, '-c', sys.argv[1]], os.environ), 0)[1]) % 256)"


def start(code: str) -> Running:
    """Start a program as a child of another one, as nsenter does."""
    words = [sys.executable, "-c", ENTER, code]
    return Running(
        subprocess.Popen(words, start_new_session=True, text=True, stdout=subprocess.PIPE)
    )


def test_a_program_is_stopped_kindly() -> None:
    with start("import time; time.sleep(60)") as kind:
        assert kind.poll() is None
        assert kind.pid == only_child(kind.popen.pid) != kind.popen.pid
    assert kind.poll() == 256 - signal.SIGTERM


def test_a_program_that_does_not_listen_is_killed_with_all_around_it() -> None:
    deaf = start(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        " print('deaf', flush=True); time.sleep(60)"
    )
    assert deaf.popen.stdout is not None
    assert deaf.popen.stdout.readline() == "deaf\n"
    assert deaf.stop(timeout=0.1) == -signal.SIGKILL
    assert deaf.stop() == -signal.SIGKILL
    deaf.send_signal(signal.SIGTERM)


def test_a_program_has_an_end_of_its_own() -> None:
    with start("raise SystemExit(7)") as short:
        assert short.wait(20) == 7
        assert short.pid == short.popen.pid
    assert only_child(2**22 + 1) is None


def test_who_is_killed_is_gone_and_who_is_gone_stays_so() -> None:
    program = start("import time; time.sleep(60)")
    kill_and_wait(program.pid)
    assert program.stop() == 256 - signal.SIGKILL
    kill_and_wait(2**22 + 1)
