-- Visits, their rooms and records; alarms and their lines.
-- A signed note is a fact: two triggers refuse to change or delete it, whoever asks.

create table room (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    purpose text not null check (purpose in ('visit', 'emergency', 'nurse', 'check')),
    subject_id uuid not null,
    epoch bigint not null,
    node text not null,
    recording boolean not null,
    opened_at bigint not null,
    closed_at bigint
);

create unique index room_open_subject on room (purpose, subject_id) where closed_at is null;

create table seat (
    participant_id uuid primary key not null,
    room_id uuid not null references room (id),
    subject text not null,
    role text not null check (role in ('patient', 'doctor', 'nurse')),
    name_zh text not null,
    name_en text not null,
    created_at bigint not null,
    unique (room_id, subject)
);

create table visit (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    clinic_id uuid not null references clinic (id),
    ticket_id uuid not null unique references ticket (id),
    patient_id uuid not null,
    holder_id uuid,
    doctor_id uuid not null references account (id),
    desk_id uuid not null references desk (id),
    room_id uuid not null references room (id),
    outcome text check (outcome in ('home_care', 'go_to_hospital', 'closed_loop_transport', 'follow_up', 'emergency120')),
    started_at bigint not null,
    ended_at bigint,
    end_reason text check (end_reason in ('finished', 'wrong_person', 'transferred', 'doctor_lost'))
);

create index visit_patient on visit (patient_id, started_at);
create index visit_doctor on visit (doctor_id, started_at);
create index visit_holder on visit (holder_id, started_at);

create table note_draft (
    visit_id uuid primary key not null references visit (id),
    version bigint not null,
    content jsonb not null,
    saved_by uuid not null references account (id),
    saved_at bigint not null
);

create table note (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    visit_id uuid not null references visit (id),
    number bigint not null,
    content jsonb not null,
    hash text not null,
    previous_hash text not null,
    signed_by uuid not null references account (id),
    signed_at bigint not null,
    reason text,
    unique (visit_id, number)
);

create function note_is_a_fact() returns trigger language plpgsql as $$
begin
    raise exception 'a signed note never changes';
end $$;

create trigger note_never_changes before update or delete on note
    for each row execute function note_is_a_fact();

create table message (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    visit_id uuid not null references visit (id),
    side text not null check (side in ('patient', 'staff')),
    sender text not null,
    name_zh text not null,
    name_en text not null,
    body_sealed bytea not null,
    attachment_id uuid,
    at bigint not null
);

create index message_visit on message (visit_id, at, id);

create table attachment (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    visit_id uuid not null references visit (id),
    sender text not null,
    mime text not null,
    size bigint not null,
    sha256 text not null,
    at bigint not null
);

create table alarm (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    clinic_id uuid not null references clinic (id),
    kind text not null check (kind in ('red_flag', 'triage', 'worsened', 'nurse_call')),
    reasons jsonb not null,
    patient_id uuid,
    holder_id uuid,
    declaration_id uuid,
    ticket_id uuid,
    raised_at bigint not null,
    taken_by uuid references account (id),
    taken_at bigint,
    closed_at bigint,
    outcome text check (outcome in ('handed_to120', 'sent_offline', 'false_alarm', 'not_reached')),
    note_sealed bytea,
    version bigint not null
);

create index alarm_open on alarm (institution_id, raised_at) where closed_at is null;
