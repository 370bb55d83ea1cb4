-- Keys that sign, one for each doctor and one for the server of each institution, and what they signed. Signatures never change.

create table signing_key (
    id uuid primary key,
    institution_id uuid not null references institution (id),
    owner text not null,
    algorithm text not null check (algorithm in ('ed25519', 'sm2')),
    public_key bytea not null,
    secret_sealed bytea not null,
    created_at bigint not null,
    retired_at bigint
);

create unique index signing_key_owner on signing_key (institution_id, owner, algorithm) where retired_at is null;

create table signature (
    id uuid primary key,
    institution_id uuid not null references institution (id),
    subject text not null,
    purpose text not null,
    key_id uuid not null references signing_key (id),
    hash text not null,
    at bigint not null,
    bytes bytea not null
);

create index signature_subject on signature (subject);

create function signature_is_a_fact() returns trigger language plpgsql as $$
begin
    raise exception 'a signature is a fact';
end $$;

create trigger signature_never_changes before update or delete on signature
    for each row execute function signature_is_a_fact();
