-- Every save of a draft, so that two edits of one text can be merged and its history be read.

create table note_version (
    visit_id blob not null references visit (id),
    version integer not null,
    content text not null,
    saved_by blob not null references account (id),
    saved_at integer not null,
    primary key (visit_id, version)
) strict;
