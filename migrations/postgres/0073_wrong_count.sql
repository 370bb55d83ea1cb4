-- How often somebody else than the patient answered a ticket's call: nobody may hold a desk up by it for ever.

alter table ticket add column wrong_count bigint not null default 0;
