-- The queue. Order among the waiting is (lane, rank, id); the two unique indexes are the laws "one live ticket per patient
-- and clinic" and "one patient per doctor"; version is the optimistic lock and the fencing token at once.

create table queue (
    clinic_id blob not null references clinic (id),
    day text not null,
    next_no integer not null,
    primary key (clinic_id, day)
) strict, without rowid;

create table calling (
    clinic_id blob primary key not null references clinic (id),
    urgent_streak integer not null,
    last_call_at integer not null
) strict;

create table service_time (
    clinic_id blob not null references clinic (id),
    level text not null,
    mean_ms integer not null,
    visits integer not null,
    primary key (clinic_id, level)
) strict, without rowid;

create table ticket (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    clinic_id blob not null references clinic (id),
    day text not null,
    no integer not null,
    patient_id blob not null,
    holder_id blob,
    declaration_id blob,
    level text not null check (level in ('EMERGENCY', 'URGENT', 'STANDARD', 'ADVICE')),
    state text not null check (state in ('waiting', 'called', 'serving', 'suspended', 'emergency', 'done', 'no_show', 'left', 'transferred')),
    lane integer not null,
    rank integer not null,
    version integer not null,
    call_count integer not null,
    miss_count integer not null,
    desk_id blob references desk (id),
    doctor_id blob references account (id),
    lease_until integer,
    ring_until integer,
    accepted_at integer,
    joined_at integer not null,
    arrived_at integer not null,
    called_at integer,
    started_at integer,
    ended_at integer,
    from_ticket blob references ticket (id),
    moved_to blob,
    move_reason text,
    retriage_due integer,
    nurse_call integer not null check (nurse_call in (0, 1)),
    device_check text,
    unique (clinic_id, day, no)
) strict;

create unique index ticket_live_patient on ticket (clinic_id, patient_id)
    where state in ('waiting', 'called', 'serving', 'suspended', 'emergency');
create unique index ticket_live_doctor on ticket (doctor_id) where state in ('called', 'serving');
create index ticket_next on ticket (clinic_id, lane, rank, id) where state = 'waiting';
create index ticket_leased on ticket (state, lease_until) where state in ('called', 'serving', 'suspended');
create index ticket_holder on ticket (holder_id, joined_at);
create index ticket_finished on ticket (clinic_id, ended_at) where state = 'done';
