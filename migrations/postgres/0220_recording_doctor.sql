-- Whose visit a recording is of stands beside it, so that a doctor's newest are found among those of all by an index.

alter table recording add column doctor_id uuid references account (id);
update recording set doctor_id = (select visit.doctor_id from visit where visit.id = recording.visit_id);

create index recording_doctor on recording (doctor_id, started_at);
