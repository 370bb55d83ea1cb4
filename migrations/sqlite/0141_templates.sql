-- Texts that a doctor inserts into a note by an act; those of nobody belong to the institution.

create table note_template (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    owner blob references account (id),
    name text not null,
    field text not null check (field in ('complaint', 'history', 'background', 'examination', 'diagnosis', 'advice')),
    body text not null,
    version integer not null,
    saved_at integer not null,
    retired_at integer
) strict;

create index note_template_of on note_template (institution_id, owner) where retired_at is null;
