-- Bookable time. Two laws keep a place from being given twice: the statement that counts taken up never passes capacity, and
-- the unique index on the seat refuses what would slip through. The promise is the day and the minute on the wall; the moment
-- is what the zone's rules made of it when the slot was made.

create table slot (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    clinic_id uuid not null references clinic (id),
    doctor_id uuid not null references account (id),
    roster_id uuid references roster (id),
    starts_at bigint not null,
    ends_at bigint not null,
    zone text not null,
    day text not null,
    wall_minute bigint not null,
    capacity bigint not null check (capacity > 0),
    taken bigint not null check (taken >= 0 and taken <= capacity),
    state text not null check (state in ('open', 'closed')),
    version bigint not null,
    unique (doctor_id, starts_at)
);

create index slot_open on slot (clinic_id, starts_at) where state = 'open';
create index slot_roster on slot (roster_id, day);

create table appointment (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    clinic_id uuid not null references clinic (id),
    slot_id uuid not null references slot (id),
    seat bigint not null check (seat > 0),
    doctor_id uuid not null references account (id),
    patient_id uuid not null,
    holder_id uuid not null,
    starts_at bigint not null,
    ends_at bigint not null,
    zone text not null,
    viewer_zone text,
    state text not null check (state in ('booked', 'checked_in', 'seen', 'no_show', 'cancelled')),
    version bigint not null,
    booked_at bigint not null,
    checked_in_at bigint,
    ticket_id uuid, -- the ticket refers to the appointment, and two tables never refer to each other
    ended_at bigint
);

create unique index appointment_seat on appointment (slot_id, seat) where state in ('booked', 'checked_in');
create unique index appointment_patient on appointment (slot_id, patient_id) where state in ('booked', 'checked_in');
create index appointment_holder on appointment (holder_id, starts_at);
create index appointment_clinic on appointment (clinic_id, starts_at);
create index appointment_overdue on appointment (ends_at) where state = 'booked';
create index appointment_present on appointment (clinic_id, id) where state = 'checked_in';
