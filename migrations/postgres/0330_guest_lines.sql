-- Lines of who was invited into the call of a visit; they name the invitation, in which the name is kept.

alter table message drop constraint message_side_check;

alter table message add constraint message_side_check check (side in ('patient', 'staff', 'guest'));
