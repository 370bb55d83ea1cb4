-- What administrators said of things whose time runs: that a purpose has ended, that what is due may go. And which
-- prescriptions went. None of them changes; a signed prescription goes only after it stands here that it was due.

create table purpose_end (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    clinic_id blob not null references clinic (id),
    declared_until integer not null,
    said_by text not null,
    said_at integer not null,
    check (declared_until <= said_at)
) strict;

create index purpose_end_clinic on purpose_end (clinic_id, said_at);

create table retention_approval (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    class text not null check (class in ('prescription_ordinary', 'prescription_toxic', 'prescription_controlled')),
    due_until integer not null,
    approved_by text not null,
    approved_at integer not null,
    check (due_until <= approved_at)
) strict;

create index retention_approval_class on retention_approval (institution_id, class, due_until);

create table prescription_gone (
    prescription_id blob primary key not null,
    institution_id blob not null references institution (id),
    class text not null,
    hash text not null,
    due integer not null,
    gone_at integer not null,
    check (due <= gone_at)
) strict;

create index prescription_prescribed on prescription (institution_id, signed_at);
create index prescription_unsigned on prescription (institution_id, saved_at) where signed_at is null;

alter table declaration add column gone_at integer;

create index declaration_clinic on declaration (clinic_id, saved_at);

create trigger purpose_end_never_changes before update on purpose_end begin
    select raise(abort, 'what was said of retention is a fact');
end;

create trigger purpose_end_never_goes before delete on purpose_end begin
    select raise(abort, 'what was said of retention is a fact');
end;

create trigger retention_approval_never_changes before update on retention_approval begin
    select raise(abort, 'what was said of retention is a fact');
end;

create trigger retention_approval_never_goes before delete on retention_approval begin
    select raise(abort, 'what was said of retention is a fact');
end;

create trigger prescription_gone_never_changes before update on prescription_gone begin
    select raise(abort, 'what was said of retention is a fact');
end;

create trigger prescription_gone_never_goes before delete on prescription_gone begin
    select raise(abort, 'what was said of retention is a fact');
end;

drop trigger prescription_version_never_goes;

create trigger prescription_version_never_goes before delete on prescription_version
when not exists (select 1 from prescription_gone where prescription_gone.prescription_id = old.prescription_id) begin
    select raise(abort, 'a signed prescription is a fact');
end;
