//! Why the database did not do it, and whether the same may succeed later.

/// Why the database did not do it. Never holds a value of a row.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, is full, or is too busy; nothing was changed.
    #[error("the database cannot be reached")]
    Unavailable,
    /// A unique index refused; nothing was changed.
    #[error("a row like this exists")]
    Conflict,
    /// Anything else is a fault of ours.
    #[error("the database refused: {0}")]
    Other(String),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::PoolTimedOut | E::PoolClosed | E::Io(_) | E::WorkerCrashed | E::Tls(_) => Self::Unavailable,
            E::Database(e) if e.is_unique_violation() => Self::Conflict,
            E::Database(e) => match e.code().as_deref() {
                Some(code) if is_passing(code) => Self::Unavailable,
                // The message of a database error names tables and columns, never values; the detail would.
                _ => Self::Other(e.message().to_owned()),
            },
            E::ColumnDecode { index, .. } => Self::Other(format!("column {index} does not decode")),
            _ => Self::Other(error.to_string()),
        }
    }
}

/// Whether an error's code says that the same may succeed later.
///
/// SQLite's extended codes keep the primary one in their lowest byte: busy 5, locked 6, I/O 10, full 13, cannot open 14.
/// PostgreSQL's have five characters: lost connections 08, serialization and deadlock 40, no resources 53, a lock or an
/// object in use 55, an operator or a time-out 57, a system error 58, a transaction that idled for too long 25P03.
fn is_passing(code: &str) -> bool {
    match code.parse::<u32>() {
        Ok(sqlite) if code.len() < 5 => matches!(sqlite & 0xff, 5 | 6 | 10 | 13 | 14),
        _ => code == "25P03" || ["08", "40", "53", "55", "57", "58"].iter().any(|class| code.starts_with(class)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_succeed_later_is_told_from_what_will_not() {
        for code in ["5", "517", "10", "1034", "13", "40P01", "40001", "57014", "55P03", "08006", "25P03"] {
            assert!(is_passing(code), "{code}");
        }
        for code in ["1", "19", "2067", "23505", "42601", "22P05"] {
            assert!(!is_passing(code), "{code}");
        }
    }
}
