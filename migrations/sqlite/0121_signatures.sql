-- Keys that sign, one for each doctor and one for the server of each institution, and what they signed. Signatures never change.

create table signing_key (
    id blob primary key,
    institution_id blob not null references institution (id),
    owner text not null,
    algorithm text not null check (algorithm in ('ed25519', 'sm2')),
    public_key blob not null,
    secret_sealed blob not null,
    created_at integer not null,
    retired_at integer
) strict;

create unique index signing_key_owner on signing_key (institution_id, owner, algorithm) where retired_at is null;

create table signature (
    id blob primary key,
    institution_id blob not null references institution (id),
    subject text not null,
    purpose text not null,
    key_id blob not null references signing_key (id),
    hash text not null,
    at integer not null,
    bytes blob not null
) strict;

create index signature_subject on signature (subject);

create trigger signature_never_changes before update on signature begin
    select raise(abort, 'a signature is a fact');
end;

create trigger signature_never_goes before delete on signature begin
    select raise(abort, 'a signature is a fact');
end;
