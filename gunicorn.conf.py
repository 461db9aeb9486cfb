"""How gunicorn runs the service. script/server uses it; gunicorn also finds it by its name in the current folder.

SIGHUP takes new rules and clients: gunicorn reads this file again, `on_reload` judges them, and new workers replace the
old ones one for one without refusing a request. New workers also import the code anew, but a change of code or of
packages deserves a stop and a start: an application that no longer imports would stop the server.
"""

import atexit
import dataclasses
import importlib.util
import json
import os
import resource
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from gunicorn.glogging import Logger

ROOT = Path(__file__).resolve().parent
FROM_FILE = "INDICATION_FROM_FILE"
#: what is listened on, a line each, the first as the settings had it at the start
LISTENING = "INDICATION_LISTENING"


def _settings():
    """Puts the settings of the file in the environment, checked, where the environment does not have its own.

    Returns what is wrong on a reload, when those that were in force stay so; at the start that ends everything.
    """
    # Those of the last reload, which the file may no longer have.
    before = {name: os.environ.pop(name, "") for name in os.environ.pop(FROM_FILE, "").split()}
    # A child, since the master must not import the application. On a reload it also says whether what is already listened
    # on may be served with these settings.
    command = [sys.executable, "-m", "service.settings", *os.environ.get(LISTENING, "").splitlines()]
    run = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603 - the command is ours; no shell
    if run.returncode and "INDICATION_RULES_STATUS" not in os.environ:
        raise SystemExit(f"the settings cannot be used; nothing was started:\n{run.stderr}")
    found = before if run.returncode else json.loads(run.stdout)
    os.environ.update(found)
    os.environ[FROM_FILE] = " ".join(found)
    return run.stderr.splitlines() if run.returncode else []


SETTINGS_REFUSED = _settings()
CANDIDATE_RULES = Path(os.environ.get("INDICATION_RULES") or ROOT / "rules")
CHECK_SECONDS = 120
SILENCE_SECONDS = 10

# ---- where it listens -----------------------------------------------------------------------------------------------

# This machine only, unless told otherwise: TLS, authentication and buffering belong to the proxy in front.
_host = os.environ.get("HOST") or "127.0.0.1"
_host = f"[{_host}]" if _host.count(":") > 1 and not _host.startswith(("unix:", "[")) else _host
bind = _host if _host.startswith("unix:") else f"{_host}:{os.environ.get('PORT') or '8000'}"
_bound, *_ = os.environ.get(LISTENING, bind).splitlines()
if bind != _bound:
    # gunicorn would shut the old address before it has the new one, and end when it cannot have it.
    SETTINGS_REFUSED.append(f"server.host and server.port hold from the next start: it still listens on {_bound}")
    bind = _bound
# Tighter than gunicorn's own: referrals travel in bodies (limited by the application), never in the address.
limit_request_line = 2048
limit_request_fields = 64
limit_request_field_size = 8190
# Whoever calls from this machine, a proxy in whose name anybody comes, could move an address past that proxy's rules with
# a header SCRIPT_NAME. Of what a proxy on this machine says, gunicorn itself believes the scheme alone (X-Forwarded-Proto).
forwarder_headers = ""
# No second way in: signals are enough.
control_socket_disable = True

# ---- processes ------------------------------------------------------------------------------------------------------

# The rules engine is C code that never releases the interpreter lock: threads would wait for one another, so one
# process per core. The plain worker also makes `timeout` a true limit on each request, whatever the engine does.
worker_class = "sync"
workers = int(os.environ.get("WEB_CONCURRENCY") or len(os.sched_getaffinity(0)))
# The engine must be built in the process that uses it, after the fork: each worker builds its own, the master none.
preload_app = False
# Replaced now and then, not all at once: whatever C code may leak is bounded.
max_requests = 10_000
max_requests_jitter = 1_000
timeout = 30
graceful_timeout = 30
# The heartbeat file of a worker on a slow disk can make a healthy worker look dead.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - a place, not a file

# ---- logs: never a patient ------------------------------------------------------------------------------------------


def _by_path(path):
    """Import one file without its package: the master must not import the application."""
    spec = importlib.util.spec_from_file_location(f"master_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


logs = _by_path(ROOT / "service" / "web" / "logs.py")
METRICS = "PROMETHEUS_MULTIPROC_DIR"
LOGS_FORMAT = (os.environ.get("INDICATION_LOGS_FORMAT") or "").strip().lower() or None


class DiscreetLogger(Logger):
    """Logs no address as it was sent, no query, no body and no header value: any of them could name a patient."""

    def setup(self, cfg):
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.setFormatter(logs.formatter(LOGS_FORMAT))

    def access(self, resp, req, environ, request_time):
        if self.access_log_enabled:
            status, _, _ = str(resp.status).partition(" ")
            told = logs.access(environ, status, getattr(resp, "sent", None), request_time.total_seconds() * 1000)
            self.access_log.info("request", extra=told)

    def debug(self, msg, *args, **kwargs):
        # Of each request gunicorn says the method and the address; the access log says what may be said of them.
        if msg != "%s %s":
            super().debug(msg, *args, **kwargs)

    def exception(self, msg, *args, **kwargs):
        if isinstance(msg, str) and msg.startswith("Error handling request"):
            # gunicorn would quote the request's address.
            msg, args = "Error handling request", ()
        super().exception(msg, *args, **kwargs)

    def warning(self, msg, *args, **kwargs):
        fault = sys.exc_info()[0]
        if fault and msg.startswith("Invalid request"):
            # gunicorn would quote the malformed request itself.
            msg = f"Invalid request: {fault.__name__}"
        super().warning(msg, *args, **kwargs)


logger_class = DiscreetLogger
loglevel = (os.environ.get("INDICATION_LOGS_LEVEL") or "info").strip().lower()
accesslog = "-"

# ---- rules: taken at start and on SIGHUP, only if good --------------------------------------------------------------


reload_rules = _by_path(ROOT / "service" / "web" / "reload.py")


COMPANIONS = {
    setting: reload_rules.named(setting)
    for setting in (reload_rules.BUNDLE_KEYS, reload_rules.ALSO_SERVE, reload_rules.SHADOW)
}


def _check(rules):
    """The self-test of a copied candidate, with the keys that were copied beside it."""
    command = [sys.executable, "-m", "service.selftest"]
    keys = reload_rules.companion(rules, reload_rules.BUNDLE_KEYS)
    return reload_rules.by_command(command, ROOT, CHECK_SECONDS, keys)(rules)


def _take(server, home, refused=()):
    """Takes the rules. `refused` is what else was: whoever started or reloaded looks at /readyz and the alarms."""
    status = reload_rules.take(CANDIDATE_RULES, home, _check, COMPANIONS)
    told = dataclasses.replace(status, taken=False, errors=(*status.errors, *refused)) if refused else status
    reload_rules.write_status(told, home / "status.json")
    if status.taken:
        server.log.info("rules taken: %s", CANDIDATE_RULES)
    else:
        server.log.error("rules refused: %s", CANDIDATE_RULES)
        for line in status.errors:
            server.log.error("  %s", line)
    for line in status.left_out:
        server.log.error("left out: %s", line)
    if status.active:
        os.environ[reload_rules.ACTIVE_RULES] = status.active
    return status


def _take_clients(server, home):
    """Takes the file of clients: workers read a copy, so that nobody who edits it shuts out whoever calls. Returns why not."""
    source = os.environ.get("INDICATION_CLIENTS")
    active = os.environ.get(reload_rules.ACTIVE_CLIENTS)

    def write(path, to):
        command = [sys.executable, "-m", "service.clients"]  # a child, since the master must not import the application
        return reload_rules.by_command(command, ROOT, CHECK_SECONDS, [to])(path)

    def give(path):
        _give(server, path)

    path = Path(source).absolute() if source else None
    found, errors = reload_rules.take_clients(path, home, write, give, active)
    os.environ.pop(reload_rules.ACTIVE_CLIENTS, None)
    if found:
        os.environ[reload_rules.ACTIVE_CLIENTS] = found
    nobody = found is not None and Path(found).name == reload_rules.REFUSED_CLIENTS
    told = [f"clients refused, {'nobody is let in' if nobody else 'those in force stay'}: {line}" for line in errors]
    for line in told:
        server.log.error(line)
    return told


def _give(server, *paths):
    """Makes files the workers' own, who may be another user than the master."""
    if os.geteuid() == 0:
        for path in paths:
            os.chown(path, server.cfg.uid, server.cfg.gid)


def _metrics_folder(server):
    """Where all workers count together. In memory: a full disk must not stop a worker that counts."""
    folder = Path(tempfile.mkdtemp(prefix="indication-metrics-", dir=worker_tmp_dir))
    os.environ[METRICS] = str(folder)
    started = folder / _dead().STARTED
    started.touch()
    _give(server, folder, started)
    return folder


def _dead():
    """Once METRICS is set, and not before: the library decides when it is imported where it counts, for workers too."""
    return _by_path(ROOT / "service" / "web" / "metrics" / "dead.py")


def _named_address(address):
    """An address as gunicorn has it, of its settings or of a socket, as a text."""
    if not isinstance(address, tuple):
        return f"unix:{address}"
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    return f"{host}:{address[1]}"


def _may_listen(addresses):
    """Ends the server when it would serve beyond this machine without asking who calls (service/settings/exposure.py)."""
    command = [sys.executable, "-m", "service.settings", *sorted(addresses)]
    run = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603 - the command is ours; no shell
    if run.returncode:
        raise SystemExit(f"not safe to serve; nothing is:\n{run.stderr}")


def when_ready(server):
    """What was given to us already open (by systemd) is looked at as well; no worker has begun yet."""
    given = {_named_address(listener.sock.getsockname()) for listener in server.LISTENERS}
    os.environ[LISTENING] = "\n".join((bind, *sorted(given)))
    if given - {_named_address(address) for address in server.cfg.address}:
        _may_listen(given)


def on_starting(server):
    """No good rules, no service: the first candidate must be good."""
    _may_listen({_named_address(address) for address in server.cfg.address})
    # What a crash of C code would leave on the disk holds the patient: not here, nor in workers and their shadows.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    home = Path(tempfile.mkdtemp(prefix="indication-rules-"))
    home.chmod(0o755)  # workers may run as another user, and rules are no secret
    metrics = _metrics_folder(server)
    master = os.getpid()
    # Not the hook on_exit, which a failed start skips. Workers inherit this and must leave the folders alone.
    for folder in (home, metrics):
        atexit.register(lambda gone=folder: os.getpid() == master and shutil.rmtree(gone, ignore_errors=True))
    os.environ[reload_rules.RULES_STATUS] = str(home / "status.json")
    if not _take(server, home, _take_clients(server, home)).taken:
        raise RuntimeError(f"the rules in {CANDIDATE_RULES} cannot serve (see above); nothing was started")


def on_reload(server):
    """SIGHUP: what is refused, rules, settings or clients, leaves what is in service where it is."""
    refused = [f"settings refused, those in force stay: {line}" for line in SETTINGS_REFUSED]
    for line in refused:
        server.log.error(line)
    home = Path(os.environ[reload_rules.RULES_STATUS]).parent
    try:
        refused += _take_clients(server, home)
        status = _take(server, home, refused)
    except OSError as error:  # for example a full disk: no reason to stop serving
        server.log.error("rules or clients not taken: %s", error)
        return
    if not status.taken:
        server.log.error("the rules that were in service stay in service")


def post_fork(server, worker):
    """A worker logs as its master does. And a client that connects and says nothing must not hold it up: it serves one at a time."""
    logs.start(LOGS_FORMAT, server.cfg.loglevel)
    os.environ["INDICATION_LISTENERS"] = " ".join(str(listener.sock.fileno()) for listener in worker.sockets)
    for listener in worker.sockets:
        if listener.sock.family in (socket.AF_INET, socket.AF_INET6):
            # Linux hands a connection over only once its first bytes are there (browsers open spare ones) …
            listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, timeout)
            # … and gives up on a request that stalls half-way.
            listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", SILENCE_SECONDS, 0))


def worker_abort(worker):
    """In a worker that took too long: its line in the log has the id of the request."""
    worker.log.error("this worker is stopped: a request took longer than %s s", timeout)


def child_exit(server, worker):
    """In the master, of whatever the worker died: what it counted stays, what it was is gone."""
    try:
        for name in _dead().bury(Path(os.environ[METRICS]), worker.pid):
            server.log.error("the counts of a worker that ended cannot be read, and are lost: %s", name)
    except OSError as error:
        server.log.error("the counts of a worker that ended are left as they are: %s", error)
