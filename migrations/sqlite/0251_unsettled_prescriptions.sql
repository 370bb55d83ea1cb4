-- What a pharmacist sent back, until its doctor has signed it again: the doctor's desk asks for it with every look.

create index prescription_unsettled on prescription (doctor_id) where state in ('returned', 'draft');
