-- Adverse events of visits, as whoever was there told them: written once, never changed. Who of the administrators read one first
-- is a row of its own.

create table adverse_event (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    clinic_id uuid not null references clinic (id),
    visit_id uuid not null references visit (id),
    kind text not null check (kind in ('medicine', 'identity', 'device', 'delay', 'worsened', 'other')),
    is_serious boolean not null,
    happened_at bigint not null,
    words_sealed bytea not null,
    measures_sealed bytea not null,
    reported_by uuid not null references account (id),
    reported_at bigint not null
);

create index adverse_event_of_institution on adverse_event (institution_id, reported_at);
create index adverse_event_of_visit on adverse_event (visit_id);

create table adverse_event_seen (
    event_id uuid primary key not null references adverse_event (id),
    seen_by uuid not null references account (id),
    seen_at bigint not null
);

create function adverse_event_is_a_fact() returns trigger language plpgsql as $$
begin
    raise exception 'what was told of an adverse event is a fact';
end $$;

create trigger adverse_event_never_changes before update or delete on adverse_event
    for each row execute function adverse_event_is_a_fact();

create trigger adverse_event_seen_never_changes before update or delete on adverse_event_seen
    for each row execute function adverse_event_is_a_fact();
