-- A key that signed is kept for what it signed: it ends once, where a successor signs, and nothing else of it changes.

create function signing_key_only_ends() returns trigger language plpgsql as $$
begin
    raise exception 'a key never changes, it ends once';
end $$;

create trigger signing_key_only_ends before update on signing_key
    for each row
    when (
        new.id is distinct from old.id or new.institution_id is distinct from old.institution_id
        or new.owner is distinct from old.owner or new.algorithm is distinct from old.algorithm
        or new.public_key is distinct from old.public_key or new.created_at is distinct from old.created_at
        or (old.retired_at is not null and new.retired_at is distinct from old.retired_at)
    )
    execute function signing_key_only_ends();

create trigger signing_key_never_goes before delete on signing_key
    for each row execute function signing_key_only_ends();
