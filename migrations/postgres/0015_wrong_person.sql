-- A ticket whose wrong person was found out in the call is called again, and that is another visit: nothing of the first may
-- be met in the second. One visit of a ticket counts; those with the wrong person do not.

alter table visit drop constraint visit_ticket_id_key;

create unique index visit_ticket on visit (ticket_id) where end_reason is null or end_reason <> 'wrong_person';
