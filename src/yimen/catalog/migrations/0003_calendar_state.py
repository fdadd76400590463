"""Renew the calendar's version with every change of a day or a year, whoever makes it."""

from django.db import migrations

RENEW = """
INSERT INTO catalog_calendarstate (id, version) VALUES (1, gen_random_uuid());
CREATE FUNCTION catalog_calendar_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE catalog_calendarstate SET version = gen_random_uuid();
    RETURN NULL;
END
$$;
CREATE TRIGGER catalog_calendarday_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON catalog_calendarday
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_calendar_changed();
CREATE TRIGGER catalog_calendaryear_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON catalog_calendaryear
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_calendar_changed();
"""
FORGET = """
DROP TRIGGER catalog_calendarday_changed ON catalog_calendarday;
DROP TRIGGER catalog_calendaryear_changed ON catalog_calendaryear;
DROP FUNCTION catalog_calendar_changed;
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_official_calendar")]
    operations = [migrations.RunSQL(RENEW, FORGET)]
