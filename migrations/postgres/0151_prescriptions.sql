-- Prescriptions: one row through all its versions. Content, report and answers are text, for their very letters are hashed.

create table prescription (
    id uuid primary key,
    institution_id uuid not null references institution (id),
    clinic_id uuid not null references clinic (id),
    visit_id uuid not null references visit (id),
    patient_id uuid not null,
    number text not null,
    state text not null check (state in ('draft', 'signed', 'approved', 'returned', 'refused', 'dispensed', 'stopped', 'expired')),
    version bigint not null,
    content text not null,
    report text not null,
    answers text not null,
    hash text,
    data_version text not null,
    legal_basis text not null,
    start_day text not null,
    end_day text not null,
    doctor_id uuid not null references account (id),
    created_at bigint not null,
    saved_at bigint not null,
    signed_at bigint,
    needs_second boolean not null,
    countersigned_by uuid references account (id),
    countersigned_at bigint,
    claimed_by uuid references account (id),
    claim_until bigint,
    reviewed_by uuid references account (id),
    reviewed_at bigint,
    review text,
    dispensed_by uuid references account (id),
    dispensed_at bigint,
    stop_reason text
);

create unique index prescription_number on prescription (institution_id, number);
create index prescription_of_visit on prescription (visit_id);
create index prescription_of_patient on prescription (patient_id, start_day, end_day);
create index prescription_to_review on prescription (institution_id, signed_at) where state = 'signed';
create index prescription_to_dispense on prescription (institution_id, reviewed_at) where state = 'approved';
create index prescription_running on prescription (signed_at) where state in ('signed', 'approved');
