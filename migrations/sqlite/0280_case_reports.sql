-- Case reports of infectious diseases: due two hours after a doctor's suspicion, then reported with the number of a receipt,
-- dismissed with a reason, or withdrawn while the visit goes on. A visit has one that is due or reported. When it rings next is
-- in the row, so that no end of a process forgets it. What is closed never changes.

create table case_report (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    clinic_id blob not null references clinic (id),
    visit_id blob not null references visit (id),
    cause text not null check (cause in ('outcome', 'hand')),
    state text not null check (state in ('due', 'reported', 'dismissed', 'withdrawn')),
    suspected_by blob not null references account (id),
    suspected_at integer not null,
    due_at integer not null,
    words_sealed blob,
    rang integer not null,
    rings_at integer not null,
    closed_by blob references account (id),
    closed_at integer,
    receipt text,
    dismissal_sealed blob,
    check ((state = 'due') = (closed_at is null)),
    check ((state = 'reported') = (receipt is not null)),
    check ((state = 'dismissed') = (dismissal_sealed is not null))
) strict;

create unique index case_report_live on case_report (visit_id) where state in ('due', 'reported');
create index case_report_of_visit on case_report (visit_id, suspected_at);
create index case_report_due on case_report (institution_id, due_at) where state = 'due';
create index case_report_closed on case_report (institution_id, closed_at) where state <> 'due';
create index case_report_ringing on case_report (rings_at) where state = 'due';

create trigger case_report_never_changes before update on case_report
when old.state <> 'due' or new.id is not old.id or new.institution_id is not old.institution_id
    or new.clinic_id is not old.clinic_id or new.visit_id is not old.visit_id or new.cause is not old.cause
    or new.suspected_by is not old.suspected_by or new.suspected_at is not old.suspected_at
    or new.due_at is not old.due_at or new.words_sealed is not old.words_sealed
begin
    select raise(abort, 'a suspicion and what was reported is a fact');
end;

create trigger case_report_never_goes before delete on case_report begin
    select raise(abort, 'a suspicion and what was reported is a fact');
end;
