-- Orders that something stays, and what is said of things that went. A certificate never changes.

create table legal_hold (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    subject text not null,
    reason_sealed bytea not null,
    placed_by text not null,
    placed_at bigint not null,
    lifted_by text,
    lifted_at bigint
);

create index legal_hold_subject on legal_hold (institution_id, subject);

create table deletion_certificate (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    class text not null,
    day text not null,
    count bigint not null,
    first_due bigint not null,
    last_due bigint not null,
    hashes_root text not null,
    hashes text not null, -- one a line, in order
    made_at bigint not null
);

create index deletion_certificate_day on deletion_certificate (institution_id, day);

create function deletion_certificate_is_a_fact() returns trigger language plpgsql as $$
begin
    raise exception 'a certificate never changes';
end $$;

create trigger deletion_certificate_never_changes before update or delete on deletion_certificate
    for each row execute function deletion_certificate_is_a_fact();
