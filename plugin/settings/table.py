"""All settings: name, kind, default, bounds, and what each is for."""

from __future__ import annotations

from pathlib import Path

from plugin.settings.setting import PREFIX, Setting

__all__ = ["BY_KEY", "PREFIX", "SEED_MAX", "SETTINGS", "Setting"]

SEED_MAX = 2**32 - 1
"""numpy's and scikit-learn's generators take no larger one."""
_MEGA, _GIGA = 1 << 20, 1 << 30
_DEVICES_MAX = 1 << 20
_STATES = (
    "simulated", "observed", "delayed", "pending", "isolating", "isolated", "releasing", "released",
    "over",
)  # fmt: skip
_FACILITIES = ("user", "daemon", "auth", "authpriv", *(f"local{n}" for n in range(8)))
_ALARMS = (
    "caps", "caps_ok", "proof", "spoofed", "orphan", "refused", "protected", "enforcing",
    "enforcing_ok", "drift", "hook", "hook_ok", "policy", "policy_ok", "twice",
)  # fmt: skip


SETTINGS = (
    Setting(
        "model",
        "text",
        "auto",
        "the model that classify uses: auto, a shipped model's name, or a model's directory",
    ),
    Setting(
        "data",
        "folder",
        None,
        "the folder that holds models/ and configs/; null: beside the checkout, else as installed",
    ),
    Setting("train.jobs", "count", 0, "processes that train and evaluate use; 0: one for each CPU"),
    Setting(
        "train.seed", "count", 1, "seed of everything random in train and evaluate", most=SEED_MAX
    ),
    Setting(
        "run.state",
        "folder",
        Path("/var/lib/halia"),
        "the folder that halia run keeps its journal, spool, captures and store in",
    ),
    Setting(
        "run.user",
        "text",
        None,
        "USER or USER:GROUP to become once the interface is open; null: stay who we are",
    ),
    Setting(
        "run.log",
        "choice",
        "text",
        "lines of the log: text, or json for one object a line",
        choices=("text", "json"),
    ),
    Setting(
        "run.log_level",
        "choice",
        "info",
        "the least that is logged: debug, info, warning or error",
        choices=("debug", "info", "warning", "error"),
    ),
    Setting(
        "capture.iface",
        "text",
        None,
        "the interface that the mirror port leads to; halia run needs one",
    ),
    Setting(
        "capture.folder", "folder", None, "the folder for captures; null: captures/ in run.state"
    ),
    Setting(
        "capture.rotate_time", "span", 900.0, "finish a capture this old; 0: never for its age"
    ),
    Setting(
        "capture.rotate_size",
        "size",
        100 * _MEGA,
        "finish a capture this large; 0: never for its size",
    ),
    Setting(
        "capture.quota",
        "size",
        10 * _GIGA,
        "bytes of all captures together: those finished first go; 0: no quota",
        least=_MEGA,
        off=True,
    ),
    Setting(
        "capture.device_quota",
        "size",
        0,
        "bytes of the finished captures of one device; 0: no quota",
        least=_MEGA,
        off=True,
    ),
    Setting("capture.max_age", "span", 0.0, "finished captures older than this go; 0: none does"),
    Setting("capture.min_free", "size", 256 * _MEGA, "bytes of the disk that captures leave free"),
    Setting(
        "capture.names",
        "bool",
        False,
        "keep the payloads of DHCP and mDNS, which tell names; else no payload is kept",
    ),
    Setting(
        "capture.max_devices",
        "count",
        10_000,
        "devices with a capture at once; frames of more are counted, not kept",
        least=1,
        most=_DEVICES_MAX,
    ),
    Setting(
        "capture.drop_repeats",
        "count",
        0,
        "leave out a frame that equals another of so many milliseconds before, once; 0: none",
        most=1000,
    ),
    Setting(
        "capture.ring",
        "size",
        64 * _MEGA,
        "memory in which frames wait for us",
        least=256 << 10,
    ),
    Setting(
        "capture.ident",
        "choice",
        "mac",
        "the device's id in a capture's name: mac, or as that release of Poseidon makes it:"
        " poseidon-0.17, poseidon-0.18",
        choices=("mac", "poseidon-0.17", "poseidon-0.18"),
    ),
    Setting("faucet.config", "file", Path("/etc/faucet/faucet.yaml"), "Faucet's own configuration"),
    Setting(
        "faucet.events",
        "choice",
        "socket",
        "where Faucet's events come from: socket (its own), rabbitmq (beside Poseidon) or none",
        choices=("socket", "rabbitmq", "none"),
    ),
    Setting(
        "faucet.socket", "file", Path("/var/run/faucet/faucet.sock"), "Faucet's socket of events"
    ),
    Setting(
        "faucet.page",
        "page",
        "http://127.0.0.1:9302",
        "Faucet's Prometheus page, which tells what was missed",
    ),
    Setting(
        "faucet.environment",
        "folder",
        None,
        "the Python environment that Faucet is installed in; null: found by its process or PATH",
    ),
    Setting(
        "faucet.probe",
        "address",
        None,
        "HOST:PORT where switches reach our read-only probe; null: no probe",
        least=1,
    ),
    Setting(
        "mirror.budget",
        "rate",
        None,
        "bits a second that the mirror port carries, such as 800M (1,000 each); null: everything",
        least=1,
    ),
    Setting(
        "mirror.window",
        "span",
        900.0,
        "how long a device is watched where the budget makes devices take turns",
        least=1,
    ),
    Setting("mirror.ignore_vlans", "vlans", (), "numbers of VLANs that are not mirrored"),
    Setting(
        "mirror.ignore_ports",
        "ports",
        (),
        "ports that are not mirrored, each DP:PORT; DP is the switch's name or number",
    ),
    Setting(
        "isolation.adapter",
        "choice",
        "sighup",
        "how our rules reach Faucet: sighup (0.1 to 2 s), stat (Faucet looks at its files itself,"
        " 2 to 6 s), confrpc (faucetconfrpc writes, 0.3 to 6 s) or dry-run (nothing is written)",
        choices=("sighup", "stat", "confrpc", "dry-run"),
    ),
    Setting("isolation.confrpc_address", "address", None, "HOST:PORT of faucetconfrpc", least=1),
    Setting("isolation.confrpc_ca", "file", None, "certificates (PEM) that vouch for its host"),
    Setting("isolation.confrpc_cert", "file", None, "our certificate (PEM), which it asks for"),
    Setting("isolation.confrpc_key", "file", None, "its key (PEM); null: it is in that file"),
    Setting(
        "broker.url",
        "broker",
        None,
        "amqp://HOST[:PORT][/VHOST] or amqps://…; null: no broker, verdicts stay here",
    ),
    Setting("broker.user", "text", None, "the user at the broker; null: the broker's guest"),
    Setting(
        "broker.password", "secret", None, "that user's password; better: broker.password_file"
    ),
    Setting(
        "broker.password_file",
        "file",
        None,
        "a file whose one line is the password; one that everyone can read is refused",
    ),
    Setting(
        "broker.ca",
        "file",
        None,
        "certificates (PEM) that vouch for the broker; null: the system's",
    ),
    Setting("broker.cert", "file", None, "our certificate (PEM), if the broker asks for one"),
    Setting("broker.key", "file", None, "its key (PEM); null: it stands in broker.cert"),
    Setting(
        "broker.spool",
        "size",
        _GIGA,
        "bytes on the disk for messages that the broker has not taken; full: no capture is"
        " finished until it has",
        least=_MEGA,
    ),
    Setting(
        "broker.republish",
        "bool",
        True,
        "publish Faucet's events for others when they come from its socket",
    ),
    Setting(
        "store.url",
        "database",
        None,
        "SQLAlchemy's URL of a database; null: state.sqlite in run.state",
    ),
    Setting(
        "metrics.listen",
        "address",
        None,
        "HOST:PORT where Prometheus reads our metrics; null: nowhere",
    ),
    Setting(
        "notify.states",
        "choices",
        ("pending", "isolated", "released", "refused"),
        "decisions that are told, by state: simulated, observed, delayed, pending, isolating,"
        " isolated, releasing, released, over; refused: denied, not approved in time, or not"
        " possible",
        choices=(*_STATES, "refused"),
    ),
    Setting(
        "notify.alarms",
        "choices",
        ("caps", "proof", "spoofed", "twice", "orphan", "drift"),
        f"alarms that are told: {', '.join(_ALARMS)}",
        choices=_ALARMS,
    ),
    Setting(
        "notify.give_up",
        "span",
        86_400.0,
        "how long a notice that is not taken is tried again; then it is lost, with an alarm",
        least=60,
    ),
    Setting(
        "notify.webhook_url", "page", None, "where notices are posted as signed JSON; null: nowhere"
    ),
    Setting(
        "notify.webhook_secret_file",
        "file",
        None,
        "a file whose one line is the key that signs them: whsec_ and base64, or 24 bytes at least",
    ),
    Setting(
        "notify.webhook_ca",
        "file",
        None,
        "certificates (PEM) that vouch for the receiver; null: the system's",
    ),
    Setting(
        "notify.syslog",
        "syslog",
        None,
        "where notices are lines of syslog: /dev/log, udp://HOST:PORT or tcp://HOST:PORT; null:"
        " nowhere",
    ),
    Setting(
        "notify.syslog_facility",
        "choice",
        "daemon",
        f"their facility: {', '.join(_FACILITIES)}",
        choices=_FACILITIES,
    ),
    Setting(
        "notify.mail_server",
        "address",
        None,
        "HOST:PORT of the server that takes our mail; null: no mail",
        least=1,
    ),
    Setting(
        "notify.mail_tls",
        "choice",
        "starttls",
        "how mail is encrypted: starttls, tls (from the first byte) or none",
        choices=("none", "starttls", "tls"),
    ),
    Setting(
        "notify.mail_ca",
        "file",
        None,
        "certificates (PEM) that vouch for the mail server; null: the system's",
    ),
    Setting("notify.mail_user", "text", None, "the user at the mail server; null: no login"),
    Setting(
        "notify.mail_password_file", "file", None, "a file whose one line is that user's password"
    ),
    Setting("notify.mail_from", "mail", None, "the address that mail is from"),
    Setting("notify.mail_to", "mails", (), "the addresses that mail is for"),
    Setting(
        "notify.mail_every",
        "span",
        60.0,
        "one mail in so long at most: what happens meanwhile stands in the next",
        least=1,
    ),
    Setting(
        "control.socket",
        "file",
        Path("/run/halia/halia.sock"),
        "the socket that halia devices and other commands ask",
    ),
    Setting(
        "control.group", "text", None, "a group that may ask too; null: its owner and root only"
    ),
    Setting(
        "policy.file",
        "file",
        None,
        "the operator's policy (docs/policy.md); null: none, and no rule ever isolates anybody",
    ),
    Setting(
        "devices.gone_after",
        "span",
        3600.0,
        "a device that is silent so long counts as gone; 0: none does",
    ),
    Setting(
        "devices.most",
        "count",
        20_000,
        "devices that are remembered; the longest silent are forgotten first",
        least=1,
        most=_DEVICES_MAX,
    ),
    Setting(
        "behaviours.file",
        "file",
        None,
        "the parameters of the detectors; null: the defaults, as in configs/behaviours.yaml",
    ),
    Setting(
        "detect.flows",
        "flow_models",
        (),
        "models of flows (halia learn) whose novelty counts: a list of ROLE=MODEL, a name or a"
        " directory; the role * is any other",
    ),
    Setting(
        "change.windows",
        "count",
        12,
        "windows of a device that are only learned before it is compared with its own past",
        least=2,
        most=1_000,
    ),
    Setting(
        "change.time",
        "span",
        86_400.0,
        "a device's past is so long at least before it is compared with; 0: windows alone count",
    ),
)
BY_KEY = {setting.key: setting for setting in SETTINGS}
