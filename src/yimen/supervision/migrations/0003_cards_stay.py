"""Cards cannot be deleted, only answered (SUP-1): the database refuses it, whoever asks."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION supervision_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'cards of supervision stay: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE FUNCTION supervision_card_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('lifted', 'closed', 'noted')
        OR (to_jsonb(OLD) - '{state,answer_by,closed_at}'::text[])
            IS DISTINCT FROM (to_jsonb(NEW) - '{state,answer_by,closed_at}'::text[])
    THEN
        RAISE EXCEPTION 'what a card of supervision says stays: UPDATE is refused'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER supervision_card_keeps BEFORE UPDATE ON supervision_card
    FOR EACH ROW EXECUTE FUNCTION supervision_card_keeps();
CREATE TRIGGER supervision_card_stays BEFORE DELETE ON supervision_card
    FOR EACH ROW EXECUTE FUNCTION supervision_refuse();
CREATE TRIGGER supervision_card_remains BEFORE TRUNCATE ON supervision_card
    FOR EACH STATEMENT EXECUTE FUNCTION supervision_refuse();
CREATE TRIGGER supervision_entry_keeps BEFORE UPDATE OR DELETE ON supervision_cardentry
    FOR EACH ROW EXECUTE FUNCTION supervision_refuse();
CREATE TRIGGER supervision_entry_remains BEFORE TRUNCATE ON supervision_cardentry
    FOR EACH STATEMENT EXECUTE FUNCTION supervision_refuse();
CREATE TRIGGER supervision_rule_keeps BEFORE UPDATE OR DELETE ON supervision_supervisionrule
    FOR EACH ROW EXECUTE FUNCTION supervision_refuse();
"""

ALLOW = """
DROP TRIGGER supervision_card_keeps ON supervision_card;
DROP TRIGGER supervision_card_stays ON supervision_card;
DROP TRIGGER supervision_card_remains ON supervision_card;
DROP TRIGGER supervision_entry_keeps ON supervision_cardentry;
DROP TRIGGER supervision_entry_remains ON supervision_cardentry;
DROP TRIGGER supervision_rule_keeps ON supervision_supervisionrule;
DROP FUNCTION supervision_card_keeps;
DROP FUNCTION supervision_refuse;
"""


class Migration(migrations.Migration):
    dependencies = [("supervision", "0002_cards")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
