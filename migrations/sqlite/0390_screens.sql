-- Films of what somebody showed of their screen.

alter table recording add column is_screen integer not null default 0 check (is_screen in (0, 1));
