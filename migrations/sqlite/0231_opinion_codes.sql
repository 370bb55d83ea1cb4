-- A fourth paper has a code: the opinion (会诊意见).

-- SQLite changes no check, so the table is made anew; its rows stay.
create table document_code_of_four (
    token_hash blob primary key not null,
    institution_id blob not null references institution (id),
    kind text not null check (kind in ('record', 'prescription', 'referral', 'opinion')),
    subject text not null,
    hash text not null,
    made_at integer not null
) strict;

insert into document_code_of_four (token_hash, institution_id, kind, subject, hash, made_at)
select token_hash, institution_id, kind, subject, hash, made_at from document_code;

drop table document_code;
alter table document_code_of_four rename to document_code;

create trigger document_code_never_changes before update on document_code begin
    select raise(abort, 'a code never changes');
end;

create trigger document_code_never_goes before delete on document_code begin
    select raise(abort, 'a code never changes');
end;
