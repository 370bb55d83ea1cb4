-- Consents of guardians for patients under fourteen, by name; appended to, never changed.

create table guardian_consent (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    patient_id blob not null references patient (id),
    holder_id blob not null references holder (id),
    name_sealed blob not null,
    relation text not null check (relation in ('parent', 'guardian')),
    text_version text not null,
    at integer not null
) strict;

create index guardian_consent_of on guardian_consent (patient_id, holder_id, at);

create trigger guardian_consent_never_changes before update on guardian_consent begin
    select raise(abort, 'a consent never changes');
end;

create trigger guardian_consent_never_goes before delete on guardian_consent begin
    select raise(abort, 'a consent is never deleted');
end;
