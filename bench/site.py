"""A Chatter under measurement: its database, its seeds, what it claims to have done."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from bench import databases
from bench.client import Window
from bench.processes import Server, answer_of, chatter, command, serving
from bench.requests import Request, Void, chat, execution, partner


@dataclass(slots=True)
class Site:
    """Has the definitions of `bench.seed`. `runs` counts the replies that clients got, `silent` the
    runs that asked no model, `more_calls` those beyond the one of each reply.
    """

    database: str
    environment: Mapping[str, str]
    token: str
    definition: str
    busy: str
    patient: str
    line: str
    runs: int = 0
    silent: int = 0
    more_calls: int = 0

    @property
    def label(self) -> str:
        return databases.LABELS[self.database]

    def serving(self, settings: str = "bench.settings") -> AbstractContextManager[Server]:
        return chatter(self.environment, settings)

    def partner_serving(self) -> AbstractContextManager[Server]:
        environment = {**self.environment, "DJANGO_SETTINGS_MODULE": "bench.plain_settings"}
        return serving("-m", "bench.plain_server", "PORT", environment=environment)

    def chat(self, mode: str, definition: str = "", **more: str) -> Request:
        return chat(self.token, definition or self.definition, mode, **more)

    def of_line(self) -> Request:
        return execution(self.token, self.line)

    def partner(self, path: str = "/bench/partner/") -> Request:
        return partner(self.token, path)

    def did(self, window: Window) -> Window:
        self.runs += window.runs
        return window

    def check(self) -> None:
        """Every reply was recorded, whole and consistent. Raises Void.

        Unrecorded work is not slow work done fast; it is other work.
        """
        environment = {**self.environment, "DJANGO_SETTINGS_MODULE": "chatter_project.settings"}
        found = answer_of("-m", "bench.exact", environment=environment)
        everything = self.runs + self.silent
        wanted = {
            "executions": everything,
            "logs": everything,
            "calls": self.runs + self.more_calls,
        }
        wrong = {name: found[name] for name, n in wanted.items() if found[name] != n}
        wrong |= {
            name: n for name, n in found.items() if name.startswith(("other", "broken")) and n
        }
        if found["messages"] != 2 * self.runs:
            wrong["messages"] = found["messages"]
        if wrong:
            raise Void(f"{everything} runs on {self.label}, but there are {wrong}")
        command("manage.py", "reconcile", environment=environment)
        command("manage.py", "verify_audit", environment=environment)


@contextmanager
def site(database: str) -> Iterator[Site]:
    """A fresh, prepared and seeded database. Raises NotThere."""
    with databases.environment(database) as environment:
        environment["DJANGO_SETTINGS_MODULE"] = "chatter_project.settings"
        command("manage.py", "prepare", environment=environment)
        yield Site(database, environment, **answer_of("-m", "bench.seed", environment=environment))
