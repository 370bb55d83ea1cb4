-- Offers whose time is over are looked for each second.
create index wish_offered on wish (offered_until, id) where state = 'offered';
