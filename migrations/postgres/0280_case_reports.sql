-- Case reports of infectious diseases: due two hours after a doctor's suspicion, then reported with the number of a receipt,
-- dismissed with a reason, or withdrawn while the visit goes on. A visit has one that is due or reported. When it rings next is
-- in the row, so that no end of a process forgets it. What is closed never changes.

create table case_report (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    clinic_id uuid not null references clinic (id),
    visit_id uuid not null references visit (id),
    cause text not null check (cause in ('outcome', 'hand')),
    state text not null check (state in ('due', 'reported', 'dismissed', 'withdrawn')),
    suspected_by uuid not null references account (id),
    suspected_at bigint not null,
    due_at bigint not null,
    words_sealed bytea,
    rang bigint not null,
    rings_at bigint not null,
    closed_by uuid references account (id),
    closed_at bigint,
    receipt text,
    dismissal_sealed bytea,
    check ((state = 'due') = (closed_at is null)),
    check ((state = 'reported') = (receipt is not null)),
    check ((state = 'dismissed') = (dismissal_sealed is not null))
);

create unique index case_report_live on case_report (visit_id) where state in ('due', 'reported');
create index case_report_of_visit on case_report (visit_id, suspected_at);
create index case_report_due on case_report (institution_id, due_at) where state = 'due';
create index case_report_closed on case_report (institution_id, closed_at) where state <> 'due';
create index case_report_ringing on case_report (rings_at) where state = 'due';

create function case_report_is_a_fact() returns trigger language plpgsql as $$
begin
    raise exception 'a suspicion and what was reported is a fact';
end $$;

create trigger case_report_never_changes before update on case_report
    for each row when (old.state <> 'due' or new.id <> old.id or new.institution_id <> old.institution_id
        or new.clinic_id <> old.clinic_id or new.visit_id <> old.visit_id or new.cause <> old.cause
        or new.suspected_by <> old.suspected_by or new.suspected_at <> old.suspected_at or new.due_at <> old.due_at
        or new.words_sealed is distinct from old.words_sealed)
    execute function case_report_is_a_fact();

create trigger case_report_never_goes before delete on case_report
    for each row execute function case_report_is_a_fact();
