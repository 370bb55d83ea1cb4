-- The head of the audit log, signed from hour to hour: whoever cuts off the end of a day that is not sealed yet is found.

create table audit_checkpoint (
    institution_id uuid not null references institution (id),
    seq bigint not null,
    head_hash text not null,
    at bigint not null,
    primary key (institution_id, seq)
);

create function audit_checkpoint_is_a_fact() returns trigger language plpgsql as $$
begin
    raise exception 'a signed head never changes';
end $$;

create trigger audit_checkpoint_never_changes before update or delete on audit_checkpoint
    for each row execute function audit_checkpoint_is_a_fact();
