"""ledger_record(): a row whose data is known only inside the database, with the same bytes as chain.body()."""

from django.db import migrations

# Data is flat: canonical JSON of one level, keys by code point, as chain.canonical() writes it. jsonb writes nested
# values with spaces, so they are refused.
RECORD = """
CREATE FUNCTION ledger_record(
    p_region text, p_stream text, p_kind text, p_actor text, p_role text, p_at timestamptz, p_data jsonb
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_data text;
    v_nested boolean;
BEGIN
    SELECT '{' || coalesce(string_agg(to_json(key)::text || ':' || value::text, ',' ORDER BY key COLLATE "C"), '') || '}',
        bool_or(jsonb_typeof(value) IN ('object', 'array'))
    INTO v_data, v_nested FROM jsonb_each(p_data);
    IF v_nested THEN
        RAISE EXCEPTION 'ledger_record() takes flat data';
    END IF;
    RETURN ledger_append(p_region, p_stream, p_kind, p_actor, p_role, p_at, p_data, convert_to(
        '[' || to_json(p_region)::text || ',' || to_json(p_stream)::text || ',' || to_json(p_kind)::text || ','
        || to_json(p_actor)::text || ',' || to_json(p_role)::text || ',"'
        || to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '+00:00",' || v_data || ']', 'UTF8'));
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_append_only")]
    operations = [migrations.RunSQL(RECORD, "DROP FUNCTION ledger_record")]
