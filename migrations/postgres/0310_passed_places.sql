-- A place that one patient of a telephone let pass goes to no other patient of it: the wishes to which a slot was offered are
-- asked for whenever it becomes free.

create index wish_slot on wish (slot_id) where slot_id is not null;
