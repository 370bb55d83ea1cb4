//! The days of the audit log, sealed.
