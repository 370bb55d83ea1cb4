-- The consent that stands is the newest of its kind: whoever calls a patient reads three rows, however many there are.

create index consent_newest on consent (patient_id, holder_id, kind, at);
