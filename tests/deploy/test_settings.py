"""What settings make of the server, and what is said of those that cannot be read."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings

from tests.drills.server import ROOT, free_port

SECRET = "not-to-be-told"


HEADER = """
from django.test import Client
answer = Client(headers={"host": "localhost"}).get("/healthz", secure=True)
print(answer.headers["Strict-Transport-Security"])
"""


_POOL = """
import json, sys
sys.argv = sys.argv[1:]
from django.conf import settings
print(json.dumps("pool" in settings.DATABASES["default"]["OPTIONS"]))
"""


LAYER = """
import json
from django.conf import settings
print(json.dumps(settings.CHANNEL_LAYERS["default"]["CONFIG"]))
"""


def begun(tmp_path: Path, *arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
    kept = {"PATH": os.environ["PATH"], "CHATTER_ENV_FILE": os.devnull, "CHATTER_SECRET_KEY": "key"}
    environment = {**kept, "CHATTER_DATA_DIR": str(tmp_path), **given}
    command = [sys.executable, "manage.py", *(arguments or ("check",))]
    return subprocess.run(
        command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("CHATTER_DATA_DIR", f"{os.devnull}/chatter"),
        ("CHATTER_POLL_S", "often"),
        ("CHATTER_POLL_S", "nan"),
        ("CHATTER_POLL_S", "0"),
        ("CHATTER_PUMP_CONCURRENCY", "0"),
        ("LIVE_HEARTBEAT_S", "-1"),
        ("CHATTER_PUMPS", "1.5"),
        ("CHATTER_PUMP", "worker"),
        ("SCHEDULE_MIN_INTERVAL_S", "0"),
        ("HTTPS", "perhaps"),
        ("RUN_MAX_STEPS", "many"),
        ("RUN_MAX_STEPS", "0"),
        ("RUN_MAX_SECONDS", "0"),
        ("RUN_MAX_COST_USD", "-1"),
        ("RATE_START", "10/year"),
        ("RATE_ROUTES", "/api/v1/chat/=often"),
        ("RATE_ROUTES", "10/min"),
        ("WEBHOOK_RATE", "often"),
        ("SECURITY_LIMITS", "20"),
        ("EVENTS_KEPT_DAYS", "ever"),
        ("JOBS_KEPT_DAYS", "-1"),
        ("TRUSTED_PROXIES", "-1"),
        ("QUEUE_MAX_PENDING", "-5"),
        ("CHATTER_STOP_S", "-0.5"),
        ("SECURITY_LIMITS", "0/3600"),
        ("SECURITY_LIMITS", "20/-3600"),
        ("LOG_LEVEL", "LOUD"),
        ("CHATTER_MCP_COMMANDS", f'["{SECRET}"]'),
        ("EMAIL_URL", f"carrier-pigeon://{SECRET}@mail.example"),
        ("DATABASE_URL", f"oracle://{SECRET}@db.example/chatter"),
        ("DATABASE_URL", f"postgres://{SECRET}@db.example:port/chatter"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", f"http://:{SECRET}@cache.example"),
        ("REDIS_URL", f"redis://:{SECRET}@cache.example:port/0"),
        ("REDIS_URL", f"redis://:{SECRET}@cache.example/staging"),
        ("OPENAI_BASE_URL", f"{SECRET}.example:1234/v1"),
        ("ANTHROPIC_BASE_URL", f"http://{SECRET}.example:port"),
    ],
)
def test_a_setting_that_cannot_be_read_is_named_in_one_line(name, value, tmp_path):
    done = begun(tmp_path, **{name: value})
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"{name} ")
    assert SECRET not in line


def test_a_secret_key_that_a_full_disk_cut_off_is_made_anew(tmp_path):
    (tmp_path / "secret_key").touch(0o600)
    done = begun(tmp_path, CHATTER_SECRET_KEY="")
    assert done.returncode == 0, done.stderr
    made = (tmp_path / "secret_key").read_text()
    assert len(made) >= 50
    assert begun(tmp_path, CHATTER_SECRET_KEY="").returncode == 0
    assert (tmp_path / "secret_key").read_text() == made


@pytest.mark.parametrize("command", ["prepare", "work", "reconcile"])
def test_a_database_that_is_not_there_is_told_without_a_traceback(command, tmp_path):
    address = f"postgres://chatter:{SECRET}@127.0.0.1:{free_port()}/chatter"
    done = begun(tmp_path, command, DATABASE_URL=address, CHATTER_PUMP="workers")
    assert done.returncode == 1
    assert done.stderr.startswith("The database does not answer: ")
    assert "Connection refused" in done.stderr
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("verify_audit",),
        ("export_user", "bob", "copy"),
        ("compliance_report",),
        ("serve",),
        ("work",),
    ],
)
def test_a_database_that_was_not_prepared_is_told_in_one_line(command, tmp_path):
    name, *rest = command
    paths = [str(tmp_path / one) if one == "copy" else one for one in rest]
    done = begun(tmp_path, name, *paths, CHATTER_PUMP="workers")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "The database is not up to date (missing accounts.0001_initial, " in line
    assert line.endswith("Run: manage.py prepare")


def test_a_failure_of_prepare_is_not_answered_with_itself(tmp_path):
    file = tmp_path / "chatter.sqlite3"
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE accounts_user (id INTEGER)")
    done = begun(tmp_path, "prepare")
    assert done.returncode == 1
    assert "already exists" in done.stderr
    assert "Run: manage.py prepare" not in done.stderr


def test_the_directory_of_a_sqlite_database_is_made(tmp_path):
    file = tmp_path / "not" / "yet" / "chatter.sqlite3"
    done = begun(tmp_path, "migrate", "contenttypes", DATABASE_URL=f"sqlite:///{file}")
    assert done.returncode == 0, done.stderr
    assert file.exists()


def test_a_place_where_no_sqlite_database_can_be_is_told_in_one_line(tmp_path):
    done = begun(tmp_path, DATABASE_URL=f"sqlite:///{os.devnull}/chatter.sqlite3")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("DATABASE_URL ")


def test_without_a_secret_key_nothing_starts_on_a_database_server(tmp_path):
    address = "postgres://chatter@db.example/chatter"
    done = begun(tmp_path, DATABASE_URL=address, CHATTER_SECRET_KEY="")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("CHATTER_SECRET_KEY ")


def test_limits_and_rates_and_alerts_are_switched_off_by_a_word(tmp_path):
    names = ("RUN_MAX_SECONDS", "WEBHOOK_RATE", "LOGIN_RATE_PER_USER", "SECURITY_LIMITS")
    done = begun(tmp_path, **dict.fromkeys(names, "off"))
    assert done.returncode == 0, done.stderr


def test_a_rate_of_what_is_no_address_keeps_chatter_from_starting(tmp_path):
    known, wrong = "/api/v1/chat/=10/min", "/api/v1/chats/=10/min"
    assert begun(tmp_path, RATE_ROUTES=f"{known}, /api/v1/models/ = 1/s").returncode == 0
    done = begun(tmp_path, RATE_ROUTES=f"{known}, {wrong}")
    assert done.returncode == 1
    assert "RATE_ROUTES: /api/v1/chats/ is no address." in done.stderr


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "max-age=31536000"),
        ({"HSTS_SUBDOMAINS": "true"}, "max-age=31536000; includeSubDomains"),
        (
            {"HSTS_SUBDOMAINS": "true", "HSTS_PRELOAD": "true"},
            "max-age=31536000; includeSubDomains; preload",
        ),
    ],
)
def test_https_speaks_for_this_name_alone_unless_it_is_asked_for_more(asked, told, tmp_path):
    done = begun(tmp_path, "shell", "--no-imports", "-c", HEADER, HTTPS="true", **asked)
    assert done.stdout.split("\n")[-2] == told, done.stderr


@pytest.mark.parametrize(("scheme", "port"), [("smtp", 25), ("smtp+ssl", 465)])
def test_the_doctor_looks_for_a_mail_server_at_the_port_that_it_usually_has(scheme, port, tmp_path):
    mails = {"EMAIL_URL": f"{scheme}://mail.invalid", "SECURITY_EMAILS": "ops@chatter.example"}
    done = begun(tmp_path, "doctor", **mails)
    assert f"Nobody takes mail at mail.invalid:{port}: " in done.stdout, done.stderr


def layer_at(tmp_path: Path, number: int) -> RedisPubSubChannelLayer:
    """The layer of an installation that has this number of the Redis of the tests."""
    address = urlsplit(settings.REDIS_URL)._replace(path=f"/{number}").geturl()
    done = begun(tmp_path, "shell", "--no-imports", "-c", LAYER, REDIS_URL=address)
    return RedisPubSubChannelLayer(**json.loads(done.stdout))


@pytest.mark.services
@pytest.mark.usefixtures("production_profile")
def test_installations_with_numbers_of_their_own_do_not_hear_each_other(tmp_path):
    one, other = layer_at(tmp_path, 1), layer_at(tmp_path, 2)

    async def heard_by(layer: RedisPubSubChannelLayer) -> bool:
        channel = await layer.new_channel()
        await layer.group_add("execution", channel)
        await one.group_send("execution", {"type": "rung"})
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                return bool(await layer.receive(channel))
        return False

    async def scenario() -> tuple[bool, bool]:
        return await heard_by(one), await heard_by(other)

    assert asyncio.run(scenario()) == (True, False)


@pytest.mark.parametrize(
    ("command", "pooled"),
    [
        ("manage.py serve", True),
        ("/somewhere/bin/daphne chatter_project.asgi:application", True),
        ("manage.py work", False),
        ("/somewhere/bin/django-admin work", False),
        ("manage.py prepare", False),
    ],
)
def test_processes_that_fork_share_no_pool_of_connections(
    tmp_path: Path, command: str, pooled: bool
) -> None:
    """Two that talk over one connection read each other's answers."""
    told = subprocess.run(
        [sys.executable, "-c", _POOL, *command.split()],
        cwd=ROOT,
        env={
            **{"PATH": os.environ["PATH"], "CHATTER_ENV_FILE": os.devnull},
            **{"CHATTER_SECRET_KEY": "key", "CHATTER_DATA_DIR": str(tmp_path)},
            "DATABASE_URL": "postgres://chatter@127.0.0.1/chatter",
            "DJANGO_SETTINGS_MODULE": "chatter_project.settings",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(told.stdout) is pooled
