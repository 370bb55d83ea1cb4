-- The waiting list: who would come if a place became free. A freed place is offered to the first whom it suits, for a while.

create table wish (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    clinic_id uuid not null references clinic (id),
    doctor_id uuid references account (id),
    patient_id uuid not null,
    holder_id uuid not null,
    first_day text not null,
    last_day text not null,
    state text not null check (state in ('waiting', 'offered', 'met', 'left')),
    slot_id uuid references slot (id),
    offered_until bigint,
    made_at bigint not null,
    version bigint not null
);

create unique index wish_patient on wish (clinic_id, patient_id) where state in ('waiting', 'offered');
create index wish_clinic on wish (clinic_id, made_at) where state in ('waiting', 'offered');
create index wish_holder on wish (holder_id, made_at);
