-- By `card_index` everybody is found who was named with one document, however the name was spelled and by whomever:
-- `number_index` belongs to the key that keeps one holder's patients apart, and says nothing to anybody else. The two
-- differ; where they are still equal and the kind does not state a resident number, a start computes the first anew.

alter table patient add column card_index blob;
update patient set card_index = number_index;

create index patient_card on patient (institution_id, card_index);
-- Those that a start has to look at, which are none soon.
create index patient_without_card on patient (id)
    where card_index is null or (card_index = number_index and document not in ('resident_card', 'household_register'));
create index ticket_in_visit on ticket (patient_id) where state in ('serving', 'suspended');
