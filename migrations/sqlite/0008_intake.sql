-- The patient's way to the ticket: owners of telephone numbers, one-time codes, patients, consents, declarations, triage.
-- What names somebody is sealed before it comes here; a column called index is a keyed hash for look-up.

create table holder (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    phone_sealed blob not null,
    phone_index blob not null,
    phone_tail text not null,
    created_at integer not null,
    unique (institution_id, phone_index)
) strict;

create table one_time_code (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    phone_index blob not null,
    code_hash blob not null,
    purpose text not null check (purpose in ('sign_in')),
    sent_at integer not null,
    expires_at integer not null,
    attempts integer not null,
    used_at integer
) strict;

create index one_time_code_phone on one_time_code (institution_id, phone_index, sent_at);
create index one_time_code_sent on one_time_code (sent_at);

create table code_rate (
    institution_id blob not null references institution (id),
    key_index blob not null,
    sent text not null,
    last_at integer not null,
    primary key (institution_id, key_index)
) strict, without rowid;

create table patient (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    name_sealed blob not null,
    name_index blob not null,
    name_masked text not null,
    document text not null check (document in ('resident_card', 'passport', 'hong_kong_macao_permit', 'taiwan_permit',
                                              'permanent_residence', 'household_register')),
    number_sealed blob not null,
    number_index blob not null,
    number_tail text not null,
    birth_date text not null,
    sex text not null check (sex in ('female', 'male')),
    created_at integer not null,
    unique (institution_id, document, number_index, name_index)
) strict;

create table holder_patient (
    holder_id blob not null references holder (id),
    patient_id blob not null references patient (id),
    relation text not null check (relation in ('myself', 'parent', 'child', 'spouse', 'guardian', 'carer')),
    created_at integer not null,
    primary key (holder_id, patient_id)
) strict, without rowid;

create index holder_patient_patient on holder_patient (patient_id);

create table consent (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    patient_id blob not null references patient (id),
    holder_id blob not null references holder (id),
    kind text not null check (kind in ('treatment', 'sensitive_data', 'process_record')),
    text_version text not null,
    granted integer not null check (granted in (0, 1)),
    at integer not null
) strict;

create index consent_patient on consent (patient_id, holder_id, at);

create trigger consent_never_changes before update on consent begin
    select raise(abort, 'a consent never changes');
end;

create trigger consent_never_goes before delete on consent begin
    select raise(abort, 'a consent is never deleted');
end;

create table declaration (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    clinic_id blob not null references clinic (id),
    patient_id blob not null references patient (id),
    holder_id blob not null references holder (id),
    questionnaire text not null,
    version integer not null,
    answers_sealed blob not null,
    state text not null check (state in ('draft', 'submitted')),
    created_at integer not null,
    saved_at integer not null,
    submitted_at integer
) strict;

create unique index declaration_draft on declaration (holder_id, patient_id, clinic_id) where state = 'draft';
create index declaration_patient on declaration (patient_id, submitted_at);

create table triage (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    declaration_id blob not null references declaration (id),
    patient_id blob not null references patient (id),
    ticket_id blob,
    ruleset_version text not null,
    ruleset_status text not null check (ruleset_status in ('draft', 'signed')),
    level text not null check (level in ('EMERGENCY', 'URGENT', 'STANDARD', 'ADVICE')),
    disposition text not null,
    matched text not null,
    facts_sealed blob,
    nurse_call integer not null check (nurse_call in (0, 1)),
    alarm_id blob,
    decided_by blob references account (id),
    reason text,
    at integer not null
) strict;

create index triage_declaration on triage (declaration_id, at);
create index triage_ticket on triage (ticket_id, at) where ticket_id is not null;
