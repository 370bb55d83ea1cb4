-- Process records: one row per file of a participant, and whether a clinic records at all.
-- Who declines is treated all the same; the consent that counted stands beside the file and in its index.

alter table clinic add column recording text not null default 'off' check (recording in ('off', 'with_consent'));

create table recording (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    visit_id blob not null references visit (id),
    room_id blob not null references room (id),
    participant_id blob not null references seat (participant_id),
    part integer not null,
    started_at integer not null,
    millis integer not null,
    consent_version text not null,
    consent_at integer not null,
    retain_until integer not null,
    is_cut integer not null check (is_cut in (0, 1)),
    gaps integer not null,
    place text not null,
    size integer not null,
    stored_size integer not null,
    hash text not null,
    key_sealed blob not null,
    stored_at integer not null
) strict;

create index recording_visit on recording (visit_id, started_at);
