-- Records that were read by somebody who does not treat the patient, until somebody else has judged it.
-- Who read a record is found by its subject.

create table access_review (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    visit_id blob not null references visit (id),
    reader blob not null references account (id),
    reason_sealed blob not null,
    at integer not null,
    reviewed_by blob references account (id),
    reviewed_at integer,
    verdict text check (verdict in ('justified', 'not_justified'))
) strict;

create index access_review_open on access_review (institution_id, at) where reviewed_at is null;
create index audit_subject on audit (institution_id, subject, seq);
