-- What rings and what waits folded are asked for each second, however many of the other there are.
create index alarm_ringing on alarm (clinic_id, origin) where closed_at is null and not folded;
create index alarm_folded on alarm (clinic_id, origin, raised_at, id) where closed_at is null and folded;
