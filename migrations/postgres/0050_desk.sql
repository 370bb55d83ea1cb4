-- The desk: who took an alarm must be heard, a word for the colleague goes along with a transfer, and a visit may end
-- because its patient could not be reached.

alter table alarm add column lease_until bigint;
update alarm set lease_until = taken_at where taken_by is not null and closed_at is null;

create table handover (
    ticket_id uuid primary key not null references ticket (id),
    institution_id uuid not null references institution (id),
    clinic_id uuid not null references clinic (id),
    doctor_id uuid not null references account (id),
    visit_id uuid references visit (id),
    reason_sealed bytea not null,
    at bigint not null
);

-- A check cannot be changed in place on both databases: the column is made again with one word more, and the index
-- that names it with it.
drop index visit_ticket;
alter table visit add column end_word text
    check (end_word in ('finished', 'wrong_person', 'transferred', 'doctor_lost', 'patient_lost'));
update visit set end_word = end_reason;
alter table visit drop column end_reason;
alter table visit rename column end_word to end_reason;
create unique index visit_ticket on visit (ticket_id) where end_reason is null or end_reason <> 'wrong_person';
