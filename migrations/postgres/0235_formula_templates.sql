-- Formulas that a doctor keeps for the own prescriptions; they are nobody else's.

create table formula_template (
    id uuid primary key not null,
    institution_id uuid not null references institution (id),
    owner uuid not null references account (id),
    name text not null,
    sheet jsonb not null,
    version bigint not null,
    saved_at bigint not null,
    retired_at bigint
);

create index formula_template_of on formula_template (institution_id, owner) where retired_at is null;
