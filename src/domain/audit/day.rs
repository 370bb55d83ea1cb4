//! A day of the audit log, sealed.
