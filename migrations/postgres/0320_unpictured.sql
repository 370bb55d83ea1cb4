-- Films in which pictures are missing because the camera spoke a codec that is not recorded.

alter table recording add column is_unpictured boolean not null default false;
