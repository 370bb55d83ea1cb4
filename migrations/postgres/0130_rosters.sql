-- When doctors see patients: a week that recurs by the wall time of the clinic's zone, and the days that are not as the week
-- says. Slots are made from it up to rolled_to.

create table roster (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    clinic_id uuid not null references clinic (id),
    doctor_id uuid not null references account (id),
    weekdays bigint not null check (weekdays between 1 and 127),
    from_minute bigint not null,
    to_minute bigint not null check (from_minute < to_minute),
    minutes bigint not null check (minutes > 0),
    capacity bigint not null check (capacity > 0),
    first_day text not null,
    last_day text,
    rolled_to text,
    created_by uuid references account (id),
    created_at bigint not null,
    version bigint not null
);

create index roster_doctor on roster (doctor_id);
create index roster_institution on roster (institution_id);

create table roster_exception (
    roster_id uuid not null references roster (id),
    day text not null,
    kind text not null check (kind in ('off', 'extra')),
    from_minute bigint not null,
    to_minute bigint not null check (from_minute < to_minute),
    made_by uuid references account (id),
    made_at bigint not null,
    primary key (roster_id, day, kind, from_minute)
);
