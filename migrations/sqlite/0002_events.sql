-- The event log, which is outbox and resume log at once; idempotency keys; the audit chain.

create table topic (
    topic text primary key not null,
    head integer not null
) strict, without rowid;

create table event (
    topic text not null,
    seq integer not null,
    institution_id blob not null references institution (id),
    kind text not null,
    payload text not null,
    at integer not null,
    primary key (topic, seq)
) strict, without rowid;

create table idem (
    actor text not null,
    key text not null,
    request_hash blob not null,
    body text,
    at integer not null,
    primary key (actor, key)
) strict, without rowid;

create table audit (
    institution_id blob not null references institution (id),
    seq integer not null,
    at integer not null,
    actor text not null,
    action text not null,
    subject text not null,
    purpose text,
    detail text not null,
    previous_hash text not null,
    hash text not null,
    primary key (institution_id, seq)
) strict, without rowid;

create trigger audit_never_changes before update on audit begin
    select raise(abort, 'the audit never changes');
end;

create trigger audit_never_goes before delete on audit begin
    select raise(abort, 'the audit is never deleted');
end;
