"""The files of a deployment agree with one another and with the code."""

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import httpx2
import psycopg
import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from deploy.cluster import read_settings
from deploy.services import Missing, kept_secret, own_postgres
from tests.drills.server import ROOT, free_port

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
PROCESSES = {"web-1", "web-2", "worker-1", "worker-2", "proxy"}


def ini(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, inline_comment_prefixes=(" ;",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(path)
    return parser


def programs() -> dict[str, dict[str, str]]:
    """What supervisor runs, by the name of each process."""
    found: dict[str, dict[str, str]] = {}
    parser = ini(ROOT / "deploy" / "supervisord.conf")
    for section in parser.sections():
        kind, _, name = section.partition(":")
        options = dict(parser[section])
        for number in range(1, int(options.get("numprocs", 1)) + 1):
            if kind == "program":
                found[f"{name}-{number}" if "numprocs" in options else name] = options
    return found


def test_compose_and_make_cluster_run_the_same_processes() -> None:
    assert set(programs()) == PROCESSES
    assert set(SERVICES) == PROCESSES | {"db", "redis", "prepare"}


def test_the_commands_that_are_started_exist() -> None:
    named = {one["command"][0] for one in SERVICES.values() if one.get("image") == "chatter"}
    started = "\n".join(
        [
            *(one["command"] for one in programs().values()),
            *(unit.read_text() for unit in UNITS),
        ]
    )
    named |= set(re.findall(r"manage\.py (\w+)", started))
    assert named == {"serve", "work", "prepare"}
    assert named <= set(get_commands())


def test_only_the_first_process_is_told_to_stop() -> None:
    for name, options in programs().items():
        assert options["stopsignal"] == "TERM", name
        assert "stopasgroup" not in options, name
    for unit in UNITS:
        assert ini(unit)["Service"]["KillMode"] == "mixed", unit.name


def test_every_variable_of_compose_is_documented() -> None:
    known = set(re.findall(r"^# ([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    of_compose_itself = {"POSTGRES_PASSWORD", "PUBLISH"}
    environment = SERVICES["prepare"]["environment"]
    asked = re.findall(r"\$\{([A-Z_]+)", (ROOT / "compose.yaml").read_text())
    assert {*asked, *environment} - of_compose_itself <= known


def test_a_previous_key_reaches_every_container_that_has_the_key() -> None:
    for name, service in SERVICES.items():
        if "CHATTER_SECRET_KEY" in service.get("environment", {}):
            known = service["environment"].get("CHATTER_SECRET_KEY_FALLBACKS")
            assert known == "${CHATTER_SECRET_KEY_FALLBACKS:-}", name


def test_what_a_container_writes_has_a_place_that_outlives_it() -> None:
    """A volume begins as that directory of the image: here its user may write."""
    owned = re.search(r"install -d -o chatter (.+)", (ROOT / "Dockerfile").read_text())
    assert owned is not None
    for name, service in SERVICES.items():
        if service.get("image") == "chatter":
            volume, place = service["volumes"][0].split(":")
            assert volume in COMPOSE["volumes"], name
            assert place in owned[1].split(), name
            kept = service["environment"]["CHATTER_AUDIT_CHECKPOINTS"]
            assert Path(kept).parent == Path(place), name


def test_no_service_fills_the_disk_with_what_it_logs() -> None:
    assert {
        name for name, one in SERVICES.items() if one.get("logging") != {"driver": "local"}
    } == set()


def test_no_secret_is_in_the_files() -> None:
    secret = re.compile(r"(PASSWORD|SECRET_KEY|API_KEY)$")
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if secret.search(variable):
                assert re.fullmatch(rf"\$\{{{variable}:[?-][^}}]*\}}", value), (name, variable)
                assert re.search(r":-\}$|:\?", value), (name, variable)


def test_the_image_has_every_app_and_nothing_secret() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line[1:] for line in lines if line.startswith("!")}
    ours = {app.partition(".")[0] for app in settings.INSTALLED_APPS}
    assert {app for app in ours if (ROOT / app).is_dir()} <= let_in
    assert "*" in lines
    assert not let_in & {"data", ".env", ".git", ".venv", "tests"}


@pytest.mark.parametrize("status", [200, 503])
def test_a_container_is_healthy_where_it_serves(status: int) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    check = json.loads(re.search(r"HEALTHCHECK[^[]*(\[.+\])", dockerfile)[1])  # type: ignore[index]
    with ThreadingHTTPServer(("127.0.0.1", 0), _Health) as server:
        server.status = status  # type: ignore[attr-defined]
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        environment = os.environ | {"PORT": str(server.server_port)}
        done = subprocess.run(
            [sys.executable, *check[1:]], env=environment, capture_output=True, check=False
        )
        server.shutdown()
    assert (done.returncode == 0) == (status == 200), done.stderr


def test_a_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    first = kept_secret(path)
    assert len(first) >= 50
    assert kept_secret(path) == first
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_secret_that_was_cut_off_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.touch(0o600)
    assert len(kept_secret(path)) >= 50


def test_make_cluster_reads_the_settings_that_its_servers_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "settings").write_text("DATABASE_URL=postgres://elsewhere/chatter\n")
    monkeypatch.setenv("CHATTER_ENV_FILE", str(tmp_path / "settings"))
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.delenv("DATABASE_URL")
    read_settings()
    assert os.environ["DATABASE_URL"] == "postgres://elsewhere/chatter"


def test_a_database_of_our_own_ends_though_somebody_is_connected() -> None:
    with ExitStack() as held:
        home = Path(held.enter_context(TemporaryDirectory()))
        home.chmod(0o711)  # the postgres user has to pass
        try:
            with own_postgres(home / "postgres") as url:
                connection = held.enter_context(psycopg.connect(url))
        except Missing:
            pytest.skip("no PostgreSQL here")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


@pytest.fixture
def nginx() -> str:
    found = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")
    if found is None:
        pytest.skip("no nginx here")
    return found


def command_of(nginx: str, name: str, home: Path, **other: str) -> list[str]:
    """What runs nginx with one of our sites, all that it writes in a directory of its own."""
    pair = ["-keyout", str(home / "privkey.pem"), "-out", str(home / "fullchain.pem")]
    made = ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=chatter"]
    subprocess.run([*made, *pair], check=True, capture_output=True)
    site = (ROOT / "deploy" / "nginx" / name).read_text()
    site = site.replace("/etc/nginx/chatter/", f"{ROOT}/deploy/nginx/")
    site = site.replace("/etc/letsencrypt/live/chatter.example", str(home))
    site = site.replace("/var/log/nginx", str(home))
    site = re.sub(r"server web-\d:", "server 127.0.0.1:", site)
    for here, there in other.items():
        site = site.replace(here.replace("_", " "), there)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    written = "\n".join(f"{kind}_temp_path {home}/{kind};" for kind in kinds)
    whole = f"pid {home}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n{written}\n{site}\n}}\n"
    (home / "nginx.conf").write_text(whole)
    return [nginx, "-e", "stderr", "-p", str(home), "-c", str(home / "nginx.conf")]


@pytest.mark.parametrize("name", ["chatter.conf", "compose.conf"])
def test_nginx_understands_its_site(nginx: str, name: str, tmp_path: Path) -> None:
    command = [*command_of(nginx, name, tmp_path), "-t"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_site_of_compose_passes_on_that_tls_ended_before_it(nginx: str, tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Scheme) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        port = free_port()
        ports = {"listen_80": f"listen 127.0.0.1:{port}", "8000": str(server.server_port)}
        command = [*command_of(nginx, "compose.conf", tmp_path, **ports), "-g", "daemon off;"]
        with subprocess.Popen(command) as running:
            try:
                outside = httpx2.HTTPTransport(retries=5)
                with httpx2.Client(base_url=f"http://127.0.0.1:{port}", transport=outside) as door:
                    told = [
                        door.get("/", headers={"X-Forwarded-Proto": said}).text
                        for said in ("https", "http", "gopher")
                    ]
            finally:
                running.terminate()
                server.shutdown()
    assert told == ["https", "http", "http"]


class _Health(BaseHTTPRequestHandler):
    """Is as its server says."""

    def do_GET(self) -> None:
        self.send_response(self.server.status if self.path == "/healthz" else 404)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Scheme(BaseHTTPRequestHandler):
    """Says by which scheme it is told that it was asked."""

    def do_GET(self) -> None:
        told = self.headers["X-Forwarded-Proto"].encode()
        self.send_response(200)
        self.send_header("content-length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, format: str, *args: Any) -> None:
        pass
