//! Audit days, documents, holds and verification.
