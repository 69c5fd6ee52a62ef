"""How the lab's daemons are started: words and environment of each, all paths in one folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from plugin.lab.needs import OVS_SCHEMA, search_path

OPENFLOW_PORT = 6653
PROMETHEUS_PORT = 9302
AMQP_PORT = 25672
AMQP_URL = f"amqp://guest:guest@127.0.0.1:{AMQP_PORT}/"
PROMETHEUS_URL = f"http://127.0.0.1:{PROMETHEUS_PORT}/metrics"
AMQP_LISTENER = f"listeners.tcp.default = 127.0.0.1:{AMQP_PORT}\n"
RABBITMQ_PORTS = (24369, 25673)
"""Those of Erlang's own: of its port mapper, and between nodes."""


class Daemon(NamedTuple):
    """A program that runs as long as the lab."""

    name: str
    argv: list[str]
    environment: dict[str, str]


def base_environment() -> dict[str, str]:
    """Give the environment of everything in a lab: the caller's, with the system's PATH."""
    return {**os.environ, "PATH": search_path()}


def halia_environment() -> dict[str, str]:
    """Let this very Halia be found by a Python in a lab, be it a checkout or installed."""
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    here = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    return base_environment() | here


def ovs_environment(folder: Path) -> dict[str, str]:
    """Keep all of Open vSwitch in one folder: nothing in /var or /etc is touched."""
    place = str(folder / "ovs")
    names = ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR")
    return base_environment() | dict.fromkeys(names, place)


def ovs_database(folder: Path) -> list[str]:
    """Give the words that make an empty database of Open vSwitch."""
    return ["ovsdb-tool", "create", str(folder / "ovs" / "conf.db"), str(OVS_SCHEMA)]


def ovs_socket(folder: Path) -> str:
    """Name the database's socket as the tools want it."""
    return f"unix:{folder}/ovs/db.sock"


def ovsdb_server(folder: Path) -> Daemon:
    """Open vSwitch's database."""
    place = folder / "ovs"
    argv = [
        "ovsdb-server", str(place / "conf.db"), f"--remote=punix:{place}/db.sock",
        f"--unixctl={place}/ovsdb.ctl", f"--log-file={place}/ovsdb.log", "-vconsole:off",
    ]  # fmt: skip
    return Daemon("ovsdb", argv, ovs_environment(folder))


def vswitchd(folder: Path, datapath: str) -> Daemon:
    """The switch itself; ``datapath`` is "netdev" or "dummy"."""
    place = folder / "ovs"
    argv = [
        "ovs-vswitchd", ovs_socket(folder), f"--unixctl={place}/vswitchd.ctl",
        f"--log-file={place}/vswitchd.log", "-vconsole:off",
    ]  # fmt: skip
    dummy = ["--enable-dummy"] if datapath == "dummy" else []
    return Daemon("switch", argv + dummy, ovs_environment(folder))


def faucet(folder: Path, controller: Path, *, stat_reload: bool = False) -> Daemon:
    """The controller, from an environment of its own.

    ``bin/faucet`` is run by name of the interpreter, not by its first line, so that an environment
    can be used where it is mounted; faucet (not c65faucet) looks for osken-manager on PATH. With
    ``stat_reload`` it looks at the times of its files by itself; a SIGHUP does the same at once.
    """
    environment = base_environment() | {
        "PATH": f"{controller}/bin:{search_path()}",
        "PYTHONWARNINGS": "ignore",  # eventlet, under faucet 1.10, warns at each start
        "FAUCET_CONFIG": str(folder / "conf" / "faucet.yaml"),
        "FAUCET_LOG": str(folder / "log" / "faucet.log"),
        "FAUCET_EXCEPTION_LOG": str(folder / "log" / "faucet-exceptions.log"),
        "FAUCET_EVENT_SOCK": str(folder / "run" / "event.sock"),
        "FAUCET_PROMETHEUS_ADDR": "127.0.0.1",
        "FAUCET_PROMETHEUS_PORT": str(PROMETHEUS_PORT),
        "FAUCET_CONFIG_STAT_RELOAD": str(int(stat_reload)),
    }
    environment.pop("PYTHONPATH", None)
    python, script = controller / "bin" / "python", controller / "bin" / "faucet"
    options = ["--ryu-ofp-listen-host=127.0.0.1", f"--ryu-ofp-tcp-listen-port={OPENFLOW_PORT}"]
    return Daemon("faucet", [str(python), str(script), *options], environment)


def rabbitmq(folder: Path, home: Path, ports: tuple[int, int] = RABBITMQ_PORTS) -> Daemon:
    """A private RabbitMQ; see :func:`prepare_rabbitmq`."""
    place = folder / "mq"
    epmd, distribution = map(str, ports)
    environment = base_environment() | {
        "HOME": str(place),  # for an .erlang.cookie of its own
        "ERL_EPMD_PORT": epmd,
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": "lab@localhost",  # a machine's own name need not resolve
        "RABBITMQ_DIST_PORT": distribution,
        "RABBITMQ_MNESIA_BASE": str(place / "mnesia"),
        "RABBITMQ_MNESIA_DIR": str(place / "mnesia" / "lab"),
        "RABBITMQ_LOG_BASE": str(place / "log"),
        "RABBITMQ_LOGS": str(folder / "log" / "rabbitmq-node.log"),
        "RABBITMQ_PID_FILE": str(place / "pid"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(place / "enabled_plugins"),
        "RABBITMQ_PLUGINS_DIR": str(place / "plugins"),
        "RABBITMQ_CONFIG_FILE": str(place / "rabbitmq"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(place / "gen"),
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
        # One scheduler that does not spin: the lab's machine has other work.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none"
        " -kernel inet_dist_use_interface {127,0,0,1}",
    }
    return Daemon("rabbitmq", [str(home / "sbin" / "rabbitmq-server")], environment)


def prepare_rabbitmq(folder: Path, home: Path, settings: str = AMQP_LISTENER) -> None:
    """Make RabbitMQ's folder; with only the broker itself on its path it starts 3 times as fast.

    Args:
        folder: the lab's.
        home: of the installed RabbitMQ.
        settings: lines of rabbitmq.conf: at least where it listens.
    """
    place = folder / "mq"
    (place / "plugins").mkdir(parents=True)
    for app in (home / "plugins").iterdir():
        if app.name.startswith(("rabbit-", "rabbit_common-")):
            (place / "plugins" / app.name).symlink_to(app)
    (place / "enabled_plugins").write_text("[].\n", encoding="utf-8")
    settings += "log.console.level = warning\n"
    (place / "rabbitmq.conf").write_text(settings, encoding="utf-8")
