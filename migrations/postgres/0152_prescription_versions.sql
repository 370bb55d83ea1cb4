-- What was signed of a prescription, version by version. Signed versions never change.

create table prescription_version (
    prescription_id uuid not null references prescription (id),
    version bigint not null,
    content text not null,
    report text not null,
    answers text not null,
    hash text not null,
    signed_by uuid not null references account (id),
    signed_at bigint not null,
    primary key (prescription_id, version)
);

create function prescription_version_is_a_fact() returns trigger language plpgsql as $$
begin
    raise exception 'a signed prescription is a fact';
end $$;

create trigger prescription_version_never_changes before update or delete on prescription_version
    for each row execute function prescription_version_is_a_fact();
