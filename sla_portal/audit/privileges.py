"""What the running portal may do in PostgreSQL, where its role is not the owner of the tables."""

from __future__ import annotations

from typing import Any

FROZEN = """
SELECT DISTINCT c.relname, t.tgtype & 8 <> 0 AS deletes, t.tgtype & 16 <> 0 AS updates
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal AND t.tgqual IS NULL AND t.tgattr::text = '' AND t.tgtype & 1 = 1
  AND c.relnamespace = current_schema()::regnamespace AND p.proname LIKE '%%only_added%%'
"""
"""The tables of which a trigger refuses every DELETE or every UPDATE: bits 8 and 16 of its type, bit 1 for each row."""
OWNED = """
SELECT relname, relkind = 'S' FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'S') ORDER BY relname
"""
HEAD = "audit_chain"
"""Its one row moves on, and a trigger refuses to delete it."""
FOR_MIGRATE_ONLY = frozenset({"django_migrations", "django_content_type", "auth_permission"})
"""What `migrate` writes; the running portal reads it."""


def grant_to_portal(connection: Any, role: str) -> list[str]:
    """Give a role what the running portal needs in the tables of this schema, and take everything else from it.

    It reads and adds to all tables; it changes and deletes rows only where no trigger refuses that for all of them. Return the
    tables that it can only add to. Run as their owner, after every `migrate`.
    """
    from psycopg.sql import SQL, Identifier

    with connection.cursor() as cursor:
        cursor.execute(FROZEN)
        frozen: dict[str, set[str]] = {HEAD: {"DELETE"}}
        for table, deletes, updates in cursor.fetchall():
            refused = frozen.setdefault(table, set())
            refused |= {verb for verb, is_refused in (("DELETE", deletes), ("UPDATE", updates)) if is_refused}
        cursor.execute(OWNED)
        owned = cursor.fetchall()
        cursor.execute("SELECT current_schema()")
        schema, to = Identifier(cursor.fetchone()[0]), Identifier(role)
        cursor.execute(SQL("REVOKE ALL ON ALL TABLES IN SCHEMA {} FROM {}").format(schema, to))
        cursor.execute(SQL("REVOKE CREATE ON SCHEMA {} FROM PUBLIC, {}").format(schema, to))
        for name, is_sequence in owned:
            if is_sequence:
                cursor.execute(SQL("GRANT USAGE ON SEQUENCE {} TO {}").format(Identifier(name), to))
                continue
            verbs = ["SELECT"]
            if name not in FOR_MIGRATE_ONLY:
                verbs += ["INSERT", *sorted({"UPDATE", "DELETE"} - frozen.get(name, set()))]
            cursor.execute(SQL("GRANT {} ON {} TO {}").format(SQL(", ".join(verbs)), Identifier(name), to))
    return sorted(name for name, refused in frozen.items() if refused == {"UPDATE", "DELETE"})


def excessive_rights(connection: Any) -> list[str]:
    """Return what the role of this connection could do to the audit log that the running portal need not do; sentences."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        is_superuser = cursor.fetchone()[0]
        cursor.execute(
            "SELECT pg_get_userbyid(relowner) = current_user FROM pg_class WHERE oid = 'audit_entry'::regclass"
        )
        is_owner = cursor.fetchone()[0]
        cursor.execute(
            "SELECT has_table_privilege('audit_entry', 'TRUNCATE') OR has_table_privilege('audit_entry', 'UPDATE') "
            "OR has_table_privilege('audit_entry', 'DELETE') OR has_table_privilege('audit_entry', 'TRIGGER')"
        )
        may_more = cursor.fetchone()[0]
    found = {
        "it is a superuser": is_superuser,
        "it owns the tables, so it can remove their triggers": is_owner,
        "it may change or empty the audit log": may_more and not is_superuser and not is_owner,
    }
    return [sentence for sentence, holds in found.items() if holds]
