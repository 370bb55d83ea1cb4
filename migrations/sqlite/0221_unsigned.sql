-- Whether a visit's note was ever signed stands beside it, so that a doctor's unsigned ones are found by an index.

alter table visit add column is_signed integer not null default 0 check (is_signed in (0, 1));
update visit set is_signed = true where exists (select 1 from note where note.visit_id = visit.id);

create index visit_unsigned on visit (doctor_id, started_at) where not is_signed;
