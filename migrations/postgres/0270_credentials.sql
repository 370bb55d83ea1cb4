-- What the hospital has on paper of a doctor before a desk opens: the registration with the state, since which day they
-- practise independently, and the day of the institution's written consent. What is not recorded yet is null.

create table credential (
    account_id uuid primary key not null references account (id),
    registration text,
    practises_since text,
    consent_on text,
    recorded_by uuid references account (id),
    recorded_at bigint not null
);
