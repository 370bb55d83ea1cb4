-- Whose a signed thing is: the patient's id and a keyed hash of who that is, under the signature of it. What was signed before
-- this says nothing of it, and holds.

alter table note add column identity text;
alter table opinion add column identity text;
alter table amendment add column identity text;

drop trigger amendment_never_changes;

create trigger amendment_never_changes before update on amendment
when old.state <> 'asked' or new.id is not old.id or new.institution_id is not old.institution_id
    or new.visit_id is not old.visit_id or new.number is not old.number or new.content is not old.content
    or new.hash is not old.hash or new.previous_hash is not old.previous_hash or new.asked_by is not old.asked_by
    or new.asked_at is not old.asked_at or new.reason is not old.reason or new.identity is not old.identity
begin
    select raise(abort, 'what was asked for and what was decided is a fact');
end;
