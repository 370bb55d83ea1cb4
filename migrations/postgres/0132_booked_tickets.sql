-- A booked patient's ticket waits for the doctor of the appointment, until want_until; then anybody may call it.

alter table ticket add column want_doctor uuid references account (id);
alter table ticket add column want_until bigint;
alter table ticket add column appointment_id uuid references appointment (id);

create index ticket_appointment on ticket (appointment_id) where appointment_id is not null;
