-- no-transaction
-- Lines of who was invited into the call of a visit; they name the invitation, in which the name is kept.

-- SQLite cannot drop a constraint: the table is made anew.

pragma foreign_keys = off;

begin immediate;

create table message_new (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    visit_id blob not null references visit (id),
    side text not null check (side in ('patient', 'staff', 'guest')),
    sender text not null,
    name_zh text not null,
    name_en text not null,
    body_sealed blob not null,
    attachment_id blob,
    at integer not null
) strict;

insert into message_new (id, institution_id, visit_id, side, sender, name_zh, name_en, body_sealed, attachment_id, at)
select id, institution_id, visit_id, side, sender, name_zh, name_en, body_sealed, attachment_id, at
from message;

drop table message;

alter table message_new rename to message;

create index message_visit on message (visit_id, at, id);

commit;

pragma foreign_keys = on;
