-- Opinions that a treating doctor asks of another doctor: one open question for each visit and asked doctor. What was asked
-- never changes, and what was answered or withdrawn neither.

create table opinion (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    visit_id blob not null references visit (id),
    asked_by blob not null references account (id),
    doctor_id blob not null references account (id),
    state text not null check (state in ('asked', 'answered', 'withdrawn')),
    version integer not null,
    question text not null,
    summary text not null,
    opinion text not null,
    advice text not null,
    hash text,
    asked_at integer not null,
    saved_at integer,
    closed_at integer
) strict;

create unique index opinion_open on opinion (visit_id, doctor_id) where state = 'asked';
create index opinion_of_visit on opinion (visit_id, asked_at);
create index opinion_of_doctor on opinion (doctor_id, asked_at);
create index opinion_by_doctor on opinion (asked_by, asked_at);

create trigger opinion_never_changes before update on opinion
when old.state <> 'asked' or new.id is not old.id or new.institution_id is not old.institution_id
    or new.visit_id is not old.visit_id or new.asked_by is not old.asked_by or new.doctor_id is not old.doctor_id
    or new.question is not old.question or new.summary is not old.summary or new.asked_at is not old.asked_at
begin
    select raise(abort, 'what was asked and what was answered is a fact');
end;

create trigger opinion_never_goes before delete on opinion begin
    select raise(abort, 'what was asked and what was answered is a fact');
end;
