-- Films that may go are found by an index: those whose time is over, and those of a visit with a wrong person.

create index recording_retained on recording (retain_until);
create index visit_of_wrong_person on visit (id) where end_reason = 'wrong_person';
