-- A member of staff's second factor: the secret that the server shares with their telephone.
-- A code's step is kept, so that no code opens twice (RFC 6238, 5.2).

create table second_factor (
    account_id blob primary key not null references account (id),
    secret_sealed blob not null,
    last_step integer not null,
    confirmed_at integer,
    created_at integer not null
) strict;
