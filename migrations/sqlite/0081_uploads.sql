-- Pictures that come in pieces: how much is here, and what the whole must be. What a picture is of, where it was asked for.

create table upload (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    visit_id blob not null references visit (id),
    sender text not null,
    picture_of text not null check (picture_of in ('tongue')),
    size integer not null,
    sha256 text not null,
    received integer not null,
    created_at integer not null,
    finished_at integer
) strict;

alter table attachment add column picture_of text check (picture_of in ('tongue'));
