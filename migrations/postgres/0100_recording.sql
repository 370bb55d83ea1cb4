-- Process records: one row per file of a participant, and whether a clinic records at all.
-- Who declines is treated all the same; the consent that counted stands beside the file and in its index.

alter table clinic add column recording text not null default 'off' check (recording in ('off', 'with_consent'));

create table recording (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    visit_id uuid not null references visit (id),
    room_id uuid not null references room (id),
    participant_id uuid not null references seat (participant_id),
    part bigint not null,
    started_at bigint not null,
    millis bigint not null,
    consent_version text not null,
    consent_at bigint not null,
    retain_until bigint not null,
    is_cut boolean not null,
    gaps bigint not null,
    place text not null,
    size bigint not null,
    stored_size bigint not null,
    hash text not null,
    key_sealed bytea not null,
    stored_at bigint not null
);

create index recording_visit on recording (visit_id, started_at);
