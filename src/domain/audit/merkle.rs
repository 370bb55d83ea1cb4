//! The hash tree of a day's entries (RFC 6962).
