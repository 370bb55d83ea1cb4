-- When doctors see patients: a week that recurs by the wall time of the clinic's zone, and the days that are not as the week
-- says. Slots are made from it up to rolled_to.

create table roster (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    clinic_id blob not null references clinic (id),
    doctor_id blob not null references account (id),
    weekdays integer not null check (weekdays between 1 and 127),
    from_minute integer not null,
    to_minute integer not null check (from_minute < to_minute),
    minutes integer not null check (minutes > 0),
    capacity integer not null check (capacity > 0),
    first_day text not null,
    last_day text,
    rolled_to text,
    created_by blob references account (id),
    created_at integer not null,
    version integer not null
) strict;

create index roster_doctor on roster (doctor_id);
create index roster_institution on roster (institution_id);

create table roster_exception (
    roster_id blob not null references roster (id),
    day text not null,
    kind text not null check (kind in ('off', 'extra')),
    from_minute integer not null,
    to_minute integer not null check (from_minute < to_minute),
    made_by blob references account (id),
    made_at integer not null,
    primary key (roster_id, day, kind, from_minute)
) strict, without rowid;
