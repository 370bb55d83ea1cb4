-- What administrators said of things whose time runs: that a purpose has ended, that what is due may go. And which
-- prescriptions went. None of them changes; a signed prescription goes only after it stands here that it was due.

create table purpose_end (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    clinic_id uuid not null references clinic (id),
    declared_until bigint not null,
    said_by text not null,
    said_at bigint not null,
    check (declared_until <= said_at)
);

create index purpose_end_clinic on purpose_end (clinic_id, said_at);

create table retention_approval (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    class text not null check (class in ('prescription_ordinary', 'prescription_toxic', 'prescription_controlled')),
    due_until bigint not null,
    approved_by text not null,
    approved_at bigint not null,
    check (due_until <= approved_at)
);

create index retention_approval_class on retention_approval (institution_id, class, due_until);

create table prescription_gone (
    prescription_id uuid primary key not null,
    institution_id uuid not null references institution (id),
    class text not null,
    hash text not null,
    due bigint not null,
    gone_at bigint not null,
    check (due <= gone_at)
);

create index prescription_prescribed on prescription (institution_id, signed_at);
create index prescription_unsigned on prescription (institution_id, saved_at) where signed_at is null;

alter table declaration add column gone_at bigint;

create index declaration_clinic on declaration (clinic_id, saved_at);

create function retention_is_a_fact() returns trigger language plpgsql as $$
begin
    raise exception 'what was said of retention is a fact';
end $$;

create trigger purpose_end_never_changes before update or delete on purpose_end
    for each row execute function retention_is_a_fact();

create trigger retention_approval_never_changes before update or delete on retention_approval
    for each row execute function retention_is_a_fact();

create trigger prescription_gone_never_changes before update or delete on prescription_gone
    for each row execute function retention_is_a_fact();

create or replace function prescription_version_is_a_fact() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and exists (select 1 from prescription_gone where prescription_id = old.prescription_id) then
        return old;
    end if;
    raise exception 'a signed prescription is a fact';
end $$;
