-- Whose a signed thing is: the patient's id and a keyed hash of who that is, under the signature of it. What was signed before
-- this says nothing of it, and holds.

alter table note add column identity text;
alter table opinion add column identity text;
alter table amendment add column identity text;

drop trigger amendment_never_changes on amendment;

create trigger amendment_never_changes before update on amendment
    for each row when (old.state <> 'asked' or new.id <> old.id or new.institution_id <> old.institution_id
        or new.visit_id <> old.visit_id or new.number <> old.number or new.content <> old.content
        or new.hash <> old.hash or new.previous_hash <> old.previous_hash or new.asked_by <> old.asked_by
        or new.asked_at <> old.asked_at or new.reason <> old.reason or new.identity is distinct from old.identity)
    execute function amendment_is_a_fact();
