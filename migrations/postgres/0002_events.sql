-- The event log, which is outbox and resume log at once; idempotency keys; the audit chain.

create table topic (
    topic text primary key not null,
    head bigint not null
);

create table event (
    topic text not null,
    seq bigint not null,
    institution_id uuid not null references institution (id),
    kind text not null,
    payload jsonb not null,
    at bigint not null,
    primary key (topic, seq)
);

create table idem (
    actor text not null,
    key text not null,
    request_hash bytea not null,
    body jsonb,
    at bigint not null,
    primary key (actor, key)
);

create table audit (
    institution_id uuid not null references institution (id),
    seq bigint not null,
    at bigint not null,
    actor text not null,
    action text not null,
    subject text not null,
    purpose text,
    detail text not null, -- JSON as it was hashed, to the letter: jsonb would spell it anew
    previous_hash text not null,
    hash text not null,
    primary key (institution_id, seq)
);

create function audit_is_a_fact() returns trigger language plpgsql as $$
begin
    raise exception 'the audit never changes';
end $$;

create trigger audit_never_changes before update or delete on audit
    for each row execute function audit_is_a_fact();
