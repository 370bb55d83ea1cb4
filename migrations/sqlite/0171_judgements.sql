-- Why somebody judged such a read as they did, in words; reads judged before have none.

alter table access_review add column words_sealed blob;
create index access_review_judged on access_review (institution_id, reviewed_at) where reviewed_at is not null;
