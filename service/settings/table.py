"""The settings. One line of the file, one variable of the environment, which wins; docs/settings.md is written from here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.settings.kinds import Database, File, Files, Flag, Header, Host, Kind, Networks, OneOf, Pages, Web, Whole


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `name` is `section.key` of the file; a secret may stand in the environment alone."""

    name: str
    variable: str
    kind: Kind
    default: Any
    about: str
    secret: bool = False
    #: how the default is told when the value itself says nothing
    otherwise: str = ""

    @property
    def key(self) -> str:
        """Its name in the application's configuration."""
        return self.variable.removeprefix("INDICATION_")


_SETTINGS = (
    # ---- server: where it listens and what it keeps ----
    Setting(
        "server.host",
        "HOST",
        Host(),
        "127.0.0.1",
        "Address to listen on, from the next start: this machine only, unless told otherwise. `unix:/run/indication/http.sock` is "
        "a socket.",
    ),
    Setting("server.port", "PORT", Whole(0, 65535), 8000, "Port to listen on, from the next start."),
    Setting(
        "server.workers", "WEB_CONCURRENCY", Whole(1, 256), None, "Worker processes.", otherwise="one for each core"
    ),
    Setting(
        "server.queue",
        "INDICATION_QUEUE",
        Whole(0, 2000),
        32,
        "Requests that may wait for a worker: while more do, those whose turn it is are told to come again (503). 0: as many as come.",
    ),
    Setting(
        "server.state",
        "INDICATION_STATE",
        File("a folder"),
        None,
        "Folder for all that the service keeps (the record, its spool, what the workers share). Made, for its user alone, if need be.",
        otherwise="`$STATE_DIRECTORY` (systemd), else `$XDG_STATE_HOME/indication`, else `~/.local/state/indication`",
    ),
    Setting(
        "server.store",
        "INDICATION_STORE",
        File("a file"),
        None,
        "File of what the workers must know together: used tokens, forms waiting to be opened, counts, rates.",
        otherwise="`store.sqlite` in `server.state`",
    ),
    Setting(
        "server.public_url",
        "INDICATION_PUBLIC_URL",
        Web(),
        None,
        "Address at which others see this service, for the links that it writes.",
        otherwise="the address of each request",
    ),
    # ---- rules ----
    Setting(
        "rules.source",
        "INDICATION_RULES",
        File("a folder, or a bundle"),
        None,
        "Rules to serve.",
        otherwise="the project's `rules`",
    ),
    Setting(
        "rules.keys",
        "INDICATION_BUNDLE_KEYS",
        File("a file or a folder"),
        None,
        "Public keys: nothing is served but bundles signed by one of them.",
        otherwise="none: a folder of rules, or any bundle, may be served",
    ),
    Setting(
        "rules.also_serve",
        "INDICATION_ALSO_SERVE",
        Files("bundles, or folders of bundles"),
        (),
        "Versions served beside the rules, at `/v1/rulebooks/{version}/…`.",
        otherwise="none",
    ),
    Setting(
        "rules.shadow",
        "INDICATION_SHADOW",
        File("a bundle or a folder"),
        None,
        "Rules that decide every referral in the dark; counts at `/v1/rulebooks/shadow`.",
        otherwise="none",
    ),
    # ---- access ----
    Setting(
        "access.clients",
        "INDICATION_CLIENTS",
        File("a file"),
        None,
        "File of those who may call: EHRs and others (`flask clients check FILE`).",
        otherwise="none: the EHR's door is shut",
    ),
    Setting(
        "access.api",
        "INDICATION_ACCESS_API",
        OneOf(("open", "clients")),
        "open",
        "Who may call the API: whoever reaches it, which is right on this machine alone; or the clients of the file.",
    ),
    Setting(
        "access.exposed",
        "INDICATION_EXPOSED",
        Flag(),
        False,
        "To serve beyond this machine something that asks nobody who they are. Without it the service then refuses to start.",
    ),
    Setting(
        "access.proxies",
        "INDICATION_PROXIES",
        Networks(),
        (),
        "Whence the proxy calls that says who is logged in; its header is believed from there alone.",
        otherwise="this machine: loopback and a unix socket",
    ),
    Setting(
        "access.user_header",
        "INDICATION_USER_HEADER",
        Header(),
        "X-Remote-User",
        "Header in which that proxy says who is logged in.",
    ),
    Setting(
        "access.roles_header",
        "INDICATION_ROLES_HEADER",
        Header(),
        None,
        "Header in which that proxy says their roles or groups (`indication-evaluate`, `indication-administer`).",
        otherwise="none is read: whoever is logged in may use every page",
    ),
    Setting(
        "access.rate",
        "INDICATION_RATE",
        Whole(0, 1_000_000, "requests in a minute"),
        6_000,
        "How often each caller may call, unless the file of clients says otherwise for one. 0: without limit.",
    ),
    Setting(
        "access.burst",
        "INDICATION_BURST",
        Whole(1, 1_000_000, "requests"),
        600,
        "How many of them may come at once.",
    ),
    Setting(
        "access.cds_open",
        "INDICATION_CDS_OPEN",
        Flag(),
        False,
        "For development: the EHR's door asks nobody who they are.",
    ),
    # ---- pages ----
    Setting(
        "pages.form",
        "INDICATION_FORM",
        Pages(),
        "open",
        "The form, and the rules to read at `/rulebook`: for whoever comes, behind the proxy's login, or not at all.",
    ),
    Setting(
        "pages.committee",
        "INDICATION_COMMITTEE",
        Pages(),
        "open",
        "The committee's workbench at `/committee`: likewise. `on` and `off` are understood too.",
    ),
    # ---- audit: the record of decisions ----
    Setting(
        "audit.store",
        "INDICATION_AUDIT_STORE",
        Database(),
        None,
        "Where decisions are recorded. The password of a database belongs in `PGPASSWORD` or in a password file, not here. "
        "`off` records nothing, for development.",
        otherwise="`record.sqlite` in `server.state`",
    ),
    Setting(
        "audit.keep",
        "INDICATION_AUDIT_KEEP",
        OneOf(("full", "digest")),
        "full",
        "What is kept of a referral: all that was decided on, so that the record alone suffices to replay it; or only its digest.",
    ),
    Setting(
        "audit.when_down",
        "INDICATION_AUDIT_WHEN_DOWN",
        OneOf(("refuse", "spool")),
        "refuse",
        "When a decision cannot be recorded: refuse to answer (503), or keep the record in a local queue on disk until it can.",
    ),
    Setting(
        "audit.retention_days",
        "INDICATION_AUDIT_RETENTION_DAYS",
        Whole(0, 36_500, "days"),
        0,
        "For how long the content of decisions is kept; `flask audit erase --expired` erases what is older. 0: without end.",
    ),
    # ---- what is told of the service while it runs (docs/observing.md) ----
    Setting(
        "logs.format",
        "INDICATION_LOGS_FORMAT",
        OneOf(("json", "text")),
        None,
        "How the log is written: one JSON object a line, or lines of text. It holds no value of a patient in either.",
        otherwise="`text` on a terminal, else `json`",
    ),
    Setting(
        "logs.level",
        "INDICATION_LOGS_LEVEL",
        OneOf(("debug", "info", "warning", "error")),
        "info",
        "From which level on the service's own events are logged.",
    ),
    Setting(
        "tracing.endpoint",
        "INDICATION_TRACING_ENDPOINT",
        Web(),
        None,
        "OpenTelemetry collector (OTLP over HTTP, as `http://localhost:4318`) that is sent a trace of each request. "
        "Needs `requirements-otel.txt`.",
        otherwise="none: nothing is traced",
    ),
)

SETTINGS: Mapping[str, Setting] = {setting.name: setting for setting in _SETTINGS}
