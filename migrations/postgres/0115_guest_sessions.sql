-- All sessions of one invitation are found at once: when it is used again, and when it is taken back.

create index session_guest on session (subject_id) where subject_kind = 'guest' and revoked_at is null;
