"""Triggers by which the database itself refuses to change what was recorded.

Who may change the schema can take them away; that is what the chain is for.
"""

from collections.abc import Iterator

from django.db.backends.base.base import BaseDatabaseWrapper

ENTRIES, SEALS = "audit_auditentry", "audit_auditseal"
HEAD, CHECKPOINTS = "audit_audithead", "audit_auditcheckpoint"
_CONTENT = (
    *("id", "at", "action", "outcome", "actor_id", "target", "detail", "personal_hash"),
    *("request_id", "hash", "group_id", "position"),
)
# Allowed is to blank what is personal.
_CHANGED = " OR ".join(
    [
        *(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in _CONTENT),
        "(NEW.personal IS NOT NULL AND NEW.personal IS DISTINCT FROM OLD.personal)",
    ]
)
# (name, table, event, condition); without a condition each such statement is refused.
_GUARDS = (
    ("audit_entry_stays", ENTRIES, "UPDATE", _CHANGED),
    ("audit_entry_kept", ENTRIES, "DELETE", ""),
    ("audit_seal_stays", SEALS, "UPDATE", ""),
    ("audit_seal_kept", SEALS, "DELETE", ""),
    ("audit_head_kept", HEAD, "DELETE", ""),
    ("audit_checkpoint_stays", CHECKPOINTS, "UPDATE", ""),
    ("audit_checkpoint_kept", CHECKPOINTS, "DELETE", ""),
)
# A row that takes the place of another deletes it, which on SQLite no guard of deletions hears of.
_INSTEAD = (
    ("audit_entry_new", ENTRIES, ("id",)),
    ("audit_seal_new", SEALS, ("seq", "group_id")),
    ("audit_checkpoint_new", CHECKPOINTS, ("seq",)),
)
_REFUSAL = "the audit trail is append-only"
_FUNCTION = (
    "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$"
)


def install_guards(connection: BaseDatabaseWrapper) -> None:
    """Put them all in place; those that are there stay."""
    _execute(connection, [*_lifting(connection.vendor), *_installing(connection.vendor)])


def lift_guards(connection: BaseDatabaseWrapper, *events: str) -> None:
    """Take away those of the events ("UPDATE", "DELETE", "INSERT", "TRUNCATE"), or all."""
    _execute(connection, _lifting(connection.vendor, *events))


def missing_guards(connection: BaseDatabaseWrapper) -> list[str]:
    """The names of those that are not there, or are switched off."""
    known = {
        "postgresql": "SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A')",
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    }
    with connection.cursor() as cursor:
        cursor.execute(known[connection.vendor])
        there = {name for (name,) in cursor.fetchall()}
    return [name for name, *_ in _all_guards(connection.vendor) if name not in there]


def _all_guards(vendor: str) -> Iterator[tuple[str, str, str, str]]:
    yield from _GUARDS
    if vendor == "postgresql":
        for table in (ENTRIES, SEALS, HEAD, CHECKPOINTS):
            yield f"{table}_not_emptied", table, "TRUNCATE", ""
    else:
        for name, table, keys in _INSTEAD:
            same = " OR ".join(f"{key} = NEW.{key}" for key in keys)
            yield name, table, "INSERT", f"EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608 - our names


def _installing(vendor: str) -> Iterator[str]:
    if vendor == "postgresql":
        yield _FUNCTION
    for name, table, event, condition in _all_guards(vendor):
        when = f"WHEN ({condition}) " if condition else ""
        if vendor == "sqlite":
            how = "FAIL" if event == "INSERT" else "ABORT"  # see `core.bulk`
            yield (
                f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW {when}"
                f"BEGIN SELECT RAISE({how}, '{_REFUSAL}'); END"
            )
        else:
            each = "STATEMENT" if event == "TRUNCATE" else "ROW"
            yield (
                f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH {each} {when}"
                "EXECUTE FUNCTION audit_refuse()"
            )


def _lifting(vendor: str, *events: str) -> Iterator[str]:
    for name, table, event, _ in _all_guards(vendor):
        if not events or event in events:
            on = f" ON {table}" if vendor == "postgresql" else ""
            yield f"DROP TRIGGER IF EXISTS {name}{on}"


def _execute(connection: BaseDatabaseWrapper, statements: list[str] | Iterator[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
