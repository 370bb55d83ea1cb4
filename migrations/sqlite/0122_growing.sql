-- What is asked of tables that grow for years is found by an index.

create index ticket_declaration on ticket (declaration_id, joined_at);
create index attachment_visit on attachment (visit_id);
create index upload_unfinished on upload (created_at, id) where finished_at is null;
create index alarm_patient on alarm (patient_id, closed_at) where closed_at is not null;
