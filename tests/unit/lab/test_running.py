from __future__ import annotations

import signal
import subprocess
import sys

from plugin.lab.running import Running, kill_and_wait, only_child
from tests.labs import wait_for


def start(code: str) -> Running:
    return Running(
        subprocess.Popen(
            [sys.executable, "-c", code], start_new_session=True, text=True, stdout=subprocess.PIPE
        )
    )


def test_a_program_is_stopped_kindly_or_not() -> None:
    with start("import time; time.sleep(60)") as kind:
        assert kind.poll() is None
    assert kind.poll() == -signal.SIGTERM
    deaf = start(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        " print('deaf', flush=True); time.sleep(60)"
    )
    assert deaf.popen.stdout is not None
    assert deaf.popen.stdout.readline() == "deaf\n"
    assert deaf.stop(timeout=0.1) == -signal.SIGKILL
    assert deaf.stop() == -signal.SIGKILL
    deaf.send_signal(signal.SIGTERM)


def test_the_child_of_whoever_entered_is_the_program() -> None:
    with start("import subprocess; subprocess.run(['sleep', '60'])") as program:
        child = wait_for(lambda: only_child(program.popen.pid), "a child")
        assert program.pid == child != program.popen.pid
        program.send_signal(signal.SIGKILL)
        assert program.wait(20) == 0
    assert only_child(2**22 + 1) is None


def test_who_is_killed_is_gone_and_who_is_gone_stays_so() -> None:
    program = start("import time; time.sleep(60)")
    kill_and_wait(program.popen.pid)
    assert program.stop() == -signal.SIGKILL
    kill_and_wait(2**22 + 1)
