-- The codes on documents: who has the paper can ask whether it is authentic, and learns nothing else.

create table document_code (
    token_hash blob primary key not null,
    institution_id blob not null references institution (id),
    kind text not null check (kind in ('record', 'prescription')),
    subject text not null,
    hash text not null,
    made_at integer not null
) strict;

create trigger document_code_never_changes before update on document_code begin
    select raise(abort, 'a code never changes');
end;

create trigger document_code_never_goes before delete on document_code begin
    select raise(abort, 'a code never changes');
end;
