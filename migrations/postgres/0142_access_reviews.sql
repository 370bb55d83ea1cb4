-- Records that were read by somebody who does not treat the patient, until somebody else has judged it.
-- Who read a record is found by its subject.

create table access_review (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    visit_id uuid not null references visit (id),
    reader uuid not null references account (id),
    reason_sealed bytea not null,
    at bigint not null,
    reviewed_by uuid references account (id),
    reviewed_at bigint,
    verdict text check (verdict in ('justified', 'not_justified'))
);

create index access_review_open on access_review (institution_id, at) where reviewed_at is null;
create index audit_subject on audit (institution_id, subject, seq);
