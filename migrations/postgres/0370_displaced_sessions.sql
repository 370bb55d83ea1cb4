-- Whether a session was ended because more of its account stood than are kept: its owner is told.

alter table session add column displaced boolean not null default false;

create index session_displaced on session (subject_id) where displaced = (1 = 1);
