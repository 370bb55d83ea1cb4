//! Signed documents as PDF.
