-- The patient's way to the ticket: owners of telephone numbers, one-time codes, patients, consents, declarations, triage.
-- What names somebody is sealed before it comes here; a column called index is a keyed hash for look-up.

create table holder (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    phone_sealed bytea not null,
    phone_index bytea not null,
    phone_tail text not null,
    created_at bigint not null,
    unique (institution_id, phone_index)
);

create table one_time_code (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    phone_index bytea not null,
    code_hash bytea not null,
    purpose text not null check (purpose in ('sign_in')),
    sent_at bigint not null,
    expires_at bigint not null,
    attempts bigint not null,
    used_at bigint
);

create index one_time_code_phone on one_time_code (institution_id, phone_index, sent_at);
create index one_time_code_sent on one_time_code (sent_at);

create table code_rate (
    institution_id uuid not null references institution (id),
    key_index bytea not null,
    sent jsonb not null,
    last_at bigint not null,
    primary key (institution_id, key_index)
);

create table patient (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    name_sealed bytea not null,
    name_index bytea not null,
    name_masked text not null,
    document text not null check (document in ('resident_card', 'passport', 'hong_kong_macao_permit', 'taiwan_permit',
                                              'permanent_residence', 'household_register')),
    number_sealed bytea not null,
    number_index bytea not null,
    number_tail text not null,
    birth_date text not null,
    sex text not null check (sex in ('female', 'male')),
    created_at bigint not null,
    unique (institution_id, document, number_index, name_index)
);

create table holder_patient (
    holder_id uuid not null references holder (id),
    patient_id uuid not null references patient (id),
    relation text not null check (relation in ('myself', 'parent', 'child', 'spouse', 'guardian', 'carer')),
    created_at bigint not null,
    primary key (holder_id, patient_id)
);

create index holder_patient_patient on holder_patient (patient_id);

create table consent (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    patient_id uuid not null references patient (id),
    holder_id uuid not null references holder (id),
    kind text not null check (kind in ('treatment', 'sensitive_data', 'process_record')),
    text_version text not null,
    granted boolean not null,
    at bigint not null
);

create index consent_patient on consent (patient_id, holder_id, at);

create function consent_is_a_fact() returns trigger language plpgsql as $$
begin
    raise exception 'a consent never changes';
end $$;

create trigger consent_never_changes before update or delete on consent
    for each row execute function consent_is_a_fact();

create table declaration (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    clinic_id uuid not null references clinic (id),
    patient_id uuid not null references patient (id),
    holder_id uuid not null references holder (id),
    questionnaire text not null,
    version bigint not null,
    answers_sealed bytea not null,
    state text not null check (state in ('draft', 'submitted')),
    created_at bigint not null,
    saved_at bigint not null,
    submitted_at bigint
);

create unique index declaration_draft on declaration (holder_id, patient_id, clinic_id) where state = 'draft';
create index declaration_patient on declaration (patient_id, submitted_at);

create table triage (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    declaration_id uuid not null references declaration (id),
    patient_id uuid not null references patient (id),
    ticket_id uuid,
    ruleset_version text not null,
    ruleset_status text not null check (ruleset_status in ('draft', 'signed')),
    level text not null check (level in ('EMERGENCY', 'URGENT', 'STANDARD', 'ADVICE')),
    disposition text not null,
    matched jsonb not null,
    facts_sealed bytea,
    nurse_call boolean not null,
    alarm_id uuid,
    decided_by uuid references account (id),
    reason text,
    at bigint not null
);

create index triage_declaration on triage (declaration_id, at);
create index triage_ticket on triage (ticket_id, at) where ticket_id is not null;
