-- What the doctor has ticked for a visit before a prescription may exist: its kind, the proof seen, who is there, pregnancy as asked.

create table visit_basis (
    visit_id blob primary key references visit (id),
    institution_id blob not null references institution (id),
    kind text not null check (kind in ('consult', 'return', 'epidemic')),
    proof_seen integer not null check (proof_seen in (0, 1)),
    guardian_present integer not null check (guardian_present in (0, 1)),
    paediatric integer not null check (paediatric in (0, 1)),
    pregnancy text not null check (pregnancy in ('unknown', 'no', 'pregnant', 'postpartum', 'lactating')),
    ticked_by blob not null references account (id),
    ticked_at integer not null
) strict;
