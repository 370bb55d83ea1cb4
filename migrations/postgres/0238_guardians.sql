-- Consents of guardians for patients under fourteen, by name; appended to, never changed.

create table guardian_consent (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    patient_id uuid not null references patient (id),
    holder_id uuid not null references holder (id),
    name_sealed bytea not null,
    relation text not null check (relation in ('parent', 'guardian')),
    text_version text not null,
    at bigint not null
);

create index guardian_consent_of on guardian_consent (patient_id, holder_id, at);

create trigger guardian_consent_never_changes before update or delete on guardian_consent
    for each row execute function consent_is_a_fact();
