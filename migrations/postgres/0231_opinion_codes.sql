-- A fourth paper has a code: the opinion (会诊意见).

alter table document_code drop constraint document_code_kind_check;
alter table document_code
    add constraint document_code_kind_check check (kind in ('record', 'prescription', 'referral', 'opinion'));
