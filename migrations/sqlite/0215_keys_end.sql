-- A key that signed is kept for what it signed: it ends once, where a successor signs, and nothing else of it changes.

create trigger signing_key_only_ends before update on signing_key
when new.id is not old.id or new.institution_id is not old.institution_id or new.owner is not old.owner
    or new.algorithm is not old.algorithm or new.public_key is not old.public_key or new.created_at is not old.created_at
    or (old.retired_at is not null and new.retired_at is not old.retired_at)
begin
    select raise(abort, 'a key never changes, it ends once');
end;

create trigger signing_key_never_goes before delete on signing_key begin
    select raise(abort, 'a key never changes, it ends once');
end;
