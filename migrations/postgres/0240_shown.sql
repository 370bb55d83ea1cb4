-- What a clinic shows before anybody comes: its price, where one is set, and where to complain.

alter table clinic add column price_fen bigint check (price_fen >= 0);
alter table clinic add column complaints_phone text;
alter table clinic add column complaints_at_zh text;
alter table clinic add column complaints_at_en text;
