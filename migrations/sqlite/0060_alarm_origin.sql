-- From where an alarm came, as a keyed hash; and whether it waits, unheard, behind others from there.

alter table alarm add column origin blob;
alter table alarm add column folded integer not null default 0 check (folded in (0, 1));

create index alarm_of_origin on alarm (clinic_id, origin) where closed_at is null;
