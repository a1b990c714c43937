//! A connection that is lost at the worst moment: after the statement was sent, before or after it was carried out.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use revaer_event_log::{AppendError, Options, Position, migrate};
use revaer_test_support::TestDatabase;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::support::{PATIENCE, Running, TestLog, append, commanded, count, once, stream, wait_for};

const PASS: u8 = 0;
/// The next thing that a client says never arrives.
const CUT_REQUEST: u8 = 1;
/// The next thing that a client says arrives, and the answer doesn't.
const CUT_REPLY: u8 = 2;

/// A socket before the server's, on which one exchange can be cut.
struct Wire {
    cut: Arc<AtomicU8>,
    dir: TempDir,
}

impl Wire {
    fn to(server: &PgConnectOptions) -> Wire {
        let port = server.get_port();
        let name = format!(".s.PGSQL.{port}");
        let server = server.get_socket().expect("the shared server has a socket").join(&name);
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join(&name)).unwrap();
        let cut = Arc::new(AtomicU8::new(PASS));
        tokio::spawn({
            let cut = Arc::clone(&cut);
            async move {
                loop {
                    let (client, _) = listener.accept().await.unwrap();
                    tokio::spawn(carry(client, server.clone(), Arc::clone(&cut)));
                }
            }
        });
        Wire { cut, dir }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }
}

async fn carry(mut client: UnixStream, server: impl AsRef<Path>, cut: Arc<AtomicU8>) {
    let mut server = UnixStream::connect(server).await.unwrap();
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut swallow_reply = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(size @ 1..) = read else { return };
                // Only what appends: the tailer's exchanges pass.
                if asked[..size].windows(13).any(|text| text == b"test.happened") {
                    match cut.swap(PASS, Ordering::SeqCst) {
                        CUT_REQUEST => return,
                        CUT_REPLY => swallow_reply = true,
                        _ => {}
                    }
                }
                if server.write_all(&asked[..size]).await.is_err() { return }
            }
            read = server.read(&mut answered) => {
                let Ok(size @ 1..) = read else { return };
                if swallow_reply { return }
                if client.write_all(&answered[..size]).await.is_err() { return }
            }
        }
    }
}

struct Cuttable {
    running: Running,
    pool: PgPool,
    wire: Wire,
    _database: TestDatabase,
}

async fn cuttable() -> Cuttable {
    let database = TestDatabase::create().await;
    let pool = database.pool().await;
    migrate(&pool).await.unwrap();
    let wire = Wire::to(&database.connect_options());
    let through = PgPool::connect_with(database.connect_options().socket(wire.path())).await.unwrap();
    let running = Running::start(through, Options::default()).await;
    // Afterwards the statement is prepared, and an append is one exchange.
    running.log.append(append("first", 0, 1)).await.unwrap();
    Cuttable { running, pool, wire, _database: database }
}

#[tokio::test]
async fn append_whose_answer_was_lost_is_found_by_its_command() {
    let test = cuttable().await;
    test.wire.cut.store(CUT_REPLY, Ordering::SeqCst);
    let appended = test.running.log.append(commanded("s", 0, 2, 1)).await.unwrap();
    assert_eq!(test.wire.cut.load(Ordering::SeqCst), PASS, "it was cut");
    assert_eq!((appended.position, appended.version), (Position(3), 2));
    assert_eq!((count(&test.pool, "events").await, count(&test.pool, "commands").await), (3, 1));
    // What was recorded under this id before is another matter, also when the answer about it was lost.
    test.wire.cut.store(CUT_REPLY, Ordering::SeqCst);
    let repeat = test.running.log.append(commanded("elsewhere", 0, 1, 1)).await;
    assert!(matches!(repeat, Err(AppendError::AlreadyRecorded(_))), "{repeat:?}");
}

#[tokio::test]
async fn append_that_is_not_remembered_is_found_by_its_facts_when_its_answer_was_lost() {
    let test = cuttable().await;
    test.wire.cut.store(CUT_REPLY, Ordering::SeqCst);
    let appended = test.running.log.append(once("s", 0, 2, 1)).await.unwrap();
    assert_eq!(test.wire.cut.load(Ordering::SeqCst), PASS, "it was cut");
    assert_eq!((appended.position, appended.version), (Position(3), 2));
    let facts = test.running.log.read_stream(&stream("s"), 0, 10).await.unwrap();
    assert_eq!((facts.len(), facts[1].recorded_at), (2, appended.recorded_at));
    assert_eq!(count(&test.pool, "commands").await, 0);

    // It never arrived, and meanwhile the stream has another command's facts where its own would be.
    test.wire.cut.store(CUT_REQUEST, Ordering::SeqCst);
    let conflict = test.running.log.append(once("s", 1, 1, 2)).await;
    assert_eq!(test.wire.cut.load(Ordering::SeqCst), PASS, "it was cut");
    assert!(matches!(conflict, Err(AppendError::VersionConflict { actual: 2, .. })), "{conflict:?}");
    test.wire.cut.store(CUT_REQUEST, Ordering::SeqCst);
    assert_eq!(test.running.log.append(once("s", 2, 1, 3)).await.unwrap().version, 3);
    // Nothing to find: what changes nothing is done again, and changes nothing again.
    let _nothing = test.running.log.append(once("s", 3, 0, 4)).await.unwrap();
    assert_eq!((count(&test.pool, "events").await, count(&test.pool, "commands").await), (4, 0));
}

#[tokio::test]
async fn append_that_never_arrived_is_sent_again() {
    let test = cuttable().await;
    test.wire.cut.store(CUT_REQUEST, Ordering::SeqCst);
    let appended = test.running.log.append(commanded("s", 0, 2, 1)).await.unwrap();
    assert_eq!(test.wire.cut.load(Ordering::SeqCst), PASS, "it was cut");
    assert_eq!(appended.version, 2);
    assert_eq!(count(&test.pool, "events").await, 3);
}

#[tokio::test]
async fn append_without_a_command_is_never_tried_twice() {
    let test = cuttable().await;
    for (round, cut, facts) in [(0_u128, CUT_REPLY, 2), (1, CUT_REQUEST, 2)] {
        test.wire.cut.store(cut, Ordering::SeqCst);
        let refused = test.running.log.append(append(&format!("s{round}"), 0, 1)).await;
        assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
        // Whether it had happened or not: nobody did it again.
        assert_eq!(count(&test.pool, "events").await, facts);
        // The next one has a new connection, on which it is prepared first.
        test.running.log.append(commanded("first", 1, 0, round)).await.unwrap();
    }
}

/// Appends while somebody holds the append lock, has the server end the connection that waits for it, and lets go.
async fn append_that_the_server_ends(
    test: &TestLog,
    append: revaer_event_log::Append,
) -> Result<revaer_event_log::Appended, AppendError> {
    let mut holder = test.pool.begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(8245925716347)").execute(&mut *holder).await.unwrap();
    let log = test.log.clone();
    let appending = tokio::spawn(async move { log.append(append).await });
    let ended = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) > 0 FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory'";
    wait_for(&test.pool, ended).await;
    holder.rollback().await.unwrap();
    tokio::time::timeout(PATIENCE, appending).await.expect("answered").unwrap()
}

#[tokio::test]
async fn command_whose_statement_the_server_ended_happens_once() {
    let test = TestLog::start().await;
    test.log.append(append("s", 0, 1)).await.unwrap();
    let appended = append_that_the_server_ends(&test, commanded("s", 1, 1, 1)).await.unwrap();
    let facts = test.log.read_stream(&stream("s"), 0, 10).await.unwrap();
    assert_eq!((facts.len(), facts[1].position), (2, appended.position));

    let appended = append_that_the_server_ends(&test, once("t", 0, 2, 2)).await.unwrap();
    let facts = test.log.read_stream(&stream("t"), 0, 10).await.unwrap();
    assert_eq!((facts.len(), facts[1].position), (2, appended.position));

    let nameless = append_that_the_server_ends(&test, append("s", 2, 1)).await;
    assert!(matches!(nameless, Err(AppendError::Unavailable(_))), "{nameless:?}");
    assert_eq!(count(&test.pool, "events").await, 4, "what has no id is never tried twice");
    test.log.append(append("s", 2, 1)).await.unwrap();
}
