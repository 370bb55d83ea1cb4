-- The waiting list: who would come if a place became free. A freed place is offered to the first whom it suits, for a while.

create table wish (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    clinic_id blob not null references clinic (id),
    doctor_id blob references account (id),
    patient_id blob not null,
    holder_id blob not null,
    first_day text not null,
    last_day text not null,
    state text not null check (state in ('waiting', 'offered', 'met', 'left')),
    slot_id blob references slot (id),
    offered_until integer,
    made_at integer not null,
    version integer not null
) strict;

create unique index wish_patient on wish (clinic_id, patient_id) where state in ('waiting', 'offered');
create index wish_clinic on wish (clinic_id, made_at) where state in ('waiting', 'offered');
create index wish_holder on wish (holder_id, made_at);
