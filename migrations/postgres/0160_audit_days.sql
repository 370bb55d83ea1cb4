-- The sealed days of the audit log: the root of the tree over the day's entries. A seal never changes.

create table audit_day (
    institution_id uuid not null references institution (id),
    day text not null,
    first_seq bigint not null,
    last_seq bigint not null,
    head_hash text not null,
    root text not null,
    previous_root text not null,
    sealed_at bigint not null,
    primary key (institution_id, day)
);

create index signature_purpose on signature (institution_id, purpose);

create function audit_day_is_a_fact() returns trigger language plpgsql as $$
begin
    raise exception 'a sealed day never changes';
end $$;

create trigger audit_day_never_changes before update or delete on audit_day
    for each row execute function audit_day_is_a_fact();
