-- The sealed days of the audit log: the root of the tree over the day's entries. A seal never changes.

create table audit_day (
    institution_id blob not null references institution (id),
    day text not null,
    first_seq integer not null,
    last_seq integer not null,
    head_hash text not null,
    root text not null,
    previous_root text not null,
    sealed_at integer not null,
    primary key (institution_id, day)
) strict;

create index signature_purpose on signature (institution_id, purpose);

create trigger audit_day_never_changes before update on audit_day begin
    select raise(abort, 'a sealed day never changes');
end;

create trigger audit_day_never_goes before delete on audit_day begin
    select raise(abort, 'a sealed day never changes');
end;
