-- What the doctor has ticked for a visit before a prescription may exist: its kind, the proof seen, who is there, pregnancy as asked.

create table visit_basis (
    visit_id uuid primary key references visit (id),
    institution_id uuid not null references institution (id),
    kind text not null check (kind in ('consult', 'return', 'epidemic')),
    proof_seen boolean not null,
    guardian_present boolean not null,
    paediatric boolean not null,
    pregnancy text not null check (pregnancy in ('unknown', 'no', 'pregnant', 'postpartum', 'lactating')),
    ticked_by uuid not null references account (id),
    ticked_at bigint not null
);
