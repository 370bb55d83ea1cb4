-- What a patient agreed to when a room began to record, and which films end because the consent was taken back.

alter table room add column agreed_version text;
alter table room add column agreed_at bigint;

alter table recording add column is_withdrawn boolean not null default false;
