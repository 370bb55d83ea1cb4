-- Who was muted by a host is muted still after a restart, until they speak again themselves.

alter table seat add column muted boolean not null default false;
