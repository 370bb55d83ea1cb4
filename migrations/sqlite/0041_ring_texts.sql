-- Calls of which somebody who did not watch was told by text message: one message a call, and in their language.

create table ring_text (
    ticket_id blob not null references ticket (id),
    call_count integer not null,
    at integer not null,
    primary key (ticket_id, call_count)
) strict, without rowid;

alter table holder add column locale text not null default 'zh-CN' check (locale in ('zh-CN', 'en'));
