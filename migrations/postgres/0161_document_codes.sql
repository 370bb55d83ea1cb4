-- The codes on documents: who has the paper can ask whether it is authentic, and learns nothing else.

create table document_code (
    token_hash bytea primary key not null,
    institution_id uuid not null references institution (id),
    kind text not null check (kind in ('record', 'prescription')),
    subject text not null,
    hash text not null,
    made_at bigint not null
);

create function document_code_is_a_fact() returns trigger language plpgsql as $$
begin
    raise exception 'a code never changes';
end $$;

create trigger document_code_never_changes before update or delete on document_code
    for each row execute function document_code_is_a_fact();
