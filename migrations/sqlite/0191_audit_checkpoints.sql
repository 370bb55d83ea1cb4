-- The head of the audit log, signed from hour to hour: whoever cuts off the end of a day that is not sealed yet is found.

create table audit_checkpoint (
    institution_id blob not null references institution (id),
    seq integer not null,
    head_hash text not null,
    at integer not null,
    primary key (institution_id, seq)
) strict;

create trigger audit_checkpoint_never_changes before update on audit_checkpoint begin
    select raise(abort, 'a signed head never changes');
end;

create trigger audit_checkpoint_never_goes before delete on audit_checkpoint begin
    select raise(abort, 'a signed head never changes');
end;
