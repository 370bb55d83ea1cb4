-- Films in which pictures are missing because the camera spoke a codec that is not recorded.

alter table recording add column is_unpictured integer not null default 0 check (is_unpictured in (0, 1));
