-- Adverse events of visits, as whoever was there told them: written once, never changed. Who of the administrators read one first
-- is a row of its own.

create table adverse_event (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    clinic_id blob not null references clinic (id),
    visit_id blob not null references visit (id),
    kind text not null check (kind in ('medicine', 'identity', 'device', 'delay', 'worsened', 'other')),
    is_serious integer not null check (is_serious in (0, 1)),
    happened_at integer not null,
    words_sealed blob not null,
    measures_sealed blob not null,
    reported_by blob not null references account (id),
    reported_at integer not null
) strict;

create index adverse_event_of_institution on adverse_event (institution_id, reported_at);
create index adverse_event_of_visit on adverse_event (visit_id);

create table adverse_event_seen (
    event_id blob primary key not null references adverse_event (id),
    seen_by blob not null references account (id),
    seen_at integer not null
) strict;

create trigger adverse_event_never_changes before update on adverse_event begin
    select raise(abort, 'what was told of an adverse event is a fact');
end;

create trigger adverse_event_never_goes before delete on adverse_event begin
    select raise(abort, 'what was told of an adverse event is a fact');
end;

create trigger adverse_event_seen_never_changes before update on adverse_event_seen begin
    select raise(abort, 'what was told of an adverse event is a fact');
end;

create trigger adverse_event_seen_never_goes before delete on adverse_event_seen begin
    select raise(abort, 'what was told of an adverse event is a fact');
end;
