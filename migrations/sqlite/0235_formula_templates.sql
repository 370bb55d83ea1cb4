-- Formulas that a doctor keeps for the own prescriptions; they are nobody else's.

create table formula_template (
    id blob primary key not null,
    institution_id blob not null references institution (id),
    owner blob not null references account (id),
    name text not null,
    sheet text not null,
    version integer not null,
    saved_at integer not null,
    retired_at integer
) strict;

create index formula_template_of on formula_template (institution_id, owner) where retired_at is null;
