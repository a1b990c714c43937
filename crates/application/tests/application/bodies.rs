//! Large bodies beside the log.

use revaer_application::ResumeRow;
use revaer_domain::values::{InfoHash, TorrentId};
use ulid::Ulid;

use crate::support::{World, parsed};

fn row(number: u128, body: &[u8]) -> ResumeRow {
    ResumeRow { id: TorrentId::new(Ulid(number)), piece_count: 3, body: body.to_vec() }
}

#[tokio::test]
async fn resume_data_is_replaced_and_forgotten() {
    let world = World::new().await;
    let process = world.process().await;
    let bodies = process.application.bodies();
    let id = TorrentId::new(Ulid(1));
    assert_eq!(bodies.resume_data(id).await.unwrap(), None);
    bodies.put_resume_data(&[]).await.unwrap();
    bodies.put_resume_data(&[row(1, b"first"), row(2, b"other")]).await.unwrap();
    bodies.put_resume_data(&[row(1, b"second")]).await.unwrap();
    assert_eq!(bodies.resume_data(id).await.unwrap().as_deref(), Some(b"second".as_slice()));
    assert_eq!(world.count("resume_data").await, 2);
    bodies.forget_resume_data(id).await.unwrap();
    assert_eq!(bodies.resume_data(id).await.unwrap(), None);
}

#[tokio::test]
async fn resume_data_that_its_hash_does_not_match_is_as_good_as_none() {
    let world = World::new().await;
    let process = world.process().await;
    process.application.bodies().put_resume_data(&[row(1, b"whole")]).await.unwrap();
    sqlx::query("UPDATE resume_data SET body = 'torn'").execute(&world.pool).await.unwrap();
    assert_eq!(process.application.bodies().resume_data(TorrentId::new(Ulid(1))).await.unwrap(), None);
}

#[tokio::test]
async fn resume_data_that_was_set_aside_outlives_its_replacement() {
    let world = World::new().await;
    let process = world.process().await;
    let (bodies, id) = (process.application.bodies(), TorrentId::new(Ulid(1)));
    bodies.set_resume_data_aside(id).await.unwrap();
    bodies.put_resume_data(&[row(1, b"refused")]).await.unwrap();
    bodies.set_resume_data_aside(id).await.unwrap();
    bodies.put_resume_data(&[row(1, b"better")]).await.unwrap();
    assert_eq!(bodies.resume_data(id).await.unwrap().as_deref(), Some(b"better".as_slice()));
    let aside: Vec<u8> =
        sqlx::query_scalar("SELECT refused_body FROM resume_data").fetch_one(&world.pool).await.unwrap();
    assert_eq!(aside, b"refused");
}

#[tokio::test]
async fn torrent_files_and_file_lists_never_change() {
    let world = World::new().await;
    let process = world.process().await;
    let bodies = process.application.bodies();
    let (hash, id) = (InfoHash::V1([1; 20]), TorrentId::new(Ulid(1)));
    for number in [1, 2] {
        bodies.put_metainfo(&hash, &[number]).await.unwrap();
        bodies.put_files(id, &parsed(number).files).await.unwrap();
    }
    let known = [InfoHash::V2([1; 32]), hash];
    assert_eq!(bodies.metainfo(&known).await.unwrap(), Some(vec![1]), "by whichever hash it is kept under");
    assert_eq!(bodies.files(id).await.unwrap(), Some(parsed(1).files));
    assert_eq!(bodies.metainfo(&[InfoHash::V1([9; 20])]).await.unwrap(), None);
}

#[tokio::test]
async fn state_of_a_session_is_kept_for_each_node() {
    let world = World::new().await;
    let process = world.process().await;
    let bodies = process.application.bodies();
    assert_eq!(bodies.session_state("a").await.unwrap(), None);
    for body in [b"old", b"new"] {
        bodies.put_session_state("a", body).await.unwrap();
    }
    bodies.put_session_state("b", b"else").await.unwrap();
    assert_eq!(bodies.session_state("a").await.unwrap().as_deref(), Some(b"new".as_slice()));
}
