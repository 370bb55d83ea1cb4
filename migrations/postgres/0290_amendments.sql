-- Amendments of archived records: signed by their doctors, and no part of the record until somebody else has approved them.
-- A visit has one that waits. What was asked for never changes, and what was decided neither.

create table amendment (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    visit_id uuid not null references visit (id),
    number bigint not null,
    content jsonb not null,
    hash text not null,
    previous_hash text not null,
    asked_by uuid not null references account (id),
    asked_at bigint not null,
    reason text not null,
    state text not null check (state in ('asked', 'approved', 'declined')),
    decided_by uuid references account (id),
    decided_at bigint,
    decision_reason text,
    check ((state = 'asked') = (decided_by is null) and (state = 'asked') = (decided_at is null)),
    check (decided_by is null or decided_by <> asked_by)
);

create unique index amendment_open on amendment (visit_id) where state = 'asked';
create index amendment_of_visit on amendment (visit_id, asked_at);
create index amendment_waiting on amendment (institution_id, asked_at) where state = 'asked';

create function amendment_is_a_fact() returns trigger language plpgsql as $$
begin
    raise exception 'what was asked for and what was decided is a fact';
end $$;

create trigger amendment_never_changes before update on amendment
    for each row when (old.state <> 'asked' or new.id <> old.id or new.institution_id <> old.institution_id
        or new.visit_id <> old.visit_id or new.number <> old.number or new.content <> old.content
        or new.hash <> old.hash or new.previous_hash <> old.previous_hash or new.asked_by <> old.asked_by
        or new.asked_at <> old.asked_at or new.reason <> old.reason)
    execute function amendment_is_a_fact();

create trigger amendment_never_goes before delete on amendment
    for each row execute function amendment_is_a_fact();
