"""
The four writes every visit goes through, each as one call: give, look at the queues, claim, move.

What they do is decided in hall.actions and hall.rules; here it is only written, with plans the database keeps.
"""

from django.db import migrations

# Count on under the counter's row lock, then the row, its first period and the ledger's row; nothing when the cap is
# reached. p_new: what the ticket's columns hold; number, times and label follow from the counter.
GIVE = """
CREATE FUNCTION hall_give(
    p_new jsonb, p_cap int, p_letter text, p_period uuid, p_state text, p_begins timestamptz, p_at timestamptz,
    p_actor text, p_role text, p_data jsonb
) RETURNS TABLE (o_number int, o_taken_at timestamptz) LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_new hall_ticket := jsonb_populate_record(NULL::hall_ticket, p_new);
BEGIN
    INSERT INTO hall_ticketcounter AS known (region_id, series_id, day, value, last_at)
    VALUES (v_new.region_id, v_new.series_id, v_new.day, 1, p_at)
    ON CONFLICT (region_id, series_id, day) DO UPDATE
    SET value = known.value + 1, last_at = greatest(known.last_at, excluded.last_at)
    WHERE p_cap IS NULL OR known.value < p_cap
    RETURNING value, last_at INTO v_new.number, v_new.taken_at;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    v_new.label := p_letter || lpad(v_new.number::text, greatest(3, length(v_new.number::text)), '0');
    v_new.queue_at := coalesce(v_new.queue_at, v_new.taken_at);
    INSERT INTO hall_ticket VALUES (v_new.*);
    INSERT INTO hall_ticketperiod (id, region_id, ticket_id, state, window_id, staff_id, from_at)
    VALUES (p_period, v_new.region_id, v_new.id, p_state, v_new.window_id, v_new.served_by_id,
        coalesce(p_begins, v_new.taken_at));
    PERFORM ledger_record(v_new.region_id, 'ticket:' || v_new.id, 'hall.taken', p_actor, p_role, p_at,
        p_data || jsonb_build_object('label', v_new.label));
    o_number := v_new.number;
    o_taken_at := v_new.taken_at;
    RETURN NEXT;
END
$$;
"""

# Lock the window, then look: each statement in here sees what was committed until it began, so whoever waited for the
# lock sees what the other one called. One index scan a series and class, the partial index is in calling order; also
# the series of a window this one stands in for, what was sent here from elsewhere, and whom it has in front of it.
HEADS = """
CREATE FUNCTION hall_heads(p_window uuid, p_day date, p_tried uuid[], p_depth int)
RETURNS TABLE (o_window hall_window, o_hall hall_hall, o_held uuid, o_heads json)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_region text;
    v_mine uuid[];
    v_skills uuid[];
BEGIN
    SELECT * INTO o_window FROM hall_window WHERE id = p_window FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT * INTO o_hall FROM hall_hall WHERE id = o_window.hall_id;
    v_region := o_window.region_id;
    SELECT array_agg(window_id) INTO v_mine FROM hall_windowpause WHERE by_window_id = p_window AND until_at IS NULL;
    v_mine := array_append(v_mine, p_window);
    SELECT array_agg(skill_id) INTO v_skills FROM hall_staffskill
    WHERE region_id = v_region AND from_day <= p_day AND (until_day IS NULL OR until_day >= p_day)
        AND staff_id IN (
            SELECT o_window.staff_id UNION SELECT staff_id FROM hall_windowpause
            WHERE (by_window_id = p_window OR window_id = p_window) AND until_at IS NULL);
    SELECT ticket.id INTO o_held FROM hall_ticket AS ticket
    WHERE ticket.region_id = v_region AND ticket.window_id = p_window AND ticket.status IN ('called', 'serving');
    SELECT json_agg(json_build_array(found.id, found.series_id, found.queue_at, found.number, found.is_priority,
        found.is_moved, found.visit))
    INTO o_heads FROM (
        SELECT head.*, false AS is_moved
        FROM (SELECT DISTINCT series_id FROM hall_window_series WHERE window_id = ANY (v_mine)) AS link
        CROSS JOIN (VALUES (false), (true)) AS class (is_priority)
        CROSS JOIN LATERAL (
            SELECT ticket.id, ticket.series_id, ticket.queue_at, ticket.number, ticket.is_priority, ticket.visit
            FROM hall_ticket AS ticket
            WHERE ticket.region_id = v_region AND ticket.series_id = link.series_id AND ticket.day = p_day
                AND ticket.status = 'waiting' AND ticket.is_priority = class.is_priority
                AND ticket.only_window_id IS NULL
                AND (ticket.skill_id IS NULL OR ticket.skill_id = ANY (v_skills))
                AND (ticket.visit IS NULL OR NOT EXISTS (
                    SELECT 1 FROM hall_ticket AS other WHERE other.region_id = ticket.region_id
                        AND other.visit = ticket.visit AND other.status IN ('called', 'serving')))
                AND ticket.id <> ALL (p_tried)
            ORDER BY ticket.queue_at, ticket.number
            LIMIT p_depth
        ) AS head
        UNION ALL
        SELECT ticket.id, NULL, ticket.queue_at, ticket.number, ticket.is_priority, ticket.visit, true
        FROM hall_ticket AS ticket
        WHERE ticket.region_id = v_region AND ticket.only_window_id = ANY (v_mine) AND ticket.status = 'waiting'
            AND ticket.day = p_day AND ticket.id <> ALL (p_tried)
    ) AS found;
    RETURN NEXT;
END
$$;
"""

# The first of the wanted that still waits and that nobody else is taking; nothing when there is none. The row as it was
# goes into undo; the run of the window counts on.
CLAIM = """
CREATE FUNCTION hall_claim(
    p_region text, p_window uuid, p_number int, p_staff uuid, p_ids uuid[], p_whys text[], p_at timestamptz,
    p_pick jsonb, p_undo jsonb, p_period uuid, p_long int, p_actor text, p_role text, p_data jsonb
) RETURNS SETOF hall_ticket LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_ticket hall_ticket;
    v_closed uuid;
    v_letter text;
    v_place int := 0;
    v_wait int;
BEGIN
    LOOP
        v_place := v_place + 1;
        IF v_place > cardinality(p_ids) THEN
            RETURN;
        END IF;
        SELECT * INTO v_ticket FROM hall_ticket
        WHERE id = p_ids[v_place] AND region_id = p_region AND status = 'waiting'
        FOR UPDATE SKIP LOCKED;
        EXIT WHEN FOUND;
    END LOOP;
    UPDATE hall_ticketperiod SET until_at = greatest(from_at, p_at)
    WHERE region_id = v_ticket.region_id AND ticket_id = v_ticket.id AND until_at IS NULL
    RETURNING id INTO v_closed;
    UPDATE hall_ticket SET
        status = 'called', window_id = p_window, served_by_id = p_staff, called_at = coalesce(called_at, p_at),
        announced_at = p_at, call_count = call_count + 1,
        pick = p_pick || jsonb_build_object('why', p_whys[v_place]),
        undo = p_undo || jsonb_build_object('closed', v_closed, 'before', jsonb_build_object(
            'status', status, 'series_id', series_id, 'window_id', window_id, 'served_by_id', served_by_id,
            'only_window_id', only_window_id, 'called_at', called_at, 'announced_at', announced_at,
            'call_count', call_count, 'started_at', started_at, 'finished_at', finished_at, 'pick', pick))
    WHERE id = v_ticket.id
    RETURNING * INTO v_ticket;
    INSERT INTO hall_ticketperiod (id, region_id, ticket_id, state, window_id, staff_id, from_at)
    VALUES (p_period, v_ticket.region_id, v_ticket.id, 'called', p_window, p_staff, p_at);
    UPDATE hall_window SET run = CASE
        WHEN v_ticket.is_priority THEN greatest(least(coalesce(run, 0), 0) - 1, -p_long)
        WHEN run IS NULL THEN p_long ELSE least(greatest(run, 0) + 1, p_long) END
    WHERE id = p_window AND run IS DISTINCT FROM CASE WHEN v_ticket.is_priority THEN -p_long ELSE p_long END;
    SELECT letter INTO v_letter FROM hall_series WHERE id = v_ticket.series_id;
    v_wait := greatest(0, floor(extract(epoch FROM p_at - v_ticket.taken_at)));
    PERFORM ledger_record(v_ticket.region_id, 'ticket:' || v_ticket.id, 'hall.called', p_actor, p_role, p_at,
        p_data || jsonb_build_object('series', v_letter, 'label', v_ticket.label, 'day', v_ticket.day,
            'window', p_number, 'wait_seconds', v_wait, 'why', p_whys[v_place],
            'first', v_ticket.is_priority::int));
    RETURN NEXT v_ticket;
END
$$;
"""

# A locked ticket: what changes, its period, what undoes it.
MOVE = """
CREATE FUNCTION hall_move(
    p_ticket uuid, p_changes jsonb, p_is_new boolean, p_undo jsonb, p_period uuid, p_state text, p_at timestamptz
) RETURNS void LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_new hall_ticket;
    v_closed uuid;
BEGIN
    SELECT * INTO STRICT v_new FROM hall_ticket WHERE id = p_ticket;
    v_new := jsonb_populate_record(v_new, p_changes);
    IF p_is_new THEN
        UPDATE hall_ticketperiod SET until_at = greatest(from_at, p_at)
        WHERE region_id = v_new.region_id AND ticket_id = p_ticket AND until_at IS NULL
        RETURNING id INTO v_closed;
    END IF;
    UPDATE hall_ticket SET
        status = v_new.status, series_id = v_new.series_id, window_id = v_new.window_id,
        served_by_id = v_new.served_by_id, only_window_id = v_new.only_window_id, called_at = v_new.called_at,
        announced_at = v_new.announced_at, call_count = v_new.call_count, started_at = v_new.started_at,
        finished_at = v_new.finished_at, pick = v_new.pick, queue_at = v_new.queue_at, put_off_at = v_new.put_off_at,
        care = v_new.care, is_priority = v_new.is_priority, grant_id = v_new.grant_id, case_id = v_new.case_id,
        visit = v_new.visit, undo = p_undo || jsonb_build_object('closed', v_closed)
    WHERE id = p_ticket;
    IF p_state IS NOT NULL THEN
        INSERT INTO hall_ticketperiod (id, region_id, ticket_id, state, window_id, staff_id, from_at)
        VALUES (p_period, v_new.region_id, p_ticket, p_state, v_new.window_id, v_new.served_by_id, p_at);
    END IF;
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("hall", "0007_calling"), ("ledger", "0003_record")]
    operations = [
        migrations.RunSQL(GIVE, "DROP FUNCTION hall_give"),
        migrations.RunSQL(HEADS, "DROP FUNCTION hall_heads"),
        migrations.RunSQL(CLAIM, "DROP FUNCTION hall_claim"),
        migrations.RunSQL(MOVE, "DROP FUNCTION hall_move"),
    ]
