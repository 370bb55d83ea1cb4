-- What goes: a film, or the conversation of a visit. Marked while nobody orders that it stays; then its files are removed
-- without a transaction, and only then it is forgotten and certified. Whoever ends in between finds here what to go on with.

create table leaving (
    id blob primary key,
    institution_id blob not null references institution (id),
    marked_at integer not null
) strict, without rowid;
