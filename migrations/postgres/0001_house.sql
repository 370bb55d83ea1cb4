-- The hospital: institutions, clinics, desks, accounts, sessions. Every row of every later table has an institution.

create table institution (
    id uuid primary key not null,
    kind text not null check (kind in ('hospital', 'partner')),
    name_zh text not null,
    name_en text not null,
    help_phone text not null,
    created_at bigint not null
);

create table clinic (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    code text not null,
    link_token text not null unique,
    kind text not null check (kind in ('fever', 'tcm')),
    name_zh text not null,
    name_en text not null,
    time_zone text not null,
    is_open boolean not null,
    miss_shift bigint not null,
    miss_limit bigint not null,
    ring_secs bigint not null,
    retriage_minutes bigint not null,
    position bigint not null,
    created_at bigint not null,
    unique (institution_id, code)
);

create table account (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    username text not null unique,
    password_hash text not null,
    role text not null check (role in ('doctor', 'nurse', 'pharmacist', 'administrator')),
    name_zh text not null,
    name_en text not null,
    title_zh text not null,
    title_en text not null,
    active boolean not null,
    licence_until bigint,
    created_at bigint not null
);

create table desk (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    clinic_id uuid not null references clinic (id),
    name_zh text not null,
    name_en text not null,
    state text not null check (state in ('closed', 'open', 'paused', 'closing', 'lost')),
    account_id uuid references account (id),
    lease_until bigint,
    paused_until bigint,
    last_call_at bigint,
    version bigint not null
);

create unique index desk_of_doctor on desk (account_id) where account_id is not null;

create table session (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    subject_kind text not null check (subject_kind in ('staff', 'holder', 'caller')),
    subject_id uuid not null,
    refresh_hash bytea not null,
    previous_hash bytea,
    rotated_at bigint not null,
    expires_at bigint not null,
    revoked_at bigint,
    created_at bigint not null
);

create unique index session_refresh on session (refresh_hash);
create index session_previous on session (previous_hash) where previous_hash is not null;
