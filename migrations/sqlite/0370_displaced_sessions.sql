-- Whether a session was ended because more of its account stood than are kept: its owner is told.

alter table session add column displaced integer not null default 0 check (displaced in (0, 1));

create index session_displaced on session (subject_id) where displaced = (1 = 1);
