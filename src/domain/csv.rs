//! Comma separated values (RFC 4180), as hospitals' spreadsheets write and read them.
