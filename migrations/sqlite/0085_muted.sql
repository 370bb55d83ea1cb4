-- Who was muted by a host is muted still after a restart, until they speak again themselves.

alter table seat add column muted integer not null default 0 check (muted in (0, 1));
