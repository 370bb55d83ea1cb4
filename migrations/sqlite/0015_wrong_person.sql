-- no-transaction
-- A ticket whose wrong person was found out in the call is called again, and that is another visit: nothing of the first may
-- be met in the second. One visit of a ticket counts; those with the wrong person do not.

-- SQLite cannot drop a constraint: the table is made anew. Its children keep their references by name, which needs the
-- checking of foreign keys off, which no transaction may switch; hence its own transaction inside.

pragma foreign_keys = off;

begin immediate;

create table visit_new (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    clinic_id blob not null references clinic (id),
    ticket_id blob not null references ticket (id),
    patient_id blob not null,
    holder_id blob,
    doctor_id blob not null references account (id),
    desk_id blob not null references desk (id),
    room_id blob not null references room (id),
    outcome text check (outcome in ('home_care', 'go_to_hospital', 'closed_loop_transport', 'follow_up', 'emergency120')),
    started_at integer not null,
    ended_at integer,
    end_reason text check (end_reason in ('finished', 'wrong_person', 'transferred', 'doctor_lost'))
) strict;

insert into visit_new (id, institution_id, clinic_id, ticket_id, patient_id, holder_id, doctor_id, desk_id, room_id, outcome, started_at, ended_at, end_reason)
select id, institution_id, clinic_id, ticket_id, patient_id, holder_id, doctor_id, desk_id, room_id, outcome, started_at, ended_at, end_reason
from visit;

drop table visit;

alter table visit_new rename to visit;

create unique index visit_ticket on visit (ticket_id) where end_reason is null or end_reason <> 'wrong_person';
create index visit_patient on visit (patient_id, started_at);
create index visit_doctor on visit (doctor_id, started_at);
create index visit_holder on visit (holder_id, started_at);

commit;

pragma foreign_keys = on;
