-- A third paper has a code: the referral slip (转诊单).

alter table document_code drop constraint document_code_kind_check;
alter table document_code
    add constraint document_code_kind_check check (kind in ('record', 'prescription', 'referral'));
