-- Opinions that a treating doctor asks of another doctor: one open question for each visit and asked doctor. What was asked
-- never changes, and what was answered or withdrawn neither.

create table opinion (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    visit_id uuid not null references visit (id),
    asked_by uuid not null references account (id),
    doctor_id uuid not null references account (id),
    state text not null check (state in ('asked', 'answered', 'withdrawn')),
    version bigint not null,
    question text not null,
    summary text not null,
    opinion text not null,
    advice text not null,
    hash text,
    asked_at bigint not null,
    saved_at bigint,
    closed_at bigint
);

create unique index opinion_open on opinion (visit_id, doctor_id) where state = 'asked';
create index opinion_of_visit on opinion (visit_id, asked_at);
create index opinion_of_doctor on opinion (doctor_id, asked_at);
create index opinion_by_doctor on opinion (asked_by, asked_at);

create function opinion_is_a_fact() returns trigger language plpgsql as $$
begin
    raise exception 'what was asked and what was answered is a fact';
end $$;

create trigger opinion_never_changes before update on opinion
    for each row when (old.state <> 'asked' or new.id <> old.id or new.institution_id <> old.institution_id
        or new.visit_id <> old.visit_id or new.asked_by <> old.asked_by or new.doctor_id <> old.doctor_id
        or new.question <> old.question or new.summary <> old.summary or new.asked_at <> old.asked_at)
    execute function opinion_is_a_fact();

create trigger opinion_never_goes before delete on opinion
    for each row execute function opinion_is_a_fact();
