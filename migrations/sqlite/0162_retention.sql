-- Orders that something stays, and what is said of things that went. A certificate never changes.

create table legal_hold (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    subject text not null,
    reason_sealed blob not null,
    placed_by text not null,
    placed_at integer not null,
    lifted_by text,
    lifted_at integer
) strict;

create index legal_hold_subject on legal_hold (institution_id, subject);

create table deletion_certificate (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    class text not null,
    day text not null,
    count integer not null,
    first_due integer not null,
    last_due integer not null,
    hashes_root text not null,
    hashes text not null, -- one a line, in order
    made_at integer not null
) strict;

create index deletion_certificate_day on deletion_certificate (institution_id, day);

create trigger deletion_certificate_never_changes before update on deletion_certificate begin
    select raise(abort, 'a certificate never changes');
end;

create trigger deletion_certificate_never_goes before delete on deletion_certificate begin
    select raise(abort, 'a certificate never changes');
end;
