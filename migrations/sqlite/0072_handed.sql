-- A doctor's look at a called patient's declaration is audited once a call, however often the desk is read again.

create table handed (
    account_id blob not null references account (id),
    ticket_id blob not null references ticket (id),
    call_count integer not null,
    at integer not null,
    primary key (account_id, ticket_id, call_count)
) strict;
