"""List every command once: the help, the parser and the shells read it from here. Nothing is imported for it."""

from typing import NamedTuple


class Command(NamedTuple):
    """A verb: its words, the function behind it, and one line of help."""

    name: str
    path: str
    help: str
    alias: tuple[str, ...] = ()


class Noun(NamedTuple):
    """A thing with verbs."""

    name: str
    help: str
    verbs: tuple["Command | Noun", ...]
    alias: tuple[str, ...] = ()


def _verbs(module: str, *rows: tuple[str, ...]) -> tuple["Command | Noun", ...]:
    """Rows are (name, function, help, alias…)."""
    path = f"clustergenie.cli.{module}"
    return tuple(Command(name, f"{path}:{function}", text, tuple(alias)) for name, function, text, *alias in rows)


CLUSTER = Noun(
    "cluster",
    "Named sets of droplets: create, scale, watch, delete.",
    _verbs(
        "cluster",
        ("list", "list_clusters", "List clusters.", "ls"),
        ("get", "get_cluster", "Show one cluster."),
        ("create", "create_cluster", "Create a cluster."),
        ("update", "update_cluster", "Change a cluster's name, wanted size or defaults."),
        ("delete", "delete_cluster", "Delete a cluster and its droplets.", "rm"),
        ("scale", "scale_cluster", "Bring a cluster to a size."),
        ("provision", "provision_cluster", "Add droplets to a cluster."),
    )
    + _verbs("watch", ("watch", "watch_cluster", "Show a cluster as it changes.")),
    ("clusters",),
)
DROPLET = Noun(
    "droplet",
    "Single machines.",
    _verbs(
        "droplet",
        ("list", "list_droplets", "List droplets.", "ls"),
        ("get", "get_droplet", "Show one droplet."),
        ("create", "create_droplet", "Ask for one droplet."),
        ("delete", "delete_droplet", "Drain and destroy a droplet.", "rm"),
        ("orphans", "list_orphans", "List machines of ours that no droplet knows of."),
        ("adopt", "adopt_orphan", "Make a droplet of an orphan."),
        ("destroy-orphan", "destroy_orphan", "Destroy an orphan."),
        ("exec", "exec_in_droplet", "Run a command inside a local droplet."),
    ),
    ("droplets",),
)
JOB = Noun(
    "job",
    "Durable work: provision, scale, diagnose, monitor.",
    _verbs(
        "job",
        ("list", "list_jobs", "List jobs, newest first.", "ls"),
        ("get", "get_job", "Show one job."),
        ("create", "create_job", "Ask for a job."),
        ("cancel", "cancel_job", "Ask a job to stop."),
        ("retry", "retry_job", "Run an ended job once more."),
        ("attempts", "list_attempts", "Show every attempt of a job."),
        ("events", "list_job_events", "Show what happened in a job."),
    )
    + _verbs("watch", ("watch", "watch_job", "Follow a job until it ends.")),
    ("jobs",),
)
SCHEDULE = Noun(
    "schedule",
    "Jobs asked for by the clock.",
    _verbs(
        "schedule",
        ("list", "list_schedules", "List schedules.", "ls"),
        ("get", "get_schedule", "Show one schedule."),
        ("create", "create_schedule", "Create a schedule."),
        ("update", "update_schedule", "Change, pause or resume a schedule."),
        ("delete", "delete_schedule", "Delete a schedule.", "rm"),
    ),
    ("schedules",),
)
LIMIT = Noun(
    "limit",
    "Who may ask how often, and what is left of it.",
    _verbs(
        "limit",
        ("list", "list_limits", "List limits.", "ls"),
        ("get", "get_limit", "Show one limit."),
        ("set", "set_limit", "Make or replace a limit."),
        ("delete", "delete_limit", "Delete a stored limit; the default holds again.", "rm"),
        ("peek", "peek_limit", "Show how much is left for someone; charges nothing."),
    ),
    ("limits",),
)
EVENTS = Noun(
    "events",
    "What happened, and what is happening.",
    (
        *_verbs(
            "events",
            ("list", "list_events", "List events.", "ls"),
            ("tail", "tail_events", "Print events as they happen."),
        ),
        Noun(
            "dlq",
            "Events that no consumer could take.",
            _verbs(
                "events",
                ("list", "list_dead_letters", "List dead letters.", "ls"),
                ("replay", "replay_dead_letter", "Hand dead letters to their consumer once more."),
            ),
        ),
    ),
    ("event",),
)
AUDIT = Noun(
    "audit",
    "Who did what, when and from where.",
    _verbs(
        "audit",
        ("list", "list_audit", "List the audit trail, newest first.", "ls"),
        ("follow", "follow_audit", "Print what is done as it is done."),
    ),
)
METRICS = Noun(
    "metrics",
    "Measurements of clusters and droplets.",
    _verbs(
        "metrics",
        ("get", "get_metrics", "Show measurements.", "list", "ls"),
        ("post", "post_metric", "Store a measurement."),
        ("types", "list_types", "List the types of measurement a cluster has."),
    ),
    ("metric",),
)
MIGRATE = Noun(
    "migrate",
    "The database's schema.",
    _verbs(
        "migrate",
        ("up", "up", "Bring the schema to the newest revision."),
        ("down", "down", "Take the schema back to a revision."),
        ("status", "status", "Show which revision the database has."),
    ),
)
KEY = Noun(
    "key",
    "API keys: who may call, and what they may do.",
    _verbs(
        "key",
        ("list", "list_keys", "List API keys.", "ls"),
        ("create", "create_key", "Make a key; its secret is printed this once."),
        ("rotate", "rotate_key", "Give a key another secret."),
        ("revoke", "revoke_key", "End a key, for good.", "rm"),
    ),
    ("keys",),
)
SESSION = Noun(
    "session",
    "Browsers that are logged in.",
    _verbs(
        "session",
        ("list", "list_sessions", "List sessions.", "ls"),
        ("revoke", "revoke_session", "Log a browser out.", "rm"),
    ),
    ("sessions",),
)
AUTH = Noun(
    "auth",
    "The first way in.",
    _verbs("auth", ("setup-link", "setup_link", "Print a link that makes an admin's key, once.")),
)
SECRETS = Noun(
    "secrets",
    "The key under which secrets are stored.",
    _verbs("secrets", ("rotate", "rotate", "Seal every stored secret under a new key.")),
)
CONFIG = Noun(
    "config",
    "This command's own settings.",
    _verbs(
        "config",
        ("show", "show_config", "Show each setting and where it comes from."),
        ("set", "set_config", "Keep a setting in the config file."),
        ("unset", "unset_config", "Drop a setting from the config file."),
    ),
)


def _single(name: str, function: str, text: str) -> Command:
    return Command(name, f"clustergenie.cli.{function}", text)


SECTIONS: tuple[tuple[str, tuple[Command | Noun, ...]], ...] = (
    (
        "Run a control plane",
        (
            _single("serve", "serve:serve", "Start the control plane."),
            _single("stop", "stop:stop", "Stop it; with --droplets, its local droplets too."),
            MIGRATE,
            SECRETS,
            _single("ready", "ready:ready", "Say whether the server takes requests; exits 1 when not."),
            _single("doctor", "doctor:doctor", "Check everything that can be wrong, and say how to fix it."),
        ),
    ),
    ("Use it", (CLUSTER, DROPLET, JOB, SCHEDULE, LIMIT)),
    (
        "Look inside",
        (
            _single("health", "health:health", "Say how a cluster is, and why."),
            _single("diagnose", "health:diagnose", "Find what is wrong with a cluster, with evidence and remedy."),
            _single("monitor", "health:monitor", "Probe every droplet of a cluster now."),
            METRICS,
            EVENTS,
            AUDIT,
            _single("workers", "workers:list_workers", "List the processes that answer requests and do the work."),
        ),
    ),
    (
        "Who may do what",
        (
            _single("login", "login:login", "Keep an API key for a server."),
            _single("logout", "login:logout", "Forget it."),
            _single("whoami", "login:whoami", "Say who the server takes us for."),
            KEY,
            SESSION,
            AUTH,
        ),
    ),
    (
        "Try and measure",
        (
            _single("demo", "demo:demo", "Play the whole story on a running server."),
            _single("loadgen", "loadgen:loadgen", "Push job and diagnosis traffic at a chosen rate."),
            _single(
                "simulated-cloud",
                "simulated_cloud:simulated_cloud",
                "Run a cloud that is not there, for several replicas to share.",
            ),
        ),
    ),
    (
        "More",
        (
            _single("api", "api:api", "Call any endpoint of the API."),
            _single("completion", "completion:completion", "Print the completion script of a shell."),
            CONFIG,
        ),
    ),
)
