-- Calls of which somebody who did not watch was told by text message: one message a call, and in their language.

create table ring_text (
    ticket_id uuid not null references ticket (id),
    call_count bigint not null,
    at bigint not null,
    primary key (ticket_id, call_count)
);

alter table holder add column locale text not null default 'zh-CN' check (locale in ('zh-CN', 'en'));
