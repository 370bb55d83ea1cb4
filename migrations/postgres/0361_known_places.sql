-- From where somebody has signed in with a password or a code: a keyed hash of who and of the network address. There
-- strangers who guess, or who ask for codes elsewhere, keep nobody out.

create table known_place (
    institution_id uuid not null references institution (id),
    key_index bytea not null,
    last_at bigint not null,
    primary key (institution_id, key_index)
);

create index known_place_last on known_place (last_at);
