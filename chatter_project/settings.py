"""Every setting, driven by the environment; `.env.example` documents each variable."""

import fcntl
import os
import sys
from pathlib import Path
from typing import Any

import structlog
from django.conf import global_settings
from django.core.management.utils import get_random_secret_key

from chatter_project import plugins
from chatter_project.environment import BadSetting, Environment, env_file, number

env = Environment()
BASE_DIR = Path(__file__).resolve().parent.parent
env.read_env(env_file(BASE_DIR))

# LangSmith sends prompts to a third party when these stand in a user's environment.
os.environ |= {"LANGSMITH_TRACING": "false", "LANGCHAIN_TRACING_V2": "false"}
os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"

DEBUG = env.bool("DEBUG", default=False)
DATA_DIR = Path(env("CHATTER_DATA_DIR", default="") or BASE_DIR / "data")
DATABASE_URL = env("DATABASE_URL", default="")
EMBEDDED = not DATABASE_URL


def _kept_secret_key() -> str:
    """The key kept beside the SQLite database, made on first use, readable by its owner only."""
    path = DATA_DIR / "secret_key"
    if path.exists() and (key := path.read_text()):
        return key
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # one process makes it and others wait
        if not (key := file.read()):  # it is new, or the disk was full
            file.write(key := get_random_secret_key())
    return key


# A database server may be shared by many machines, so there the key must be given.
SECRET_KEY = env("CHATTER_SECRET_KEY", default="")
if EMBEDDED:
    try:
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        SECRET_KEY = SECRET_KEY or _kept_secret_key()
    except OSError as error:
        raise BadSetting(f"CHATTER_DATA_DIR cannot be used: {error}") from error
if not SECRET_KEY:
    raise BadSetting("CHATTER_SECRET_KEY is not set, and with DATABASE_URL it has to be.")
SECRET_KEY_FALLBACKS = env.list("CHATTER_SECRET_KEY_FALLBACKS", default=[])

# Seals the audit trail; and the file outside the database that its signed checkpoints go to.
AUDIT_KEY = env("CHATTER_AUDIT_KEY", default="")
AUDIT_CHECKPOINTS = env(
    "CHATTER_AUDIT_CHECKPOINTS", default=str(DATA_DIR / "audit-checkpoints") if EMBEDDED else ""
)

# --- who is served ---------------------------------------------------------------------------
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
HTTPS = env.bool("HTTPS", default=not EMBEDDED)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
# Set apart from HTTPS: they bind all names below this one, and outlast a change of the setting.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("HSTS_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = env.bool("HSTS_PRELOAD", default=False)
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- what runs -------------------------------------------------------------------------------
INSTALLED_APPS = [
    "chatter_project",
    "chatter_project.apps.ChatterAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_q",
    "core",
    "audit",
    "accounts",
    "budgets",
    "llms",
    "tools",
    "workflows",
    "conversations",
    "triggers",
    "webhooks",
    "privacy",
    "security",
    "analytics",
    "telemetry",
    "experiments",
]
MIDDLEWARE = [  # the server puts those of `chatter_project.middleware` in the place of Django's
    "audit.middleware.request_context",
    "accounts.rates.rate_headers",
    "django.middleware.security.SecurityMiddleware",
    "chatter_project.middleware.policy_of_answers",
    "chatter_project.middleware.nothing_at_nul",
    "chatter_project.middleware.read_as_utf_8",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.page_rates.page_rates",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "core.mishaps.page_of_a_mishap",
]
ROOT_URLCONF = "chatter_project.urls"
ASGI_APPLICATION = "chatter_project.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "workflows.approval_pages.approvals_waiting",
            ],
        },
    },
]
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    **global_settings.STORAGES,
    "staticfiles": {"BACKEND": "chatter_project.static_files.WholeFiles"},
}
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

# --- where it is kept ------------------------------------------------------------------------
SERVER_CONNECTIONS = 20  # of one server with PostgreSQL, at most
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": env.db_url("DATABASE_URL", f"sqlite:///{DATA_DIR}/chatter.sqlite3")}
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
_OPTIONS = DATABASES["default"].setdefault("OPTIONS", {})  # what the URL asks for, as sslmode
SQLITE = DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
if SQLITE:
    try:
        Path(DATABASES["default"]["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(f"DATABASE_URL cannot be used: {error}") from error
    # WAL lets readers pass the writer; IMMEDIATE avoids "database is locked" on read-then-write.
    DATABASES["default"] |= {"ENGINE": "core.sqlite", "CONN_MAX_AGE": 60}
    _OPTIONS |= {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA foreign_keys=ON;",
    }
else:
    # A machine that is gone without a word would be waited for, for a quarter of an hour and more.
    _SILENT = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
    for _name, _given in {**_SILENT, "tcp_user_timeout": 25_000, "connect_timeout": 10}.items():
        _OPTIONS.setdefault(_name, _given)
    # Values bound by the server, statements prepared by the fifth time: half the writer's time.
    _OPTIONS |= {"server_side_binding": True, "prepare_threshold": 5}
    _COMMAND = sys.argv[1:2]
    if _COMMAND != ["work"] and (_COMMAND == ["serve"] or not sys.argv[0].endswith("manage.py")):
        # CONN_MAX_AGE=None under ASGI ran PostgreSQL out of connections at 50 clients; a pool does
        # not. Workers are forks: a pool they share with their parent hands out dead connections.
        # Other commands would wait for 20 s for a database that is not there.
        _OPTIONS["pool"] = {"min_size": 2, "max_size": SERVER_CONNECTIONS, "timeout": 20}

REDIS_URL = env.redis_url("REDIS_URL")
CHANNEL_LAYERS = {}
if REDIS_URL:
    from redis.connection import parse_url  # noqa: PLC0415 - takes a while, and few have one

    # What is published is heard in all numbered databases of a server: a copy would be heard, too.
    CHANNEL_LAYERS["default"] = {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": f"chatter{parse_url(REDIS_URL).get('db', 0)}"},
    }

# --- who is asking ---------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "chat"
LOGOUT_REDIRECT_URL = "login"
_DJANGOS = ("UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword")
AUTH_PASSWORD_VALIDATORS = [
    *({"NAME": f"django.contrib.auth.password_validation.{name}Validator"} for name in _DJANGOS),
    {"NAME": "accounts.passwords.NotTooLong"},
]
RATES_REDIS_URL = REDIS_URL  # where rates are counted; empty: by each process for itself
LOGIN_RATE_PER_USER = env.rate("LOGIN_RATE_PER_USER", default="5/min")
LOGIN_RATE_PER_ADDRESS = env.rate("LOGIN_RATE_PER_ADDRESS", default="30/min")

# Requests of one user to one address; empty: no limit.
CHATTER_RATES = {
    "read": env.rate("RATE_READ"),
    "write": env.rate("RATE_WRITE"),
    "start": env.rate("RATE_START"),
}
CHATTER_ROUTE_RATES = env.rates("RATE_ROUTES")  # in their place, by address

# --- the API ---------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.TokenAuthentication",
        "accounts.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.parsing.Json"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "core.negotiation.WhatThereIs",
    "DEFAULT_METADATA_CLASS": "core.documenting.Formats",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "core.pagination.NewestFirst",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["accounts.rates.PerRoute"],
    "EXCEPTION_HANDLER": "core.api.handle_exception",
    "NUM_PROXIES": TRUSTED_PROXIES,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Chatter",
    "DESCRIPTION": "Build LLM workflows, talk to them, and know what every run did and cost.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "ModeEnum": ["wait", "stream", "background"],
        "BudgetUnitEnum": ["usd", "tokens"],
        "ExperimentUnitEnum": ["user", "conversation"],
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "core.documenting.tell_problems",
        "core.documenting.tell_changes",
    ],
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
MESSAGE_MAX_CHARACTERS = env.above_zero("MESSAGE_MAX_CHARACTERS", 100_000)

# --- the live side ---------------------------------------------------------------------------
LIVE_BEHIND = env.above_zero("LIVE_BEHIND", 256)
LIVE_MAX_CONNECTIONS = env.int("LIVE_MAX_CONNECTIONS", default=100)
LIVE_MAX_SUBSCRIPTIONS = env.int("LIVE_MAX_SUBSCRIPTIONS", default=100)
LIVE_HEARTBEAT_S = env.above_zero("LIVE_HEARTBEAT_S", 15.0)
LIVE_RECHECK_S = env.above_zero("LIVE_RECHECK_S", 10.0)
LIVE_IDLE_S = env.above_zero("LIVE_IDLE_S", 900.0)
LIVE_MAX_S = env.above_zero("LIVE_MAX_S", 14_400.0)

# --- the engine ------------------------------------------------------------------------------
CHATTER_PUMP = env.choice("CHATTER_PUMP", "server", "workers", default="server")
CHATTER_PUMP_CONCURRENCY = env.above_zero("CHATTER_PUMP_CONCURRENCY", 128)
CHATTER_LEASE_S = env.above_zero("CHATTER_LEASE_S", 10.0)
_ALONE = CHATTER_PUMP == "workers" and not REDIS_URL  # nothing but the tables joins the processes
CHATTER_POLL_S = env.above_zero("CHATTER_POLL_S", 0.05 if _ALONE else 2.0)
CHATTER_DRAIN_S = env.float("CHATTER_DRAIN_S", default=2.0)
CHATTER_STOP_S = env.float("CHATTER_STOP_S", default=10.0)
QUEUE_MAX_PENDING = env.int("QUEUE_MAX_PENDING", default=10_000)
QUEUE_MAX_PENDING_PER_USER = env.int("QUEUE_MAX_PENDING_PER_USER", default=1_000)
CHATTER_MODEL_TIMEOUT_S = env.above_zero("CHATTER_MODEL_TIMEOUT_S", 120.0)
# Fields of `core.limits.RunLimits`.
CHATTER_RUN_LIMITS = {
    "run_time_s": env.limit("RUN_MAX_SECONDS", 14_400, number, least=0.001),
    "step_time_s": env.limit("RUN_MAX_STEP_SECONDS", 3_600, number, least=0.001),
    "steps": env.limit("RUN_MAX_STEPS", 1_000, least=1),
    "tokens": env.limit("RUN_MAX_TOKENS", None),
    "cost": env.limit("RUN_MAX_COST_USD", None, number),
    "tool_calls": env.limit("RUN_MAX_TOOL_CALLS", 1_000),
    "output_characters": env.limit("RUN_MAX_OUTPUT_CHARACTERS", 1_000_000),
    "concurrent": env.limit("RUN_MAX_CONCURRENT", 1_000),
}
# Hosts and networks beside the public internet that tools may reach.
CHATTER_EGRESS_ALLOW = env.list("CHATTER_EGRESS_ALLOW", default=[])
# Fields of `workflows.validation.bounds.Limits`.
CHATTER_GRAPH_LIMITS = {
    "nodes": env.int("GRAPH_MAX_NODES", default=100),
    "warn_nodes": env.int("GRAPH_WARN_NODES", default=80),
    "edges": env.int("GRAPH_MAX_EDGES", default=200),
    "document_characters": env.int("GRAPH_MAX_CHARACTERS", default=1_000_000),
    "config_characters": env.int("GRAPH_MAX_CONFIG_CHARACTERS", default=100_000),
    "expressions": env.int("GRAPH_MAX_EXPRESSIONS", default=500),
    "workflow_depth": env.int("GRAPH_MAX_DEPTH", default=5),
    "warn_seconds": env.float("GRAPH_WARN_SECONDS", default=600.0),
    "warn_usd": env.float("GRAPH_WARN_USD", default=5.0),
    "reachable": tuple(CHATTER_EGRESS_ALLOW),
}
BUDGETS_PER_USER = env.int("BUDGETS_PER_USER", default=100)
EXPERIMENTS_PER_USER = env.int("EXPERIMENTS_PER_USER", default=20)
CHATTER_TRIGGERS = {
    "per_user": env.int("TRIGGERS_PER_USER", default=100),
    "min_interval_s": env.above_zero("SCHEDULE_MIN_INTERVAL_S", 60),
    "chain_depth": env.int("CHAIN_MAX_DEPTH", default=10),
}
# What MCP servers over stdio may start, as JSON: {"name": ["program", "argument", …]}.
CHATTER_MCP_COMMANDS = env.json("CHATTER_MCP_COMMANDS", default={})
# Providers that the environment names; registered by `manage.py prepare`.
CHATTER_PROVIDERS = {
    "openai": {"key": env("OPENAI_API_KEY", default=""), "url": env.web_url("OPENAI_BASE_URL")},
    "anthropic": {
        "key": env("ANTHROPIC_API_KEY", default=""),
        "url": env.web_url("ANTHROPIC_BASE_URL"),
    },
    "ollama": {"key": "", "url": env("OLLAMA_HOST", default="")},
}

# --- what is found by dotted path ------------------------------------------------------------
CHATTER_CHANNELS = plugins.CHANNELS
CHATTER_NODE_TYPES = plugins.NODE_TYPES
CHATTER_TOOLS = [*plugins.TOOLS, *env.list("CHATTER_TOOL_PLUGINS", default=[])]
CHATTER_OUTCOMES = plugins.OUTCOMES
CHATTER_PAUSES = plugins.PAUSES
CHATTER_REFUSED_STARTS = plugins.REFUSED_STARTS
CHATTER_BUDGET_WARNINGS = plugins.BUDGET_WARNINGS
CHATTER_DELETION_OBJECTIONS = plugins.DELETION_OBJECTIONS
CHATTER_BUDGET_LEDGER = plugins.BUDGET_LEDGER
CHATTER_HISTORY = plugins.HISTORY
CHATTER_ROUTES = plugins.ROUTES
CHATTER_CHORES = plugins.CHORES
CHATTER_JOBS = plugins.JOBS
CHATTER_RETENTIONS = plugins.RETENTIONS

# --- the workers -----------------------------------------------------------------------------
CHATTER_PUMPS = env.above_zero("CHATTER_PUMPS", 1)
CHATTER_TENURE_S = env.above_zero("CHATTER_TENURE_S", 600)
CHATTER_RETIRE_S = env.int("CHATTER_RETIRE_S", default=240)
CHATTER_JOB_WORKERS = env.int("CHATTER_JOB_WORKERS", default=1)
CHATTER_PUMPS_QUEUE = "pumps"
CHATTER_JOBS_QUEUE = "chatter"
CHATTER_STALL_S = env.above_zero("CHATTER_STALL_S", max(15.0, 2 * CHATTER_LEASE_S))
_TASK_S = CHATTER_TENURE_S + CHATTER_RETIRE_S + int(CHATTER_STOP_S) + 30
# One that does not answer is one that is away: nobody waits for it who has other things to do.
_QUEUE_URL = (
    f"{REDIS_URL}{'&' if '?' in REDIS_URL else '?'}socket_connect_timeout=2&socket_timeout=5"
)
Q_CLUSTER: dict[str, Any] = {
    "name": CHATTER_JOBS_QUEUE,
    "workers": CHATTER_JOB_WORKERS,
    # For `Q_CLUSTER_NAME=pumps manage.py qcluster`, where `manage.py work` is not to be had.
    "ALT_CLUSTERS": {CHATTER_PUMPS_QUEUE: {"workers": CHATTER_PUMPS + 1, "scheduler": False}},
    "queue_limit": 1,
    "timeout": _TASK_S,
    # The clock of `retry` starts when a task is fetched, and it may lie behind two that run first.
    "retry": 4 * _TASK_S,
    "max_attempts": 1,
    "ack_failures": True,
    "poll": 0.2,
    "recycle": 50,
    "max_rss": 600_000,
    "save_limit": 250,
    **({"redis": _QUEUE_URL} if REDIS_URL else {"orm": "default"}),
}

# --- webhooks --------------------------------------------------------------------------------
WEBHOOK_MAX_BYTES = env.int("WEBHOOK_MAX_BYTES", default=1_000_000)
WEBHOOK_RATE = env.rate("WEBHOOK_RATE", default="120/min")
WEBHOOK_TOLERANCE_S = env.int("WEBHOOK_TOLERANCE_S", default=300)
WEBHOOK_TIMEOUT_S = env.above_zero("WEBHOOK_TIMEOUT_S", 10.0)
WEBHOOK_ATTEMPTS = env.above_zero("WEBHOOK_ATTEMPTS", 10)
WEBHOOK_RETRY_S = env.float("WEBHOOK_RETRY_S", default=5.0)
WEBHOOK_DISABLE_AFTER = env.int("WEBHOOK_DISABLE_AFTER", default=20)
WEBHOOK_DISABLE_AFTER_S = env.float("WEBHOOK_DISABLE_AFTER_S", default=86_400.0)

# --- security --------------------------------------------------------------------------------
CHATTER_SECURITY = {
    "failed_logins": env.threshold("SECURITY_FAILED_LOGINS", (10, 600)),
    "failed_logins_from": env.threshold("SECURITY_FAILED_LOGINS_FROM", (30, 600)),
    "invalid_tokens": env.threshold("SECURITY_INVALID_TOKENS", (100, 600)),
    "foreign_ids": env.threshold("SECURITY_FOREIGN_IDS", (100, 600)),
    "limits": env.threshold("SECURITY_LIMITS", (20, 3600)),
    "refused_tools": env.threshold("SECURITY_REFUSED_TOOLS", (20, 3600)),
    "refused_egress": env.threshold("SECURITY_REFUSED_EGRESS", (5, 3600)),
}
SECURITY_EMAILS = env.list("SECURITY_EMAILS", default=[])
vars().update(env.email_url("EMAIL_URL", "dummymail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env("EMAIL_FROM", default="chatter@localhost")

# --- what is kept ----------------------------------------------------------------------------
# None: for good.
CHATTER_KEPT_DAYS = {
    "events": env.days("EVENTS_KEPT_DAYS", default=0),
    "firings": env.days("FIRINGS_KEPT_DAYS", default=90),
    "webhooks": env.days("WEBHOOK_KEPT_DAYS", default=30),
    "jobs": env.days("JOBS_KEPT_DAYS", default=30),
    "alerts": env.days("ALERTS_KEPT_DAYS", default=365),
}

# --- the server ------------------------------------------------------------------------------
CHATTER_HOST = env("HOST", default="127.0.0.1")
CHATTER_PORT = env.int("PORT", default=8000)
CHATTER_ADMIN_USERNAME = env("CHATTER_ADMIN_USERNAME", default="admin")
CHATTER_ADMIN_PASSWORD = env("CHATTER_ADMIN_PASSWORD", default="")

# --- what is told of the inside --------------------------------------------------------------
METRICS_TOKEN = env("METRICS_TOKEN", default="")
METRICS_ALLOW = env.list("METRICS_ALLOW", default=[])  # addresses and networks
SECURE_REDIRECT_EXEMPT += [r"^metrics$"]
READY_QUEUE_S = env.float("READY_QUEUE_S", default=60.0)
SLOW_QUERY_MS = env.float("SLOW_QUERY_MS", default=500.0)  # 0: none is slow
# Traces go where OpenTelemetry's own variables say; without these nothing of it is loaded.
_OTLP = env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", default="") or env(
    "OTEL_EXPORTER_OTLP_ENDPOINT", default=""
)
TRACES = bool(_OTLP) and env("OTEL_TRACES_EXPORTER", default="otlp") == "otlp"
TRACES &= not env.bool("OTEL_SDK_DISABLED", default=False)
TRACES_CONTENT = env.bool("TRACES_CONTENT", default=False)
if TRACES:
    CHATTER_OUTCOMES = [*CHATTER_OUTCOMES, "telemetry.tracing.outbox.note_ended"]

# --- the log ---------------------------------------------------------------------------------
LOG_LEVEL = env.choice("LOG_LEVEL", "DEBUG", "INFO", "WARNING", "ERROR", default="INFO")
_SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]
_FORMAT = "console" if sys.stderr.isatty() else "json"
_RENDERER = (
    structlog.processors.JSONRenderer()
    if env.choice("LOG_FORMAT", "console", "json", default=_FORMAT) == "json"
    else structlog.dev.ConsoleRenderer()
)
structlog.configure(
    processors=[*_SHARED_PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "chatter": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _SHARED_PROCESSORS,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _RENDERER,
            ],
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "chatter"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "daphne": {"level": "WARNING"},
        "django-q": {"level": "WARNING"},  # a line for each doorbell
        "httpx": {"level": "WARNING"},  # it tells addresses, which may hold secrets
        "httpcore": {"level": "WARNING"},  # it tells the headers of answers, which may hold secrets
        "httpx2": {"level": "WARNING"},
        "httpcore2": {"level": "WARNING"},
        "anthropic": {"level": "WARNING"},  # it tells what is asked
        "openai": {"level": "WARNING"},
        "mcp": {"level": "CRITICAL"},  # it tells session ids and contents; what fails, we tell
        "django.request": {"level": "ERROR"},
        "django.security": {"level": "CRITICAL"},  # `chatter_project.bad_requests` tells them
        "django.security.csrf": {"level": "WARNING"},
    },
}
