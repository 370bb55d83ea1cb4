-- A doctor's look at a called patient's declaration is audited once a call, however often the desk is read again.

create table handed (
    account_id uuid not null references account (id),
    ticket_id uuid not null references ticket (id),
    call_count bigint not null,
    at bigint not null,
    primary key (account_id, ticket_id, call_count)
);
