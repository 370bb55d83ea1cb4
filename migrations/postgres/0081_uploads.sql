-- Pictures that come in pieces: how much is here, and what the whole must be. What a picture is of, where it was asked for.

create table upload (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    visit_id uuid not null references visit (id),
    sender text not null,
    picture_of text not null check (picture_of in ('tongue')),
    size bigint not null,
    sha256 text not null,
    received bigint not null,
    created_at bigint not null,
    finished_at bigint
);

alter table attachment add column picture_of text check (picture_of in ('tongue'));
