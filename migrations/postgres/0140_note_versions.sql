-- Every save of a draft, so that two edits of one text can be merged and its history be read.

create table note_version (
    visit_id uuid not null references visit (id),
    version bigint not null,
    content text not null,
    saved_by uuid not null references account (id),
    saved_at bigint not null,
    primary key (visit_id, version)
);
