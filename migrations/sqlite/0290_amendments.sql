-- Amendments of archived records: signed by their doctors, and no part of the record until somebody else has approved them.
-- A visit has one that waits. What was asked for never changes, and what was decided neither.

create table amendment (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    visit_id blob not null references visit (id),
    number integer not null,
    content text not null,
    hash text not null,
    previous_hash text not null,
    asked_by blob not null references account (id),
    asked_at integer not null,
    reason text not null,
    state text not null check (state in ('asked', 'approved', 'declined')),
    decided_by blob references account (id),
    decided_at integer,
    decision_reason text,
    check ((state = 'asked') = (decided_by is null) and (state = 'asked') = (decided_at is null)),
    check (decided_by is null or decided_by <> asked_by)
) strict;

create unique index amendment_open on amendment (visit_id) where state = 'asked';
create index amendment_of_visit on amendment (visit_id, asked_at);
create index amendment_waiting on amendment (institution_id, asked_at) where state = 'asked';

create trigger amendment_never_changes before update on amendment
when old.state <> 'asked' or new.id is not old.id or new.institution_id is not old.institution_id
    or new.visit_id is not old.visit_id or new.number is not old.number or new.content is not old.content
    or new.hash is not old.hash or new.previous_hash is not old.previous_hash or new.asked_by is not old.asked_by
    or new.asked_at is not old.asked_at or new.reason is not old.reason
begin
    select raise(abort, 'what was asked for and what was decided is a fact');
end;

create trigger amendment_never_goes before delete on amendment begin
    select raise(abort, 'what was asked for and what was decided is a fact');
end;
