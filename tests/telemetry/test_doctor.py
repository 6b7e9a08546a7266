"""Each fault is planted, and named by the one check that is to see it."""

import json
import os
import shutil
import socket
from datetime import timedelta
from importlib.metadata import version
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.db.utils import ConnectionHandler
from django.test import override_settings
from django_q.models import Failure

from audit.checkpoints import note_checkpoint
from audit.guards import install_guards, lift_guards
from audit.models import AuditCheckpoint, AuditEntry, AuditHead, AuditSeal
from core import clock
from llms.models import ModelProfile, Provider
from telemetry import doctor, parts
from telemetry.doctor import examine, ledgers, running, storage
from tests.drills.models import chain
from tests.factories.accounts import UserFactory
from tests.factories.audit import write_entries
from tests.factories.llms import ProviderFactory
from tests.plans import plans
from tests.telemetry.full_redis import full_redis
from triggers.models import Schedule
from workflows.models import WorkflowExecution
from workflows.pump.presence import beat

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(days=2)
ONCE = "/api/v1/workflows/execute/"
SQLITE = "django.db.backends.sqlite3"


@pytest.fixture(autouse=True)
def whole(settings, tmp_path, built_in):
    """An installation in which nothing is wrong, but that nobody would take for one."""
    settings.DATA_DIR = tmp_path
    settings.STATIC_ROOT = tmp_path / "static"
    settings.DEBUG = True  # static files stand where they were written
    settings.AUDIT_CHECKPOINTS = str(tmp_path / "checkpoints")
    install_guards(connection)
    UserFactory(is_staff=True, is_superuser=True)
    beat("one", "", claiming=True, running=0)
    settings.CHATTER_HOST, settings.EMBEDDED = "127.0.0.1", True
    settings.HTTPS, settings.ALLOWED_HOSTS = False, ["localhost", "testserver"]


def found():
    """What is not as it should be: the findings of each check by its name."""
    return {one.check: one for one in examine() if one.status != doctor.OK}


def only(check, status="broken"):
    """The finding of this check, which must say how to mend it."""
    report = found()[check]
    assert report.status == status, report
    (finding,) = report.findings
    assert len(finding.remedy) > 5
    return finding.message


def start(api, alice, count=1):
    for _ in range(count):
        body = {"graph": chain(), "mode": "background"}
        assert api(alice).post(ONCE, body).status_code == 202


def test_nothing_is_found_where_nothing_is_wrong():
    assert set(found()) <= {"debug_mode", "default_model"}


def test_alerts_that_no_server_mails(settings):
    settings.SECURITY_EMAILS = ["ops@example.com"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    assert "no mail server" in only("mail_server")


def test_a_mail_server_that_does_not_listen_is_named(settings):
    settings.SECURITY_EMAILS = ["ops@example.com"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings.EMAIL_PORT = listening.getsockname()[1]
        assert "mail_server" not in found()
    assert str(settings.EMAIL_PORT) in only("mail_server", "warning")


def test_every_check_has_a_name_of_its_own_and_says_what_it_looks_at():
    checks = [*doctor.ALONE, storage.database, storage.schema, *doctor.OF_DATABASE]
    assert len({check.__name__ for check in checks}) == len(checks)
    assert all(check.__doc__ for check in checks)


@pytest.mark.parametrize(
    ("check", "status", "changed"),
    [
        ("system_checks", "broken", {"CSRF_TRUSTED_ORIGINS": ["chatter.example"]}),
        ("secret_key", "broken", {"SECRET_KEY": "short"}),
        ("secret_key", "broken", {"SECRET_KEY": "a" * 60}),
        ("debug_mode", "warning", {"DEBUG": True}),
        ("debug_mode", "broken", {"DEBUG": True, "EMBEDDED": False}),
        ("https", "broken", {"HTTPS": True, "TRUSTED_PROXIES": 0}),
        ("https", "warning", {"CHATTER_HOST": "::"}),
        ("https", "warning", {"TRUSTED_PROXIES": 1}),
        ("debug_mode", "broken", {"DEBUG": True, "TRUSTED_PROXIES": 1}),
        ("allowed_hosts", "broken", {"TRUSTED_PROXIES": 1, "ALLOWED_HOSTS": ["localhost"]}),
        ("allowed_hosts", "warning", {"ALLOWED_HOSTS": ["*"]}),
        ("allowed_hosts", "broken", {"CHATTER_HOST": "::", "ALLOWED_HOSTS": ["localhost"]}),
        ("allowed_hosts", "broken", {"ALLOWED_HOSTS": ["https://chatter.example"]}),
        ("allowed_hosts", "broken", {"ALLOWED_HOSTS": ["chatter.example:8000"]}),
        ("metrics_access", "broken", {"METRICS_ALLOW": ["10.0.0.0/99"]}),
        ("egress", "broken", {"CHATTER_EGRESS_ALLOW": ["http://wiki.corp/"]}),
        ("egress", "broken", {"CHATTER_EGRESS_ALLOW": ["10.0.0.1", "10.0.0.0/99"]}),
        ("egress", "broken", {"CHATTER_EGRESS_ALLOW": ["wiki.corp:8080"]}),
        ("metrics_access", "warning", {"METRICS_TOKEN": "short"}),
        ("static_files", "broken", {"DEBUG": False}),
        ("redis", "broken", {"REDIS_URL": "redis://127.0.0.1:9/0"}),
        ("audit_checkpoints", "warning", {"AUDIT_CHECKPOINTS": ""}),
        ("audit_checkpoints", "broken", {"AUDIT_CHECKPOINTS": "/"}),
    ],
)
def test_a_setting_that_is_wrong_is_named(check, status, changed):
    with override_settings(**changed):
        assert only(check, status)


def test_hosts_addresses_and_networks_that_are_opened_are_no_finding(settings):
    settings.CHATTER_EGRESS_ALLOW = ["wiki.corp", "10.1.0.0/16", "127.0.0.1", "[::1]", "fd00::/8"]
    assert "egress" not in found()


def test_packages_of_another_release_are_named(settings, tmp_path):
    settings.BASE_DIR = tmp_path
    one, other = (f"{name}=={version(name)} \\" for name in ("django", "psycopg"))
    other_system = "nothing-we-have==1.0 ; sys_platform == 'win32' \\"
    pins = tmp_path / "requirements.txt"
    pins.write_text(f"{one}\n    --hash=sha256:00\n{other_system}\n{other}\n")
    assert "packages" not in found()
    pins.write_text(f"{one}\n{other_system}\npsycopg[binary,pool]==1.0 \\\n")
    told = only("packages", "warning")
    assert told == f"1 package is of another version, as psycopg {version('psycopg')}."


def test_static_files_of_another_release_are_named(settings):
    call_command("collectstatic", interactive=False, verbosity=0)
    settings.DEBUG = False
    assert "static_files" not in found()
    (settings.STATIC_ROOT / "js" / "api.js").write_text("// of another release\n")
    assert "js/api.js" in only("static_files")


def test_a_key_that_others_may_read_is_named(settings):
    path = settings.DATA_DIR / "secret_key"
    path.write_text("x")
    path.chmod(0o644)
    assert str(path) in only("secret_key")
    path.chmod(0o600)
    assert "secret_key" not in found()


def test_a_file_of_sqlite_that_everyone_may_read_is_named(monkeypatch, settings, tmp_path):
    if connection.vendor != "sqlite":
        pytest.skip("of SQLite")
    path = tmp_path / "chatter.sqlite3"
    path.touch()
    path.chmod(0o644)
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(path))
    assert str(path) in only("sqlite_settings", "warning")
    path.chmod(0o640)
    assert "sqlite_settings" not in found()


def test_a_file_of_sqlite_beside_which_nothing_can_be_written_is_named(
    monkeypatch, settings, tmp_path
):
    if connection.vendor != "sqlite":
        pytest.skip("of SQLite")
    path = tmp_path / "chatter.sqlite3"
    path.touch(mode=0o600)
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(path))
    monkeypatch.setattr(os, "access", lambda one, _: one != tmp_path)
    assert f"{path} can only be read" in only("sqlite_settings")


@pytest.mark.parametrize(("free", "status"), [(50 << 20, "broken"), (500 << 20, "warning")])
def test_a_disk_that_is_nearly_full_is_named(monkeypatch, free, status):
    usage = shutil._ntuple_diskusage(1 << 40, 0, free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert f"{free >> 20} MiB" in only("disk_space", status)


def test_the_disk_of_a_database_file_elsewhere_is_looked_at_too(monkeypatch, settings, tmp_path):
    if connection.vendor != "sqlite":
        pytest.skip("of SQLite")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    file = elsewhere / "chatter.sqlite3"
    file.touch(mode=0o600)
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(file))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(path == elsewhere))
    assert str(elsewhere) in only("disk_space")


def usage(is_full):
    return shutil._ntuple_diskusage(1 << 40, 0, 0 if is_full else 1 << 40)


def test_redis_that_takes_nothing_is_named(settings):
    with full_redis() as settings.REDIS_URL:
        assert "OutOfMemoryError" in only("redis")


def test_a_collector_that_does_not_listen_is_named(settings, monkeypatch):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    settings.TRACES = True
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    assert str(port) in only("trace_collector", "warning")


@pytest.mark.parametrize("address", ["collector:4318", "http://collector:otlp", "http://", "x"])
def test_an_address_of_a_collector_that_is_none_is_named(settings, monkeypatch, address):
    settings.TRACES = True
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    assert "address" in only("trace_collector")


@pytest.mark.parametrize("of", ["", "TRACES_"])
def test_a_collector_of_another_tongue_is_named(settings, monkeypatch, of):
    settings.TRACES = True
    monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{of}PROTOCOL", "grpc")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
        assert "'grpc'" in only("trace_collector", "warning")


def test_a_database_that_is_away_is_named_and_nothing_else_is_asked_of_it(monkeypatch):
    def away(*_):
        raise OSError("connection refused")

    monkeypatch.setattr(connection, "cursor", away)
    reports = {one.check: one for one in examine()}
    assert reports["database"].status == "broken"
    assert "connection refused" in reports["database"].findings[0].message
    left_out = {name for name, one in reports.items() if one.status == doctor.NOT_CHECKED}
    assert left_out == {"schema", *(check.__name__ for check in doctor.OF_DATABASE)}


def test_a_file_of_sqlite_that_is_damaged_is_mended_by_its_backup(monkeypatch, tmp_path):
    path = tmp_path / "chatter.sqlite3"
    path.write_bytes(b"no database" * 99)
    options = {"init_command": "PRAGMA journal_mode=WAL"}
    database = {**connections.settings["default"], "ENGINE": SQLITE, "NAME": path}
    damaged = ConnectionHandler({"default": {**database, "OPTIONS": options}})["default"]
    monkeypatch.setattr(parts, "connection", damaged)
    monkeypatch.setattr(storage, "connection", damaged)
    report = next(one for one in examine() if one.check == "database")
    assert "not a database" in report.findings[0].message
    assert "backup" in report.findings[0].remedy


def test_a_migration_that_is_not_applied_is_named():
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'telemetry'")
    assert only("schema") == "1 migration is not applied, from telemetry.0001_initial on."


def test_tables_of_a_newer_release_are_named():
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('telemetry', '9999_later', CURRENT_TIMESTAMP)"
        )
    assert "newer release, as telemetry.9999_later made them" in only("schema", "warning")


def test_a_table_that_is_gone_is_named():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE budgets_budgetcharge RENAME TO another")
    assert "budgets_budgetcharge" in only("schema")


def test_a_column_that_is_gone_is_named():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE security_trailposition RENAME COLUMN seq TO another")
    assert "security_trailposition.seq" in only("schema")


@pytest.mark.parametrize(
    ("name", "level"),
    [("security_raised", "warning"), ("experiments_one_control", "broken")],
)
def test_an_index_or_a_constraint_that_is_gone_is_named_with_what_makes_it(name, level):
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {name}")
        (finding,) = found()["indexes"].findings
        assert (finding.level, name in finding.message) == (level, True)
        cursor.execute(finding.remedy.partition(": ")[2])
    assert "indexes" not in found()


@pytest.mark.parametrize(("option", "wrong"), [("timeout", 1), ("transaction_mode", "DEFERRED")])
def test_sqlite_that_does_not_wait_is_named(settings, monkeypatch, option, wrong):
    if connection.vendor != "sqlite":
        pytest.skip("of SQLite")
    monkeypatch.setitem(settings.DATABASES["default"]["OPTIONS"], option, wrong)
    assert only("sqlite_settings")


def test_limits_of_postgresql_that_cut_off_reports_are_named():
    if connection.vendor != "postgresql":
        pytest.skip("of PostgreSQL")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '9s'")
    assert "9000 ms" in "".join(f.message for f in found()["postgresql_settings"].findings)


def test_a_server_that_may_hold_more_connections_than_there_are_is_named(settings):
    if connection.vendor != "postgresql":
        pytest.skip("of PostgreSQL")
    (most,) = connection.cursor().execute("SHOW max_connections").fetchone()
    settings.SERVER_CONNECTIONS = int(most) + 1
    assert f"gives {most} to all" in only("postgresql_settings")


def test_a_database_that_can_only_be_read_is_named():
    if connection.vendor != "postgresql":
        pytest.skip("of PostgreSQL")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")
        assert "Nothing can be written" in only("postgresql_settings")
        transaction.set_rollback(True)  # and with it what was set


@pytest.mark.parametrize(("ahead_s", "status"), [(3, "warning"), (3600, "broken")])
def test_a_clock_that_is_wrong_is_named(monkeypatch, ahead_s, status):
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + timedelta(seconds=ahead_s))
    (report,) = [one for one in examine() if one.check == "clock_skew"]
    assert report.status == status


def test_that_nobody_runs_executions_is_worse_where_some_wait(api, alice):
    beat("one", "", claiming=False, running=0)
    assert only("pumps", "warning")
    start(api, alice)
    assert "1 waits." in only("pumps", "broken")


def test_a_queue_that_stands_is_named(api, alice):
    start(api, alice)
    WorkflowExecution.objects.update(created_at=clock.now() - LONG_AGO)
    assert only("queue", "warning").startswith("1 execution waits,")
    start(api, alice)
    assert only("queue", "warning").startswith("2 executions wait,")


def test_a_lease_that_nobody_takes_over_is_named(api, alice):
    start(api, alice)
    then = clock.now() - LONG_AGO
    WorkflowExecution.objects.update(status="running", lease_owner="gone", lease_expires_at=then)
    one = WorkflowExecution.objects.get().id
    assert only("leases") == f"1 execution lost its owner, as {one}."


def test_jobs_that_failed_are_named():
    at = clock.now()
    Failure.objects.create(id="1", name="a", func="b", started=at, stopped=at, success=False)
    assert only("failed_jobs", "warning").startswith("1 job failed")


def test_a_schedule_that_nobody_fires_is_named(api, alice):
    client = api(alice)
    made = client.post("/api/v1/definitions/", {"name": "r", "graph": chain()}).json()
    body = {"name": "s", "definition": made["id"], "kind": "interval", "every_s": 3600}
    told = client.post("/api/v1/schedules/", body)
    assert told.status_code == 201, told.json()
    Schedule.objects.update(next_at=clock.now() - LONG_AGO)
    assert only("overdue_schedules", "warning") == "1 schedule is overdue."


def test_a_secret_of_another_key_is_named(settings):
    ProviderFactory(api_key="sk-1")
    settings.SECRET_KEY = "zyxwvutsrq" * 6
    assert "1 value of llms.Provider.api_key cannot be read: it was" in only("stored_secrets")


def test_a_provider_that_cannot_be_asked_is_named():
    ProviderFactory(name="silent", api_key="", base_url="")
    ProviderFactory(name="odd", kind="no_such_provider")
    messages = [finding.message for finding in found()["providers"].findings]
    assert [("silent" in one, "odd" in one) for one in messages] == [(False, True), (True, False)]
    Provider.objects.filter(name__in=("silent", "odd")).update(enabled=False)
    assert "providers" not in found()


def test_that_no_model_answers_is_named():
    assert "demo" in only("default_model", "warning")
    ModelProfile.objects.update(is_default=False)
    assert only("default_model", "broken")


def test_that_nobody_can_administer_is_named(django_user_model):
    django_user_model.objects.update(is_active=False)
    assert only("administrators", "warning")


def test_a_trail_without_guards_is_named():
    lift_guards(connection, "UPDATE")
    assert "audit_entry_stays" in only("audit_guards")
    install_guards(connection)
    assert "audit_guards" not in found()


def test_entries_that_nobody_seals_are_named(api, alice):
    start(api, alice)
    lift_guards(connection)
    AuditEntry.objects.update(at=clock.now() - LONG_AGO)
    install_guards(connection)
    assert only("audit_sealing")


def test_entries_that_nobody_seals_are_looked_for_among_those_that_wait():
    with plans(AuditEntry) as steps:
        list(ledgers.audit_sealing())
    assert [step for step in steps if step.startswith("SCAN")] == []


def test_that_nobody_signs_is_named():
    write_entries(2)
    lift_guards(connection)
    AuditEntry.objects.filter(seq=1).update(at=clock.now() - LONG_AGO)
    install_guards(connection)
    assert "row 1" in only("audit_checkpoints")
    note_checkpoint()
    assert "audit_checkpoints" not in found()


def test_a_line_that_is_no_checkpoint_is_named(settings):
    write_entries(1)
    note_checkpoint()
    assert "audit_checkpoints" not in found()
    with open(settings.AUDIT_CHECKPOINTS, "a") as file:
        file.write("half a li")
    assert "line" in only("audit_checkpoints", "warning")


@pytest.mark.parametrize("kept", [0, 1])
def test_checkpoints_that_are_gone_from_their_file_are_named(settings, kept):
    for _ in range(2):
        write_entries(1)
        note_checkpoint()
    lift_guards(connection)
    AuditCheckpoint.objects.update(at=clock.now() - LONG_AGO)
    install_guards(connection)
    assert "audit_checkpoints" not in found()
    path = Path(settings.AUDIT_CHECKPOINTS)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:kept])) if kept else path.unlink()
    assert "row 2" in only("audit_checkpoints", "warning")


def test_a_trail_that_grows_while_it_is_looked_at_was_not_cut_off():
    write_entries(1)
    grown = []

    def growing(execute, sql, params, many, context):
        done = execute(sql, params, many, context)
        if "audit_audithead" in sql and not grown:
            grown.append(sql)
            write_entries(1)
            note_checkpoint()
        return done

    with connection.execute_wrapper(growing):
        assert (list(ledgers.audit_checkpoints()), len(grown)) == ([], 1)


def test_a_trail_that_is_shorter_than_its_checkpoints_is_named():
    write_entries(3)
    note_checkpoint()
    AuditHead.objects.update(seq=1)
    assert "it was cut off" in only("audit_checkpoints")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((AuditEntry, {"action": "nothing.was.done"}), "was edited"),
        ((AuditSeal, {"seal": "0" * 64}), "does not seal"),
    ],
)
def test_a_late_entry_that_was_changed_is_named(change, said):
    rows, columns = change
    write_entries(5)
    last = AuditEntry.objects.order_by("-seq").first()
    lift_guards(connection)
    rows.objects.filter(seq=last.seq).update(**columns)
    install_guards(connection)
    assert f"Row {last.seq} {said}" in only("audit_tail")


def test_a_total_that_is_not_its_calls_is_named(api, alice, drain):
    start(api, alice)
    drain()
    WorkflowExecution.objects.update(cost_nano_usd=1)
    one = WorkflowExecution.objects.get().id
    assert only("totals_of_late") == f"1 of the last 1 executions does not add up, as {one}."


def test_a_check_that_fails_is_a_finding_and_the_others_go_on(monkeypatch):
    def nonsense():
        raise ZeroDivisionError

    monkeypatch.setattr(running, "pump_figures", nonsense)
    assert "ZeroDivisionError" in only("pumps")


def told_by_the_command(*arguments):
    out, code = StringIO(), 0
    try:
        call_command("doctor", *arguments, stdout=out)
    except SystemExit as left:
        code = left.code
    return code, out.getvalue()


def test_the_command_exits_with_1_only_when_something_is_broken(settings):
    code, text = told_by_the_command()
    assert (code, " 1 warning, 0 broken" in text or "2 warnings, 0 broken" in text) == (0, True)
    settings.SECRET_KEY = "short"
    code, text = told_by_the_command()
    assert code == 1
    assert "BROKEN   secret_key" in text
    assert "→ Set CHATTER_SECRET_KEY" in text


def test_the_command_tells_programs_in_json(settings):
    settings.SECRET_KEY = "short"
    code, text = told_by_the_command("--json")
    reports = {one["check"]: one for one in json.loads(text)}
    assert code == 1
    assert reports["secret_key"]["status"] == "broken"
    assert reports["secret_key"]["findings"][0]["remedy"]
    assert reports["https"] == {
        "check": "https",
        "about": "Whether what is sent can be read on its way.",
        "status": "ok",
        "findings": [],
    }
