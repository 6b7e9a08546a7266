"""`make cluster`: the production profile on one machine, until Ctrl-C.

PostgreSQL and Redis are those of DATABASE_URL and REDIS_URL. Where one is not set or does not
answer, and with CLUSTER_SERVICES=own, it is one of our own, with what it keeps under data/cluster/.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from environ import Env

from chatter_project.environment import env_file
from deploy.services import (
    Missing,
    free_port,
    kept_secret,
    own_postgres,
    own_redis,
    postgres_answers,
    redis_answers,
)

ROOT = Path(__file__).resolve().parent.parent
_NGINX = """
daemon off;
worker_processes 1;
pid {home}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {home}/nginx/body;
    proxy_temp_path {home}/nginx/proxy;
    fastcgi_temp_path {home}/nginx/fastcgi;
    uwsgi_temp_path {home}/nginx/uwsgi;
    scgi_temp_path {home}/nginx/scgi;
    include {root}/deploy/nginx/connection.conf;
    map $scheme $chatter_scheme {{ default $scheme; }}
    upstream chatter {{
        least_conn;
        server {web[0]} max_fails=1 fail_timeout=2s;
        server {web[1]} max_fails=1 fail_timeout=2s;
        keepalive 32;
    }}
    server {{
        listen {listen};
        include {root}/deploy/nginx/proxy.conf;
    }}
}}
"""


def main() -> int:
    read_settings()
    data = Path(os.environ.get("CHATTER_DATA_DIR") or ROOT / "data")
    home = data.resolve() / "cluster"
    (home / "log").mkdir(parents=True, exist_ok=True)
    try:
        with ExitStack() as services:
            _prepare_environment(home, services)
            subprocess.run([sys.executable, "manage.py", "prepare"], cwd=ROOT, check=True)
            return _run_until_stopped(home)
    except Missing as missing:
        print(missing, file=sys.stderr)
    except subprocess.CalledProcessError as failed:
        return failed.returncode
    except KeyboardInterrupt:
        pass
    return 1


def read_settings() -> None:
    """Those of the file that `manage.py` reads, where the environment does not say otherwise."""
    Env.read_env(env_file(ROOT))


def _prepare_environment(home: Path, services: ExitStack) -> None:
    """Set what the processes need and the environment does not say."""
    _serve_by("DATABASE_URL", postgres_answers, own_postgres, home / "postgres", services)
    _serve_by("REDIS_URL", redis_answers, own_redis, home / "redis", services)
    if not os.environ.get("CHATTER_SECRET_KEY"):
        os.environ["CHATTER_SECRET_KEY"] = kept_secret(home / "secret-key")
    os.environ["HTTPS"] = os.environ.get("HTTPS") or "false"
    os.environ["CHATTER_PUMP"] = "workers"
    os.environ |= {"CLUSTER_HOME": str(home), "CLUSTER_PYTHON": sys.executable}
    os.environ |= {f"CLUSTER_WEB_{number}": str(free_port()) for number in (1, 2)}
    os.environ["CLUSTER_PROXY"] = _proxy(home)


def _serve_by(
    name: str,
    answers: Callable[[str], bool],
    own: Callable[[Path], AbstractContextManager[str]],
    home: Path,
    services: ExitStack,
) -> None:
    url = os.environ.get(name, "")
    if os.environ.get("CLUSTER_SERVICES") != "own" and url and answers(url):
        return
    if url:
        print(f"{name} is not used: a server of our own is, in {home}.")
    os.environ[name] = services.enter_context(own(home))


def _proxy(home: Path) -> str:
    """The command of nginx where it is installed, else of our own balancer."""
    listen = f"{os.environ.get('HOST') or '127.0.0.1'}:{os.environ.get('PORT') or '8000'}"
    web = [f"127.0.0.1:{os.environ[f'CLUSTER_WEB_{number}']}" for number in (1, 2)]
    print(f"Chatter will be at http://{listen}/ (Ctrl-C stops it); logs are in {home / 'log'}")
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None:
        return f"{sys.executable} -m deploy.balancer {listen} {' '.join(web)}"
    os.environ["TRUSTED_PROXIES"] = os.environ.get("TRUSTED_PROXIES") or "1"
    (home / "nginx").mkdir(exist_ok=True)
    written = home / "nginx.conf"
    written.write_text(_NGINX.format(home=home, root=ROOT, web=web, listen=listen))
    return f"{nginx} -e stderr -c {written}"


def _run_until_stopped(home: Path) -> int:
    """Ctrl-C and SIGTERM are passed on to the process manager, which ends all it has started."""
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", "deploy/supervisord.conf"]
    manager = subprocess.Popen(command, cwd=ROOT)
    signal.signal(signal.SIGTERM, lambda number, frame: manager.terminate())
    while True:
        try:
            return manager.wait()
        except KeyboardInterrupt:
            manager.terminate()


if __name__ == "__main__":
    sys.exit(main())
