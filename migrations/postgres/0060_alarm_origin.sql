-- From where an alarm came, as a keyed hash; and whether it waits, unheard, behind others from there.

alter table alarm add column origin bytea;
alter table alarm add column folded boolean not null default false;

create index alarm_of_origin on alarm (clinic_id, origin) where closed_at is null;
