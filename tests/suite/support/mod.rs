//! What the tests stand on.
//!
//! - [`on_both!`](crate::support::on_both) runs each test of the store once on SQLite and once on PostgreSQL;
//! - [`app`] is the whole site in this process, with browsers that ask it;
//! - [`binary`] is the binary in a process of its own, to start and to kill;
//! - [`database`] hands out fresh, migrated databases that nobody else sees;
//! - [`line`] is a line to a PostgreSQL that can go dead;
//! - [`postgres`] runs one private PostgreSQL for this process, and ends it with the process;
//! - [`sql`] does to a database what the store would never do;
//! - [`hospital`] is a clinic with desks and doctors, and short words for what happens in it;
//! - [`visiting`] adds a visit with its room.

pub mod app;
pub mod binary;
pub mod database;
pub mod hospital;
pub mod line;
pub mod postgres;
pub mod sql;
pub mod visiting;

/// Runs each test once on SQLite and once on PostgreSQL, each time on a database of its own.
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($db:ident: Db) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn contract($db: $crate::support::database::Db) $body

            #[tokio::test]
            async fn sqlite() {
                let fresh = $crate::support::database::sqlite().await;
                contract(fresh.db.clone()).await;
                fresh.db.close().await;
            }

            #[tokio::test]
            async fn postgres() {
                let Some(fresh) = $crate::support::database::postgres().await else { return };
                contract(fresh.db.clone()).await;
                fresh.db.close().await;
            }
        }
    )+};
}
pub(crate) use on_both;
