-- Who is invited into a room, and where everybody with a seat stands: in front of the door, inside, or held apart.
-- Of a token only its hash is kept; a name is sealed.

create table invitation (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    room_id uuid not null references room (id),
    visit_id uuid not null references visit (id),
    role text not null check (role in ('invited_doctor', 'interpreter', 'family', 'observer')),
    name_sealed bytea not null,
    token_hash bytea not null unique,
    invited_by uuid not null references account (id),
    created_at bigint not null,
    expires_at bigint not null,
    used_by bytea,
    used_at bigint,
    session_id uuid,
    revoked_at bigint
);

create index invitation_visit on invitation (visit_id, created_at);

-- A check cannot be changed in place on both databases: the columns are made again with more words.
alter table seat add column role_word text not null default 'patient'
    check (role_word in ('patient', 'doctor', 'nurse', 'invited_doctor', 'interpreter', 'family', 'observer'));
update seat set role_word = role;
alter table seat drop column role;
alter table seat rename column role_word to role;

alter table seat add column standing text not null default 'inside' check (standing in ('door', 'inside', 'held'));

alter table session add column kind_word text not null default 'caller'
    check (kind_word in ('staff', 'holder', 'caller', 'guest'));
update session set kind_word = subject_kind;
alter table session drop column subject_kind;
alter table session rename column kind_word to subject_kind;
