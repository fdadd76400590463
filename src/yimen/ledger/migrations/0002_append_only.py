"""The ledger refuses everything but INSERT, whoever asks; the application's role has no such right to begin with."""

from django.db import migrations

APPEND = """
CREATE FUNCTION ledger_append(
    p_region text, p_stream text, p_kind text, p_actor text, p_role text, p_at timestamptz, p_data jsonb, p_row bytea
) RETURNS bigint LANGUAGE sql AS $$
    WITH head AS (
        SELECT seq, hash FROM ledger_event WHERE region = p_region AND stream = p_stream ORDER BY seq DESC LIMIT 1
    ), place AS (
        SELECT coalesce((SELECT seq FROM head), 0) + 1 AS seq,
               coalesce((SELECT hash FROM head), decode(repeat('00', 32), 'hex')) AS previous
    )
    INSERT INTO ledger_event (region, stream, seq, kind, actor, role, at, data, previous, hash)
    SELECT p_region, p_stream, seq, p_kind, p_actor, p_role, p_at, p_data, previous,
           sha256(previous || int8send(seq::bigint) || p_row)
    FROM place
    RETURNING id
$$;
"""

REFUSE = """
CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER ledger_event_keeps BEFORE UPDATE OR DELETE ON ledger_event FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_event_stays BEFORE TRUNCATE ON ledger_event FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_seal_keeps BEFORE UPDATE OR DELETE ON ledger_seal FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_seal_stays BEFORE TRUNCATE ON ledger_seal FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
"""

# Default privileges gave the application's role the usual four rights on every table; here it keeps two.
REVOKE = """
DO $$
DECLARE someone record;
BEGIN
    FOR someone IN
        SELECT DISTINCT table_name, grantee FROM information_schema.role_table_grants
        WHERE table_schema = current_schema() AND table_name IN ('ledger_event', 'ledger_seal') AND grantee <> current_user
    LOOP
        EXECUTE format(
            'REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON %I FROM %s',
            someone.table_name,
            CASE someone.grantee WHEN 'PUBLIC' THEN 'PUBLIC' ELSE quote_ident(someone.grantee) END
        );
    END LOOP;
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [
        migrations.RunSQL(APPEND, "DROP FUNCTION ledger_append"),
        migrations.RunSQL(
            REFUSE,
            "DROP TRIGGER ledger_event_keeps ON ledger_event; DROP TRIGGER ledger_event_stays ON ledger_event;"
            "DROP TRIGGER ledger_seal_keeps ON ledger_seal; DROP TRIGGER ledger_seal_stays ON ledger_seal;"
            "DROP FUNCTION ledger_refuse",
        ),
        migrations.RunSQL(REVOKE, migrations.RunSQL.noop),
    ]
