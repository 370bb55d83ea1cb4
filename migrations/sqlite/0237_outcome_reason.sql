-- Why a visit sends its patient to a hospital.

alter table visit add column outcome_reason text;
