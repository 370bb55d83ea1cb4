-- What was signed of a prescription, version by version. Signed versions never change.

create table prescription_version (
    prescription_id blob not null references prescription (id),
    version integer not null,
    content text not null,
    report text not null,
    answers text not null,
    hash text not null,
    signed_by blob not null references account (id),
    signed_at integer not null,
    primary key (prescription_id, version)
) strict;

create trigger prescription_version_never_changes before update on prescription_version begin
    select raise(abort, 'a signed prescription is a fact');
end;

create trigger prescription_version_never_goes before delete on prescription_version begin
    select raise(abort, 'a signed prescription is a fact');
end;
