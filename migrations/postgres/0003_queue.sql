-- The queue. Order among the waiting is (lane, rank, id); the two unique indexes are the laws "one live ticket per patient
-- and clinic" and "one patient per doctor"; version is the optimistic lock and the fencing token at once.

create table queue (
    clinic_id uuid not null references clinic (id),
    day text not null,
    next_no bigint not null,
    primary key (clinic_id, day)
);

create table calling (
    clinic_id uuid primary key not null references clinic (id),
    urgent_streak bigint not null,
    last_call_at bigint not null
);

create table service_time (
    clinic_id uuid not null references clinic (id),
    level text not null,
    mean_ms bigint not null,
    visits bigint not null,
    primary key (clinic_id, level)
);

create table ticket (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    clinic_id uuid not null references clinic (id),
    day text not null,
    no bigint not null,
    patient_id uuid not null,
    holder_id uuid,
    declaration_id uuid,
    level text not null check (level in ('EMERGENCY', 'URGENT', 'STANDARD', 'ADVICE')),
    state text not null check (state in ('waiting', 'called', 'serving', 'suspended', 'emergency', 'done', 'no_show', 'left', 'transferred')),
    lane bigint not null,
    rank bigint not null,
    version bigint not null,
    call_count bigint not null,
    miss_count bigint not null,
    desk_id uuid references desk (id),
    doctor_id uuid references account (id),
    lease_until bigint,
    ring_until bigint,
    accepted_at bigint,
    joined_at bigint not null,
    arrived_at bigint not null,
    called_at bigint,
    started_at bigint,
    ended_at bigint,
    from_ticket uuid references ticket (id),
    moved_to uuid,
    move_reason text,
    retriage_due bigint,
    nurse_call boolean not null,
    device_check jsonb,
    unique (clinic_id, day, no)
);

create unique index ticket_live_patient on ticket (clinic_id, patient_id)
    where state in ('waiting', 'called', 'serving', 'suspended', 'emergency');
create unique index ticket_live_doctor on ticket (doctor_id) where state in ('called', 'serving');
create index ticket_next on ticket (clinic_id, lane, rank, id) where state = 'waiting';
create index ticket_leased on ticket (state, lease_until) where state in ('called', 'serving', 'suspended');
create index ticket_holder on ticket (holder_id, joined_at);
create index ticket_finished on ticket (clinic_id, ended_at) where state = 'done';
