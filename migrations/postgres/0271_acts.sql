-- When the person of a session last did something, for whoever rested proves anew who they are; and in which browser, for
-- whoever looks which sessions are theirs. Of a session from before, the sign-in is what is known.

alter table session add column acted_at bigint not null default 0;
alter table session add column browser text;
update session set acted_at = created_at;

create index session_staff on session (subject_id) where subject_kind = 'staff' and revoked_at is null;
