from django.db import migrations

# LAW-20: the place in the order of acceptance is given once and never changes, whatever code runs.
KEEP = """
CREATE FUNCTION quota_place_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the place in the order of acceptance never changes';
END
$$;
CREATE TRIGGER quota_place_stays BEFORE UPDATE OF quota_place ON cases_case
    FOR EACH ROW WHEN (OLD.quota_place IS NOT NULL AND OLD.quota_place IS DISTINCT FROM NEW.quota_place)
    EXECUTE FUNCTION quota_place_refuse();
"""
FORGET = "DROP TRIGGER quota_place_stays ON cases_case; DROP FUNCTION quota_place_refuse();"


class Migration(migrations.Migration):
    dependencies = [("cases", "0003_visits_and_hearings")]
    operations = [migrations.RunSQL(KEEP, FORGET)]
