-- What a clinic tells those who wait in it: all of them, or one. The words are sealed, for they may be about somebody.

create table notice (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    clinic_id blob not null references clinic (id),
    ticket_id blob references ticket (id),
    sender text not null,
    body_sealed blob not null,
    at integer not null
) strict;

create index notice_clinic on notice (clinic_id, at);
