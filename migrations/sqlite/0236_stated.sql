-- What stands on a prescription's paper beside what is prescribed, and until when it is good; what was signed before is
-- good for the three days that were promised.

alter table prescription add column stated text;
alter table prescription add column valid_until integer;
alter table prescription_version add column stated text;

update prescription set valid_until = signed_at + 259200000 where signed_at is not null;

drop index prescription_running;
create index prescription_running on prescription (valid_until) where state in ('signed', 'approved');
