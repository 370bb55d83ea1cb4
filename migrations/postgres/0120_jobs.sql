-- What is to be done later, once: reminders, offers, expiry. A worker claims a job for a while; one that died leaves it to the next.

create table job (
    id uuid primary key,
    institution_id uuid not null references institution (id),
    kind text not null,
    subject_id uuid not null,
    run_at bigint not null,
    claimed_until bigint,
    attempts bigint not null default 0,
    done_at bigint,
    unique (kind, subject_id, run_at)
);

create index job_done on job (done_at) where done_at is not null;
create index job_ready on job (run_at) where done_at is null;
