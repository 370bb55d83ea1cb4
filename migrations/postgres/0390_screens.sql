-- Films of what somebody showed of their screen.

alter table recording add column is_screen boolean not null default false;
