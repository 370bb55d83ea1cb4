-- A desk that fell silent remembers what it did: a paused one comes back paused, not open.

alter table desk add column lost_as text check (lost_as in ('open', 'paused', 'closing'));
