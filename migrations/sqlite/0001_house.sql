-- The hospital: institutions, clinics, desks, accounts, sessions. Every row of every later table has an institution.

create table institution (
    id blob primary key not null,
    kind text not null check (kind in ('hospital', 'partner')),
    name_zh text not null,
    name_en text not null,
    help_phone text not null,
    created_at integer not null
) strict;

create table clinic (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    code text not null,
    link_token text not null unique,
    kind text not null check (kind in ('fever', 'tcm')),
    name_zh text not null,
    name_en text not null,
    time_zone text not null,
    is_open integer not null check (is_open in (0, 1)),
    miss_shift integer not null,
    miss_limit integer not null,
    ring_secs integer not null,
    retriage_minutes integer not null,
    position integer not null,
    created_at integer not null,
    unique (institution_id, code)
) strict;

create table account (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    username text not null unique,
    password_hash text not null,
    role text not null check (role in ('doctor', 'nurse', 'pharmacist', 'administrator')),
    name_zh text not null,
    name_en text not null,
    title_zh text not null,
    title_en text not null,
    active integer not null check (active in (0, 1)),
    licence_until integer,
    created_at integer not null
) strict;

create table desk (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    clinic_id blob not null references clinic (id),
    name_zh text not null,
    name_en text not null,
    state text not null check (state in ('closed', 'open', 'paused', 'closing', 'lost')),
    account_id blob references account (id),
    lease_until integer,
    paused_until integer,
    last_call_at integer,
    version integer not null
) strict;

create unique index desk_of_doctor on desk (account_id) where account_id is not null;

create table session (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    subject_kind text not null check (subject_kind in ('staff', 'holder', 'caller')),
    subject_id blob not null,
    refresh_hash blob not null,
    previous_hash blob,
    rotated_at integer not null,
    expires_at integer not null,
    revoked_at integer,
    created_at integer not null
) strict;

create unique index session_refresh on session (refresh_hash);
create index session_previous on session (previous_hash) where previous_hash is not null;
