-- What the tidying and a freed place look for is found by an index: films whose time is over, those of a visit with a wrong
-- person, and the wishes that wait, in their order.

create index recording_retained on recording (retain_until);
create index visit_of_wrong_person on visit (id) where end_reason = 'wrong_person';
create index wish_waiting on wish (clinic_id, made_at, id) where state = 'waiting';
