//! Lists of torrents by keyset: only the filters that are given, so that each combination gets a plan of its own.

use std::collections::HashMap;

use revaer_domain::values::TorrentId;
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{AssertSqlSafe, FromRow, Postgres, QueryBuilder, Row};
use time::OffsetDateTime;

use crate::cursor::{Cursor, Key};
use crate::index::ListIndex;
use crate::query::LIMIT_MAX;
use crate::torrents::text;
use crate::{QueryError, Sort, TorrentQuery, TorrentRow};

/// What a row of a list is made from.
pub(crate) const SELECT: &str = include_str!("../../../projections/torrents/select.sql");

/// The items of a page, and the cursor of the next one: found in memory, or where that is not possible in the rows.
pub(crate) async fn page(
    pool: &PgPool,
    index: &ListIndex,
    query: &TorrentQuery,
) -> Result<(Vec<TorrentRow>, Option<String>), QueryError> {
    let limit = query.limit.clamp(1, LIMIT_MAX) as usize;
    let after = query.cursor.as_deref().map(|cursor| Cursor::decode(cursor, query)).transpose()?;
    match index.find(query, after.as_ref(), limit) {
        Some(found) => {
            let items = fetch(pool, query, &found.ids).await?;
            Ok((items, found.end.map(|end| end.encode(query))))
        }
        None => page_of_rows(pool, query, after, limit).await,
    }
}

/// The rows of torrents that were found, in that order. Rows may be younger than what found them: one that is gone, or that is not
/// what was asked for any more, is left out.
pub(crate) async fn fetch(
    pool: &PgPool,
    query: &TorrentQuery,
    ids: &[TorrentId],
) -> Result<Vec<TorrentRow>, QueryError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let places: HashMap<_, _> = (0_usize..).zip(ids).map(|(place, id)| (*id, place)).collect();
    let rows = sqlx::query(AssertSqlSafe(format!("{SELECT}WHERE torrent.id = ANY ($1)")))
        .bind(ids.iter().map(TorrentId::to_string).collect::<Vec<_>>())
        .fetch_all(pool)
        .await?;
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        if holds(row, query)? {
            items.push(TorrentRow::from_row(row)?);
        }
    }
    items.sort_by_key(|item| places.get(&item.id));
    Ok(items)
}

/// Whether every filter holds of a row, as the statement below says it.
fn holds(row: &PgRow, query: &TorrentQuery) -> Result<bool, sqlx::Error> {
    let has = |column: &str, value: Option<String>| -> Result<bool, sqlx::Error> {
        let Some(value) = value else { return Ok(true) };
        let values: Option<Vec<String>> = row.try_get(column)?;
        Ok(values.is_some_and(|values| values.contains(&value)))
    };
    let lower = |value: &Option<String>| value.as_ref().map(|value| text(value).to_lowercase());
    let named = match lower(&query.name) {
        Some(part) => row.try_get::<&str, _>("name_lower")?.contains(&part),
        None => true,
    };
    let state = match query.state {
        Some(state) => row.try_get::<&str, _>("status")? == state.name(),
        None => true,
    };
    Ok(named
        && state
        && has("trackers", lower(&query.tracker))?
        && has("extensions", lower(&query.extension))?
        && has("labels", query.label.as_ref().map(|label| text(label)))?)
}

/// The same page from the rows alone.
pub(crate) async fn page_of_rows(
    pool: &PgPool,
    query: &TorrentQuery,
    after: Option<Cursor>,
    limit: usize,
) -> Result<(Vec<TorrentRow>, Option<String>), QueryError> {
    let mut statement = statement(query, after, limit + 1)?;
    let mut rows: Vec<PgRow> = statement.build().fetch_all(pool).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = if more { rows.last().map(|row| end(row, query.sort)).transpose()? } else { None };
    let items = rows.iter().map(TorrentRow::from_row).collect::<Result<_, _>>()?;
    Ok((items, last.map(|last| last.encode(query))))
}

fn statement(
    query: &TorrentQuery,
    after: Option<Cursor>,
    rows_max: usize,
) -> Result<QueryBuilder<Postgres>, QueryError> {
    let mut sql = QueryBuilder::<Postgres>::new("SELECT * FROM (");
    sql.push(SELECT).push(") AS listed WHERE true");
    if let Some(name) = &query.name {
        sql.push(" AND strpos(name_lower, ").push_bind(text(name).to_lowercase()).push(") > 0");
    }
    if let Some(state) = query.state {
        sql.push(" AND status = ").push_bind(state.name());
    }
    if let Some(tracker) = &query.tracker {
        sql.push(" AND trackers @> ").push_bind(vec![text(tracker).to_lowercase()]);
    }
    if let Some(extension) = &query.extension {
        sql.push(" AND extensions @> ").push_bind(vec![text(extension).to_lowercase()]);
    }
    if let Some(label) = &query.label {
        sql.push(" AND labels @> ").push_bind(vec![text(label)]);
    }
    let (column, beyond, order) = (
        column(query.sort),
        if query.descending { "<" } else { ">" },
        if query.descending { "DESC" } else { "ASC" },
    );
    if let Some(Cursor { key, id }) = after {
        sql.push(format_args!(" AND ({column}, id) {beyond} ("));
        match (query.sort, key) {
            (Sort::AddedAt, Key::Time(microseconds)) => {
                sql.push_bind(moment(microseconds).ok_or(QueryError::Cursor)?);
            }
            (Sort::Name, Key::Name(name)) => {
                sql.push_bind(name);
            }
            (Sort::Size, Key::Size(bytes)) => {
                sql.push_bind(bytes);
            }
            (Sort::Progress, Key::Progress(bits)) => {
                sql.push_bind(f64::from_bits(bits));
            }
            _ => return Err(QueryError::Cursor),
        }
        sql.push(", ").push_bind(id).push(")");
    }
    sql.push(format_args!(" ORDER BY {column} {order}, id {order} LIMIT "));
    sql.push_bind(i64::try_from(rows_max).unwrap_or(i64::MAX));
    Ok(sql)
}

const fn column(sort: Sort) -> &'static str {
    match sort {
        Sort::AddedAt => "added_at",
        Sort::Name => "name_key",
        Sort::Size => "size_key",
        Sort::Progress => "progress",
    }
}

/// Where a page ended.
fn end(row: &PgRow, sort: Sort) -> Result<Cursor, sqlx::Error> {
    let key = match sort {
        Sort::AddedAt => {
            let at: OffsetDateTime = row.try_get("added_at")?;
            Key::Time(i64::try_from(at.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX))
        }
        Sort::Name => Key::Name(row.try_get("name_key")?),
        Sort::Size => Key::Size(row.try_get("size_key")?),
        Sort::Progress => Key::Progress(row.try_get::<f64, _>("progress")?.to_bits()),
    };
    Ok(Cursor { key, id: row.try_get("id")? })
}

/// A time that PostgreSQL can hold, too.
fn moment(microseconds: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(microseconds) * 1000)
        .ok()
        .filter(|at| at.year() > -4000)
}

#[cfg(test)]
mod tests {
    use revaer_domain::torrent::Status;
    use revaer_event_log::{EventLog, Options, migrate};
    use revaer_test_support::TestDatabase;

    use super::*;
    use crate::Projector;

    /// Enough rows that reading all of them would be the worse plan.
    const FILL: &str = "
        INSERT INTO torrents.torrent
        SELECT 'id' || n, NULL, NULL, 'name ' || n, 'name ' || n, CASE WHEN n % 100 = 0 THEN 'paused' ELSE 'seeding' END,
               n, n, n, 0, 0, 0, 0, now() + n * interval '1 s', NULL, '', NULL, NULL, '{}', NULL, NULL, '{}', false, 1, n
        FROM generate_series(1, 20000) AS n;
        INSERT INTO torrents.torrent_search
        SELECT 'id' || n, 'name ' || n, ARRAY['label ' || n % 1000], ARRAY['host ' || n % 1000], ARRAY['ext' || n % 500]
        FROM generate_series(1, 20000) AS n;
        INSERT INTO torrent_live SELECT 'id' || n, n, 0, 0, 0, 0, 0, 0, 0 FROM generate_series(1, 20000) AS n;
        SELECT gin_clean_pending_list('torrents.torrent_search_lists');
        ANALYZE torrents.torrent, torrents.torrent_search, torrent_live";

    /// The statement with its values in the places of their numbers, which EXPLAIN asks for.
    fn explained(query: &TorrentQuery, after: Option<Cursor>, values: &[&str]) -> String {
        let statement = statement(query, after, 51).expect("a statement");
        let mut text = statement.sql().as_str().to_owned();
        for (number, value) in values.iter().enumerate().rev() {
            text = text.replace(&format!("${}", number + 1), value);
        }
        assert!(!text.contains('$'), "{text}");
        format!("EXPLAIN {text}")
    }

    async fn filled() -> (TestDatabase, PgPool) {
        let database = TestDatabase::create().await;
        let pool = database.pool().await;
        migrate(&pool).await.expect("migrates");
        let (log, _runner) = EventLog::open(pool.clone(), Options::default()).await.expect("opens");
        drop(Projector::open(log).await.expect("opens"));
        sqlx::raw_sql(FILL).execute(&pool).await.expect("fills");
        (database, pool)
    }

    /// A filter, and its value as the statement names it.
    type Filter = (fn(&mut TorrentQuery), &'static str);

    /// In the order in which the statement has them: two parts of names and two states, one of each common and one rare.
    const FILTERS: [Filter; 7] = [
        (|query| query.name = Some("name 1".into()), "'name 1'"),
        (|query| query.name = Some("name 19999".into()), "'name 19999'"),
        (|query| query.state = Some(Status::Seeding), "'seeding'"),
        (|query| query.state = Some(Status::Paused), "'paused'"),
        (|query| query.tracker = Some("host 7".into()), "ARRAY['host 7']"),
        (|query| query.extension = Some("ext7".into()), "ARRAY['ext7']"),
        (|query| query.label = Some("label 7".into()), "ARRAY['label 7']"),
    ];

    /// The most rows that a page may sort: those that one rare filter leaves. Of all the rows it is a fiftieth.
    const SORTED_ROWS_MAX: f64 = 400.0;

    /// What a plan does that it should not: reads a table from one end to the other, or sorts many rows.
    fn faults(plan: &serde_json::Value) -> Vec<String> {
        let name = plan["Node Type"].as_str().unwrap_or_default();
        let children = plan["Plans"].as_array().map_or(&[][..], Vec::as_slice);
        let rows = |plan: &serde_json::Value| plan["Actual Rows"].as_f64().unwrap_or_default();
        let mut found: Vec<_> = children.iter().flat_map(faults).collect();
        if name == "Seq Scan" {
            found.push(format!("{name} of {}", plan["Relation Name"]));
        }
        if name.contains("Sort") && children.iter().map(rows).sum::<f64>() > SORTED_ROWS_MAX {
            found.push(format!("{name} of {}", children.iter().map(rows).sum::<f64>()));
        }
        found
    }

    #[tokio::test]
    async fn filters_alone_and_in_pairs_are_found_by_an_index_and_few_rows_are_sorted() {
        let (_database, pool) = filled().await;
        for (number, one) in FILTERS.iter().enumerate() {
            for other in &FILTERS[number..] {
                for (sort, descending) in [
                    (Sort::AddedAt, false),
                    (Sort::AddedAt, true),
                    (Sort::Name, false),
                    (Sort::Name, true),
                    (Sort::Size, false),
                    (Sort::Size, true),
                ] {
                    let mut query = TorrentQuery { sort, descending, ..TorrentQuery::default() };
                    one.0(&mut query);
                    let alone = query.clone();
                    other.0(&mut query);
                    // A filter with itself is that filter alone; two of one kind are the second.
                    let same_kind = std::mem::discriminant(&alone.name)
                        == std::mem::discriminant(&query.name)
                        && alone.state.is_some() == query.state.is_some()
                        && (alone.tracker == query.tracker)
                        && (alone.extension == query.extension)
                        && (alone.label == query.label);
                    let values = if same_kind { vec![other.1, "51"] } else { vec![one.1, other.1, "51"] };
                    let statement = explained(&query, None, &values).replacen(
                        "EXPLAIN",
                        "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON)",
                        1,
                    );
                    let plan: serde_json::Value = sqlx::query_scalar(AssertSqlSafe(statement.clone()))
                        .fetch_one(&pool)
                        .await
                        .expect("explains");
                    let mut faults = faults(&plan[0]["Plan"]);
                    // A part of a name is found by reading names, where little else is asked for.
                    faults.retain(|fault| query.name.is_none() || fault != "Seq Scan of \"torrent_search\"");
                    assert!(faults.is_empty(), "{faults:?}\n{statement}\n{plan:#}");
                }
            }
        }
    }

    #[tokio::test]
    async fn pages_are_read_from_an_index_whichever_the_sort() {
        let (_database, pool) = filled().await;

        let at = |key| Some(Cursor { key, id: "id7".to_owned() });
        let paused = TorrentQuery { state: Some(Status::Paused), ..TorrentQuery::default() };
        let mut statements = vec![explained(&paused, None, &["'paused'", "51"])];
        for descending in [false, true] {
            for (sort, key, value) in [
                (Sort::AddedAt, Key::Time(0), "now() + interval '10000 s'"),
                (Sort::Name, Key::Name("name 5".to_owned()), "'name 5'"),
                (Sort::Size, Key::Size(10_000), "10000"),
            ] {
                let query = TorrentQuery { sort, descending, ..TorrentQuery::default() };
                statements.push(explained(&query, None, &["51"]));
                statements.push(explained(&query, at(key), &[value, "'id7'", "51"]));
            }
        }
        for statement in statements {
            let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(statement.clone()))
                .fetch_all(&pool)
                .await
                .expect("explains");
            let plan = plan.join("\n");
            assert!(!plan.contains("Seq Scan") && !plan.contains("Sort"), "{statement}\n{plan}");
        }
    }
}
