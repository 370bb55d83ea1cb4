//! Both databases have the same tables with the same columns in the same order.

use sqlx::{PgPool, SqlitePool};

use crate::support::database::{self, Db};

type Column = (String, String, String, bool);

/// Table, column, type as the table in `migrations/README.md` spells it for PostgreSQL, and whether it may be null.
async fn of_sqlite(pool: &SqlitePool) -> Vec<Column> {
    sqlx::query_as(
        r#"select m.name, p.name, lower(p.type), not p."notnull"
           from sqlite_master m join pragma_table_info(m.name) p
           where m.type = 'table' and m.name not like 'sqlite_%' and m.name <> '_sqlx_migrations'
           order by m.name, p.cid"#,
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

async fn of_postgres(pool: &PgPool) -> Vec<Column> {
    sqlx::query_as(
        "select table_name::text, column_name::text, data_type::text, is_nullable = 'YES'
         from information_schema.columns
         where table_schema = current_schema() and table_name <> '_sqlx_migrations'
         order by table_name collate \"C\", ordinal_position",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

/// Whether a type of one is the other's, by the table in `migrations/README.md`.
fn is_pair(sqlite: &str, postgres: &str) -> bool {
    matches!(
        (sqlite, postgres),
        ("blob", "uuid" | "bytea") | ("integer", "bigint" | "boolean") | ("text", "text" | "jsonb")
    )
}

#[tokio::test]
async fn both_databases_have_the_same_columns() {
    let Some(right) = database::postgres().await else { return };
    let left = database::sqlite().await;
    let (Db::Sqlite { writer, .. }, Db::Postgres(pool)) = (&left.db, &right.db) else {
        unreachable!("as they were made")
    };
    let (ours, theirs) = (of_sqlite(writer).await, of_postgres(pool).await);
    assert!(ours.len() > 100, "the tables are there");
    let name = |column: &Column| format!("{}.{}", column.0, column.1);
    let names = |columns: &[Column]| columns.iter().map(name).collect::<Vec<_>>();
    assert_eq!(names(&ours), names(&theirs), "the same columns in the same order");
    for (one, other) in ours.iter().zip(&theirs) {
        assert!(is_pair(&one.2, &other.2), "{}: {} is not {}", name(one), one.2, other.2);
        assert_eq!(one.3, other.3, "{} may be null on one of them only", name(one));
    }
}

#[tokio::test]
async fn both_databases_have_the_same_indexes() {
    let Some(right) = database::postgres().await else { return };
    let left = database::sqlite().await;
    let (Db::Sqlite { writer, .. }, Db::Postgres(pool)) = (&left.db, &right.db) else {
        unreachable!("as they were made")
    };
    let ours: Vec<(String, String)> = sqlx::query_as(
        "select tbl_name, name from sqlite_master where type = 'index' and sql is not null order by tbl_name, name",
    )
    .fetch_all(writer)
    .await
    .unwrap();
    // What PostgreSQL made itself for a primary key or a unique constraint has no statement in the migrations.
    let theirs: Vec<(String, String)> = sqlx::query_as(
        "select tablename::text, indexname::text
         from pg_indexes
         where schemaname = current_schema() and tablename <> '_sqlx_migrations'
           and indexname not in (select conname from pg_constraint where connamespace = current_schema()::regnamespace)
         order by tablename collate \"C\", indexname collate \"C\"",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert_eq!(ours, theirs);
}

#[tokio::test]
async fn a_database_is_migrated_twice_without_harm() {
    let fresh = database::sqlite().await;
    fresh.db.migrate().await.unwrap();
    let Some(fresh) = database::postgres().await else { return };
    fresh.db.migrate().await.unwrap();
}
