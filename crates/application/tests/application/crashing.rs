//! A service that is killed between a commit and its answer: the command is found by its id.

use revaer_domain::torrent::TorrentCommand;
use sqlx::{Postgres, Transaction};

use crate::support::{World, magnet, operator};

/// Keeps every append waiting, in the database.
async fn hold_appends(world: &World) -> Transaction<'static, Postgres> {
    let mut holder = world.pool.begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(8245925716347)").execute(&mut *holder).await.unwrap();
    holder
}

#[tokio::test]
async fn command_whose_answer_nobody_heard_is_found_by_its_key() {
    let world = World::new().await;
    let (killed, key) = (world.process().await, operator(Some("k")));
    let holder = hold_appends(&world).await;
    let asking = tokio::spawn({
        let (application, key) = (killed.application.clone(), key.clone());
        async move { application.add(magnet(1), &key).await }
    });
    world.append_waits().await;
    // The statement is on the server, which carries it out whether or not anybody is left to hear.
    asking.abort();
    killed.kill().await;
    holder.rollback().await.unwrap();
    world.wait_for("SELECT count(*) = 1 FROM events").await;

    let after = world.process().await;
    let done = after.application.add(magnet(1), &key).await.unwrap();
    assert!(done.repeated);
    assert_eq!(world.kinds(done.id).await, ["added"]);
}

#[tokio::test]
async fn caller_that_goes_away_is_served_all_the_same() {
    let world = World::new().await;
    let process = world.process().await;
    let (id, key) = (process.add(1).await.id, operator(Some("k")));
    let holder = hold_appends(&world).await;
    let asking = tokio::spawn({
        let (application, key) = (process.application.clone(), key.clone());
        async move { application.command(id, TorrentCommand::Pause, &key).await }
    });
    world.append_waits().await;
    asking.abort();
    holder.rollback().await.unwrap();
    world.wait_for("SELECT count(*) = 2 FROM events").await;
    let again = process.application.command(id, TorrentCommand::Pause, &key).await.unwrap();
    assert!(again.repeated && again.torrent.paused);
    // What it had folded before is not the truth, and is not taken for it.
    let done = process.tell(id, TorrentCommand::Resume).await;
    assert_eq!((done.version, world.kinds(id).await.len()), (3, 3));
}
