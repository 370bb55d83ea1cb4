-- A visit may end because its patient became an emergency while the doctor was away.

-- A check cannot be changed in place on both databases: the column is made again with one word more, and the index
-- that names it with it.
drop index visit_ticket;
alter table visit add column end_word text
    check (end_word in ('finished', 'wrong_person', 'transferred', 'doctor_lost', 'patient_lost', 'emergency'));
update visit set end_word = end_reason;
alter table visit drop column end_reason;
alter table visit rename column end_word to end_reason;
create unique index visit_ticket on visit (ticket_id) where end_reason is null or end_reason <> 'wrong_person';
