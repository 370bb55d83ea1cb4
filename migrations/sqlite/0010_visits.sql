-- Visits, their rooms and records; alarms and their lines.
-- A signed note is a fact: two triggers refuse to change or delete it, whoever asks.

create table room (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    purpose text not null check (purpose in ('visit', 'emergency', 'nurse', 'check')),
    subject_id blob not null,
    epoch integer not null,
    node text not null,
    recording integer not null check (recording in (0, 1)),
    opened_at integer not null,
    closed_at integer
) strict;

create unique index room_open_subject on room (purpose, subject_id) where closed_at is null;

create table seat (
    participant_id blob primary key not null,
    room_id blob not null references room (id),
    subject text not null,
    role text not null check (role in ('patient', 'doctor', 'nurse')),
    name_zh text not null,
    name_en text not null,
    created_at integer not null,
    unique (room_id, subject)
) strict;

create table visit (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    clinic_id blob not null references clinic (id),
    ticket_id blob not null unique references ticket (id),
    patient_id blob not null,
    holder_id blob,
    doctor_id blob not null references account (id),
    desk_id blob not null references desk (id),
    room_id blob not null references room (id),
    outcome text check (outcome in ('home_care', 'go_to_hospital', 'closed_loop_transport', 'follow_up', 'emergency120')),
    started_at integer not null,
    ended_at integer,
    end_reason text check (end_reason in ('finished', 'wrong_person', 'transferred', 'doctor_lost'))
) strict;

create index visit_patient on visit (patient_id, started_at);
create index visit_doctor on visit (doctor_id, started_at);
create index visit_holder on visit (holder_id, started_at);

create table note_draft (
    visit_id blob primary key not null references visit (id),
    version integer not null,
    content text not null,
    saved_by blob not null references account (id),
    saved_at integer not null
) strict;

create table note (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    visit_id blob not null references visit (id),
    number integer not null,
    content text not null,
    hash text not null,
    previous_hash text not null,
    signed_by blob not null references account (id),
    signed_at integer not null,
    reason text,
    unique (visit_id, number)
) strict;

create trigger note_never_changes before update on note begin
    select raise(abort, 'a signed note never changes');
end;

create trigger note_never_goes before delete on note begin
    select raise(abort, 'a signed note is never deleted');
end;

create table message (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    visit_id blob not null references visit (id),
    side text not null check (side in ('patient', 'staff')),
    sender text not null,
    name_zh text not null,
    name_en text not null,
    body_sealed blob not null,
    attachment_id blob,
    at integer not null
) strict;

create index message_visit on message (visit_id, at, id);

create table attachment (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    visit_id blob not null references visit (id),
    sender text not null,
    mime text not null,
    size integer not null,
    sha256 text not null,
    at integer not null
) strict;

create table alarm (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    clinic_id blob not null references clinic (id),
    kind text not null check (kind in ('red_flag', 'triage', 'worsened', 'nurse_call')),
    reasons text not null,
    patient_id blob,
    holder_id blob,
    declaration_id blob,
    ticket_id blob,
    raised_at integer not null,
    taken_by blob references account (id),
    taken_at integer,
    closed_at integer,
    outcome text check (outcome in ('handed_to120', 'sent_offline', 'false_alarm', 'not_reached')),
    note_sealed blob,
    version integer not null
) strict;

create index alarm_open on alarm (institution_id, raised_at) where closed_at is null;
