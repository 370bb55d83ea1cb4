-- What a patient agreed to when a room began to record, and which films end because the consent was taken back.

alter table room add column agreed_version text;
alter table room add column agreed_at integer;

alter table recording add column is_withdrawn integer not null default 0 check (is_withdrawn in (0, 1));
