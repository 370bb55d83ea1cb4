-- Texts that a doctor inserts into a note by an act; those of nobody belong to the institution.

create table note_template (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    owner uuid references account (id),
    name text not null,
    field text not null check (field in ('complaint', 'history', 'background', 'examination', 'diagnosis', 'advice')),
    body text not null,
    version bigint not null,
    saved_at bigint not null,
    retired_at bigint
);

create index note_template_of on note_template (institution_id, owner) where retired_at is null;
