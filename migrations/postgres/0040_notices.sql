-- What a clinic tells those who wait in it: all of them, or one. The words are sealed, for they may be about somebody.

create table notice (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    clinic_id uuid not null references clinic (id),
    ticket_id uuid references ticket (id),
    sender text not null,
    body_sealed bytea not null,
    at bigint not null
);

create index notice_clinic on notice (clinic_id, at);
