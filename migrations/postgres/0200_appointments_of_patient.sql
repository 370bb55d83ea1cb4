-- Whether a patient may have one more place is asked with every booking: by patient and hour.

create index appointment_of_patient on appointment (patient_id, starts_at) where state in ('booked', 'checked_in');
