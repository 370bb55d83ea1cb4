//! Makes many visits of one: every row that it left is inserted again and again, by the database itself, with ids, times
//! and numbers of its own.
//!
//! An id keeps all but its last twelve digits, which count the copies; that holds in every column that names a grown row,
//! also inside of texts. Ten copies share a patient. What no page reads is left out: the events that sockets resume from.

use std::collections::HashSet;
use std::time::Instant;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use yunzhen::store::Dialect;

/// Rows of a person, copied once for each ten visits, and which of them.
const PERSON: [(&str, &str); 5] = [
    ("holder", "true"),
    ("patient", "true"),
    ("holder_patient", "true"),
    ("consent", "true"),
    ("session", "subject_kind = 'holder'"),
];
/// Rows of a visit, and which of them.
const VISIT: [(&str, &str); 20] = [
    ("declaration", "true"),
    ("slot", "id in (select slot_id from appointment)"),
    ("appointment", "true"),
    ("ticket", "true"),
    ("triage", "true"),
    ("room", "true"),
    ("seat", "true"),
    ("visit", "true"),
    ("visit_basis", "true"),
    ("note_draft", "true"),
    ("note_version", "true"),
    ("note", "true"),
    ("message", "true"),
    ("prescription", "true"),
    ("prescription_version", "true"),
    ("signature", "purpose not like 'audit%'"),
    ("document_code", "true"),
    ("handed", "true"),
    ("ring_text", "true"),
    ("audit", "true"),
];
/// Bytes that are unique without being an id.
const UNIQUE: [(&str, &str); 6] = [
    ("holder", "phone_index"),
    ("patient", "number_index"),
    ("patient", "card_index"),
    ("session", "refresh_hash"),
    ("session", "previous_hash"),
    ("document_code", "token_hash"),
];
/// What the copies fill.
const THREE_YEARS: i64 = 1090 * 86_400_000;
/// A moment that belongs to the led visit lies no farther from its ticket.
const NEAR: i64 = 60 * 86_400_000;

/// A connection that loads.
pub enum Loader {
    /// SQLite.
    Sqlite(SqliteConnection),
    /// PostgreSQL.
    Postgres(PgConnection),
}

/// What a column holds.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Bytes,
    Uuid,
    Number,
    Json,
    Text,
    YesNo,
}

struct Column {
    name: String,
    kind: Kind,
}

/// The grown ids, as 32 hexadecimal digits.
struct Grown {
    of_people: HashSet<String>,
    of_visits: HashSet<String>,
    /// When the led visit's ticket was taken.
    at: i64,
    /// The year of that.
    year: String,
}

impl Loader {
    const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs one statement; rows that it touched.
    pub async fn run(&mut self, statement: String) -> u64 {
        let text = AssertSqlSafe(statement.clone());
        let done = match self {
            Self::Sqlite(conn) => sqlx::query(text).execute(conn).await.map(|done| done.rows_affected()),
            Self::Postgres(conn) => sqlx::query(text).execute(conn).await.map(|done| done.rows_affected()),
        };
        done.unwrap_or_else(|error| panic!("{error}: {}", statement.chars().take(600).collect::<String>()))
    }

    /// The one text of each row.
    pub async fn texts(&mut self, query: String) -> Vec<String> {
        let text = AssertSqlSafe(query.clone());
        let found = match self {
            Self::Sqlite(conn) => sqlx::query_scalar(text).fetch_all(conn).await,
            Self::Postgres(conn) => sqlx::query_scalar(text).fetch_all(conn).await,
        };
        found.unwrap_or_else(|error| panic!("{error}: {query}"))
    }

    async fn number(&mut self, query: String) -> i64 {
        let found = self.texts(format!("select cast(({query}) as text)")).await;
        found[0].parse().unwrap_or_else(|_| panic!("no number: {query}"))
    }

    /// What it takes on the disk, in megabytes.
    pub async fn size(&mut self) -> Option<String> {
        let query = self.dialect().pick(
            "select cast(page_count * page_size / 1000000 as text) from pragma_page_count(), pragma_page_size()",
            "select cast(pg_database_size(current_database()) / 1000000 as text)",
        );
        self.texts(query.to_owned()).await.pop()
    }

    /// Ends.
    pub async fn close(self) {
        match self {
            Self::Sqlite(conn) => conn.close().await.unwrap(),
            Self::Postgres(conn) => conn.close().await.unwrap(),
        }
    }

    async fn columns(&mut self, table: &str) -> Vec<Column> {
        let query = self.dialect().pick(
            "select name || ' ' || lower(type) from pragma_table_info('TABLE') order by cid",
            "select column_name || ' ' || data_type from information_schema.columns
             where table_schema = current_schema() and table_name = 'TABLE' order by ordinal_position",
        );
        let found = self.texts(query.replace("TABLE", table)).await;
        let column = |text: &String| {
            let (name, kind) = text.split_once(' ').unwrap();
            let kind = match kind {
                "blob" | "bytea" => Kind::Bytes,
                "uuid" => Kind::Uuid,
                "integer" | "bigint" => Kind::Number,
                "jsonb" => Kind::Json,
                "boolean" => Kind::YesNo,
                "text" => Kind::Text,
                other => panic!("{table}.{name} is {other}"),
            };
            Column { name: name.to_owned(), kind }
        };
        found.iter().map(column).collect()
    }

    /// The rows of a table, each as one text a column.
    async fn rows(&mut self, table: &str, which: &str, columns: &[Column]) -> Vec<Vec<Option<String>>> {
        let dialect = self.dialect();
        let cell = |column: &Column| {
            let name = &column.name;
            match column.kind {
                Kind::Bytes => {
                    let hex = dialect.pick("hex(C)", "encode(C, 'hex')").replace('C', name);
                    format!("case when {name} is null then null else lower({hex}) end")
                }
                Kind::Uuid => format!("replace(cast({name} as text), '-', '')"),
                _ => format!("cast({name} as text)"),
            }
        };
        let cells: Vec<String> = columns.iter().map(cell).collect();
        let array = dialect.pick("json_array(CELLS)", "cast(json_build_array(CELLS) as text)");
        let array = array.replace("CELLS", &cells.join(", "));
        let found = self.texts(format!("select {array} from {table} where {which}")).await;
        let row = |text: &String| {
            let cells: Vec<Value> = serde_json::from_str(text).unwrap();
            cells.into_iter().map(|cell| cell.as_str().map(str::to_owned)).collect()
        };
        found.iter().map(row).collect()
    }
}

/// Makes `count` visits more of the one that is there.
pub async fn grow(loader: &mut Loader, count: i64) {
    let begun = Instant::now();
    let grown = Grown::find(loader).await;
    number_the_copies(loader, count, grown.at).await;
    let indexes = drop_indexes(loader).await;
    let mut rows = 0;
    for (table, which) in PERSON {
        rows += copy(loader, &grown, table, which, "where n % 10 = 0").await;
    }
    for (table, which) in VISIT {
        rows += copy(loader, &grown, table, which, "").await;
    }
    seal_the_past(loader, grown.at).await;
    println!("  {rows} rows inserted after {} s", begun.elapsed().as_secs());
    for index in indexes {
        loader.run(index).await;
    }
    loader.run("drop table grown".to_owned()).await;
    // It is long ago that somebody asked for a code.
    loader.run("delete from code_rate".to_owned()).await;
    loader.run("delete from one_time_code".to_owned()).await;
    if matches!(loader, Loader::Postgres(_)) {
        loader.run("vacuum".to_owned()).await;
    }
    loader.run("analyze".to_owned()).await;
    println!("  indexed and analyzed after {} s", begun.elapsed().as_secs());
}

impl Grown {
    async fn find(loader: &mut Loader) -> Self {
        let at = loader.number("select max(joined_at) from ticket".to_owned()).await;
        let day = loader.texts("select max(day) from ticket".to_owned()).await;
        let mut of = [HashSet::new(), HashSet::new()];
        for (place, tables) in [&PERSON[..], &VISIT[..]].into_iter().enumerate() {
            for (table, which) in tables {
                let columns = loader.columns(table).await;
                let key = ["id", "participant_id"].into_iter().find(|key| columns.iter().any(|c| c.name == *key));
                let Some(key) = key else { continue };
                let key = [Column { name: key.to_owned(), kind: kind_of(&columns, key) }];
                for row in loader.rows(table, which, &key).await {
                    let is_new = of[place].insert(row[0].clone().unwrap());
                    assert!(is_new, "an id of {table} is met twice");
                }
            }
        }
        let [of_people, of_visits] = of;
        let stems: HashSet<&str> = of_people.iter().chain(&of_visits).map(|id| &id[..20]).collect();
        assert_eq!(stems.len(), of_people.len() + of_visits.len(), "two ids differ in their last digits alone");
        Self { of_people, of_visits, at, year: day[0][..4].to_owned() }
    }

    fn holds(&self, id: &str) -> bool {
        self.of_visits.contains(id) || self.of_people.contains(id)
    }

    /// The last twelve digits of a grown id, as SQL.
    fn tail(&self, id: &str) -> &'static str {
        if self.of_people.contains(id) { "ph" } else { "h" }
    }

    /// A text with every grown id in it replaced, as SQL, and whether there was one.
    fn text(&self, text: &str) -> (String, bool) {
        let literal = |part: &str| format!("'{}'", part.replace('\'', "''"));
        let mut parts = Vec::new();
        let (mut from, mut at) = (0, 0);
        let bytes = text.as_bytes();
        while at < bytes.len() {
            let found = [36, 32].into_iter().find_map(|length| {
                let part = text.get(at..at + length)?;
                let plain = part.replace('-', "");
                (plain.len() == 32 && self.holds(&plain)).then_some((length, plain))
            });
            let Some((length, plain)) = found else {
                at += 1;
                continue;
            };
            parts.push(literal(&text[from..at + length - 12]));
            parts.push(self.tail(&plain).to_owned());
            at += length;
            from = at;
        }
        let has_some = !parts.is_empty();
        if from < text.len() || !has_some {
            parts.push(literal(&text[from..]));
        }
        (parts.join(" || "), has_some)
    }
}

fn kind_of(columns: &[Column], name: &str) -> Kind {
    columns.iter().find(|column| column.name == name).unwrap().kind
}

/// The table of copies: number, digits, whose, how far back in time, and how many days that is in China.
async fn number_the_copies(loader: &mut Loader, count: i64, at: i64) {
    let dialect = loader.dialect();
    let columns = dialect.pick(
        "n integer, h text, ph text, back integer, days integer",
        "n bigint, h text, ph text, back bigint, days bigint",
    );
    loader.run(format!("create table grown ({columns})")).await;
    let series = dialect.pick(
        "with recursive s (n) as (select 0 union all select n + 1 from s where n < COUNT - 1)",
        "with s (n) as (select generate_series(0::bigint, COUNT - 1))",
    );
    let digits = |number: &str| dialect.pick("printf('%012x', N)", "lpad(to_hex(N), 12, '0')").replace('N', number);
    let step = THREE_YEARS / count;
    // An odd number of milliseconds: no copy falls on a full minute with another.
    let back = format!("((({count} - n) * {step}) / 2 * 2 + 1)");
    let local = at + 8 * 3_600_000;
    let days = format!("({local} / 86400000 - ({local} - {back}) / 86400000)");
    let series = series.replace("COUNT", &count.to_string());
    let (h, ph) = (digits("(n + 1)"), digits("(n / 10 + 1)"));
    loader.run(format!("insert into grown {series} select n, {h}, {ph}, {back}, {days} from s")).await;
}

/// Drops what slows the loading down; the statements that make it again.
async fn drop_indexes(loader: &mut Loader) -> Vec<String> {
    let tables: Vec<String> = PERSON.iter().chain(&VISIT).map(|(table, _)| format!("'{table}'")).collect();
    let tables = tables.join(", ");
    let found = loader.dialect().pick(
        "select name || ';' || sql from sqlite_master where type = 'index' and sql is not null and tbl_name in (TABLES)",
        "select indexname || ';' || indexdef from pg_indexes
         where schemaname = current_schema() and tablename in (TABLES)
           and indexname not in (select conname from pg_constraint)",
    );
    let found = loader.texts(found.replace("TABLES", &tables)).await;
    let mut again = Vec::new();
    for text in found {
        let (name, statement) = text.split_once(';').unwrap();
        loader.run(format!("drop index {name}")).await;
        again.push(statement.to_owned());
    }
    again
}

/// Copies the rows that the led visit has in a table; how many there are now.
async fn copy(loader: &mut Loader, grown: &Grown, table: &str, which: &str, whom: &str) -> u64 {
    let begun = Instant::now();
    let columns = loader.columns(table).await;
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let all = loader.rows(table, which, &columns).await;
    // Of the log of all only what names the visit or its people.
    let is_ours = |row: &Vec<Option<String>>| table != "audit" || row.iter().flatten().any(|cell| grown.text(cell).1);
    let ours: Vec<Vec<Option<String>>> = all.into_iter().filter(is_ours).collect();
    // What is counted in a list of all goes on behind what is there.
    let count = ours.len();
    let last = match table {
        "audit" => loader.number("select max(seq) from audit".to_owned()).await,
        _ => 0,
    };
    let (mut rows, mut bytes) = (0, 0);
    for (place, row) in ours.iter().enumerate() {
        bytes += row.iter().flatten().map(String::len).sum::<usize>();
        let cell = |(column, cell): (&Column, &Option<String>)| match (column.name.as_str(), cell) {
            ("seq", _) if table == "audit" => format!("{last} + n * {count} + {place} + 1"),
            ("no", Some(_)) if table == "ticket" => "1000 + n".to_owned(),
            ("number", Some(text)) if table == "prescription" => format!("'{text}-' || n"),
            ("state", Some(_)) if table == "appointment" => "'seen'".to_owned(),
            _ => expression(loader.dialect(), grown, table, column, cell.as_deref()),
        };
        let cells: Vec<String> = columns.iter().zip(row).map(cell).collect();
        let (names, cells) = (names.join(", "), cells.join(", "));
        rows += loader.run(format!("insert into {table} ({names}) select {cells} from grown {whom}")).await;
    }
    println!("  {table:<22} {count:>3} rows of {bytes:>6} letters each visit, {} s", begun.elapsed().as_secs());
    rows
}

/// One value of a copy, as SQL.
fn expression(dialect: Dialect, grown: &Grown, table: &str, column: &Column, cell: Option<&str>) -> String {
    let Some(cell) = cell else { return "null".to_owned() };
    let bytes = |digits: String| match column.kind {
        Kind::Uuid => format!("cast({digits} as uuid)"),
        _ => dialect.pick("unhex(D)", "decode(D, 'hex')").replace('D', &digits),
    };
    match column.kind {
        Kind::Bytes | Kind::Uuid if UNIQUE.contains(&(table, &column.name)) => {
            let tail = if PERSON.iter().any(|(person, _)| *person == table) { "ph" } else { "h" };
            bytes(format!("'{}' || {tail}", &cell[..cell.len() - 12]))
        }
        Kind::Bytes | Kind::Uuid if grown.holds(cell) => bytes(format!("'{}' || {}", &cell[..20], grown.tail(cell))),
        Kind::Bytes | Kind::Uuid => bytes(format!("'{cell}'")),
        Kind::Number => {
            let value: i64 = cell.parse().unwrap();
            if (value - grown.at).abs() < NEAR { format!("{value} - back") } else { cell.to_owned() }
        }
        Kind::YesNo => cell.to_owned(),
        Kind::Json => format!("cast({} as jsonb)", grown.text(cell).0),
        Kind::Text if is_day(cell, &grown.year) => {
            let moved = dialect.pick("date('D', '-' || days || ' days')", "cast(date 'D' - cast(days as int) as text)");
            moved.replace('D', cell)
        }
        Kind::Text => grown.text(cell).0,
    }
}

/// A day of the year of the visit, or of the next.
fn is_day(text: &str, year: &str) -> bool {
    let next = year.parse::<i32>().map(|year| (year + 1).to_string()).unwrap_or_default();
    let dashes: Vec<usize> = text.match_indices('-').map(|(at, _)| at).collect();
    text.len() == 10 && dashes == [4, 7] && (text.starts_with(year) || text.starts_with(&next))
}

/// The audit log goes on behind the copies, and its days are sealed up to yesterday, so that the server seals none of them.
async fn seal_the_past(loader: &mut Loader, at: i64) {
    loader.run("update topic set head = (select max(seq) from audit) where topic like 'audit:%'".to_owned()).await;
    let today = loader.texts("select max(day) from ticket".to_owned()).await.remove(0);
    let day = loader.dialect().pick("date('D', '-' || days || ' days')", "cast(date 'D' - cast(days as int) as text)");
    let day = day.replace('D', &today);
    let seal = format!(
        "insert into audit_day (institution_id, day, first_seq, last_seq, head_hash, root, previous_root, sealed_at)
         select (select institution_id from audit limit 1), {day}, min(n) + 1, max(n) + 1, '', '', '', {at}
         from grown where days > 0 group by days"
    );
    loader.run(seal).await;
}
