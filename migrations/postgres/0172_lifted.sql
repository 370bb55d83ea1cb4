-- Why an order that something stays was lifted, in words; orders lifted before have none.

alter table legal_hold add column lift_sealed bytea;
