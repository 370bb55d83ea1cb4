//! Statements that the store does not have: what somebody with the database in hand could try.

use uuid::Uuid;
use yunzhen::store::{Db, Tx};

/// Runs a statement.
pub async fn run(db: &Db, statement: &'static str) {
    attempt(db, statement).await.unwrap_or_else(|refusal| panic!("{statement}: {refusal}"));
}

/// Runs a statement within a transaction.
pub async fn within(tx: &mut Tx, statement: &'static str) {
    let done = match tx {
        Tx::Sqlite(tx) => sqlx::query(statement).execute(&mut **tx).await.map(drop),
        Tx::Postgres(tx) => sqlx::query(statement).execute(&mut **tx).await.map(drop),
    };
    done.unwrap_or_else(|refusal| panic!("{statement}: {refusal}"));
}

/// What the database says against a statement that it must refuse.
pub async fn refusal(db: &Db, statement: &'static str) -> String {
    attempt(db, statement).await.expect_err("the database refuses")
}

async fn attempt(db: &Db, statement: &'static str) -> Result<(), String> {
    let done = match db {
        Db::Sqlite { writer, .. } => sqlx::query(statement).execute(writer).await.map(drop),
        Db::Postgres(pool) => sqlx::query(statement).execute(pool).await.map(drop),
    };
    done.map_err(|error| error.to_string())
}

/// The ids that a query about one id gives.
pub async fn ids(db: &Db, query: &'static str, about: Uuid) -> Vec<Uuid> {
    let found = match db {
        Db::Sqlite { readers, .. } => sqlx::query_scalar(query).bind(about).fetch_all(readers).await,
        Db::Postgres(pool) => sqlx::query_scalar(query).bind(about).fetch_all(pool).await,
    };
    found.unwrap_or_else(|refusal| panic!("{query}: {refusal}"))
}
