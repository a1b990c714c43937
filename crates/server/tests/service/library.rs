//! From the download into the library: a real torrent, a real pipeline, files on a real disk.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use reqwest::{Method, StatusCode};
use revaer_test_support::{SeederOptions, ServiceProcess, sha256_tree};
use serde_json::{Value, json};

use crate::story::Story;
use crate::world::{BOUND, REVAERD, World, act, add, kinds, until_kind};

/// What is in the archive.
const UNPACKED: &str = "inner/unpacked 合集.bin";

/// A payload with an archive in it.
pub(crate) fn world_with_archive() -> World {
    let options = SeederOptions { piece_length: Some(16 * 1024), ..SeederOptions::default() };
    World::prepared(6, 1 << 20, &options, |root| {
        let mut archive = zip::ZipWriter::new(fs::File::create(root.join("packed.zip")).unwrap());
        archive.start_file(UNPACKED, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(&unpacked()).unwrap();
        archive.finish().unwrap();
    })
}

fn unpacked() -> Vec<u8> {
    (0..300_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

/// The library of a world, made and allowed, with one profile for all torrents.
pub(crate) async fn library(service: &ServiceProcess, world: &World, profile: Value) -> PathBuf {
    let library = world.beside("library");
    fs::create_dir_all(&library).unwrap();
    let mut all = json!({ "library_root": library });
    all.as_object_mut().unwrap().extend(profile.as_object().unwrap().clone());
    let settings = json!({ "fsops": {
        "allowed_roots": [library],
        "profiles": { "films": all },
        "default_profile": "films",
    } });
    let (status, answer) = service.exchange(Method::PATCH, "/v1/settings", Some(&settings)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    library
}

pub(crate) async fn until_fsops(service: &ServiceProcess, id: &str, state: &str) -> Value {
    let is_there = |torrent: &Value| torrent["fsops"]["state"] == state;
    service.wait_until(&format!("/v1/torrents/{id}"), BOUND, is_there).await
}

async fn until_health(service: &ServiceProcess, state: &str) -> Value {
    let fsops = |health: &Value| -> Value {
        let parts = health["components"].as_array().cloned().unwrap_or_default();
        parts.into_iter().find(|part| part["component"] == "fsops").unwrap_or_default()
    };
    let health = service.wait_until("/health/full", BOUND, |health| fsops(health)["state"] == state).await;
    fsops(&health)
}

/// What the library has to hold: the payload without its archive, and what was in that.
pub(crate) fn wanted(world: &World) -> BTreeMap<PathBuf, String> {
    let mut wanted = world.payload.sha256().unwrap();
    wanted.remove(Path::new("packed.zip")).unwrap();
    let aside = tempfile::tempdir().unwrap();
    fs::create_dir_all(aside.path().join("inner")).unwrap();
    fs::write(aside.path().join(UNPACKED), unpacked()).unwrap();
    wanted.extend(sha256_tree(aside.path()).unwrap());
    wanted
}

/// Nothing but the result, the record beside it and the marker is left.
pub(crate) fn assert_only_results(library: &Path, results: usize) {
    let names: Vec<_> = fs::read_dir(library)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != ".revaer-root")
        .collect();
    let (records, others): (Vec<_>, Vec<_>) = names.iter().partition(|name| name.ends_with(".revaer.meta"));
    assert_eq!((records.len(), others.len()), (results, results), "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn archive_is_unpacked_into_the_library_while_the_torrent_seeds() {
    let world = world_with_archive();
    let service = world.service().await;
    let library =
        library(&service, &world, json!({ "extract": true, "checksum": "sha256", "file_mode": "0640" }))
            .await;
    let mut story = Story::default();
    story.follow(&service).await;
    let id = add(&service, &world.seeder, json!({})).await;
    let torrent = until_fsops(&service, &id, "completed").await;
    let result = library.join(world.payload.name());
    assert_eq!((&torrent["state"], &torrent["content_path"]), (&json!("seeding"), &json!(result)));
    assert_eq!(sha256_tree(&result).unwrap(), wanted(&world));
    assert_only_results(&library, 1);
    world.assert_downloaded();
    let file = &world.payload.files()[0].path;
    let (there, here) =
        (fs::metadata(result.join(file)).unwrap(), fs::metadata(world.downloaded().join(file)).unwrap());
    assert_eq!((there.ino(), there.permissions().mode() & 0o777), (here.ino(), 0o640), "one file, two names");

    let completed = until_kind(&service, &id, "fsops.completed", 1).await;
    let files = completed["data"]["files"].as_array().unwrap();
    let told: BTreeMap<_, _> = files
        .iter()
        .map(|file| {
            (PathBuf::from(file["path"].as_str().unwrap()), file["checksum"].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(told, wanted(&world), "the fact names what is there");
    let kinds = kinds(&service, &id).await;
    let steps = kinds.iter().filter(|kind| *kind == "fsops.step_finished").count();
    assert_eq!((steps, kinds.last().map(String::as_str)), (9, Some("fsops.completed")), "{kinds:?}");
    story.until(BOUND, |event| event.event == "fsops.completed").await;
    story.assert_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_moment_lies_between_the_download_and_the_pipeline() {
    let world = World::new(4, 1 << 20);
    let service = world.service().await;
    library(&service, &world, json!({})).await;
    let id = add(&service, &world.seeder, json!({})).await;
    until_fsops(&service, &id, "completed").await;
    // As of each fact since the completion: never `seeding` before the end of the job.
    let history = service.get_json(&format!("/v1/torrents/{id}/history?limit=1000")).await;
    let facts = history["items"].as_array().unwrap();
    let from = facts.iter().position(|fact| fact["kind"] == "torrent.completed").unwrap();
    let to = facts.iter().position(|fact| fact["kind"] == "fsops.completed").unwrap();
    for fact in &facts[from..to] {
        let then = service.get_json(&format!("/v1/torrents/{id}?at={}", fact["position"])).await;
        assert_eq!(then["state"], "processing", "as of {}", fact["kind"]);
    }
    let listed = service.get_json("/v1/torrents?state=seeding").await;
    assert_eq!(listed["items"][0]["fsops"]["state"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn destination_that_exists_is_left_alone_until_it_is_gone() {
    let world = World::new(4, 1 << 20);
    let service = world.service().await;
    let library = library(&service, &world, json!({})).await;
    let result = library.join(world.payload.name());
    fs::create_dir(&result).unwrap();
    fs::write(result.join("mine.txt"), "somebody else's").unwrap();
    let id = add(&service, &world.seeder, json!({})).await;
    let torrent = until_fsops(&service, &id, "failed").await;
    assert_eq!(
        (&torrent["state"], &torrent["fsops"]["error"]["code"]),
        (&json!("seeding"), &json!("conflict"))
    );
    assert_eq!(fs::read_to_string(result.join("mine.txt")).unwrap(), "somebody else's");

    move_away(&result, &world.beside("moved away"));
    let retried = act(&service, &id, json!({ "action": "retry_fsops" })).await;
    assert_eq!(retried["state"], "processing");
    let torrent = until_fsops(&service, &id, "completed").await;
    assert_eq!(torrent["fsops"]["attempt"], 2);
    assert_eq!(sha256_tree(&result).unwrap(), world.payload.sha256().unwrap());
    assert_only_results(&library, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn library_that_is_not_mounted_holds_the_job_until_it_is_back() {
    let world = World::new(4, 1 << 20);
    let service = world.service().await;
    let library = library(&service, &world, json!({})).await;
    until_health(&service, "well").await;
    assert!(library.join(".revaer-root").exists(), "the root is marked when it is first seen");
    // What an unmounted disk leaves: an empty directory in the same place.
    let aside = world.beside("unmounted");
    move_away(&library, &aside);
    fs::create_dir(&library).unwrap();
    let id = add(&service, &world.seeder, json!({})).await;
    let torrent = until_fsops(&service, &id, "held").await;
    assert_eq!(
        (&torrent["state"], &torrent["fsops"]["error"]["code"]),
        (&json!("processing"), &json!("root_absent"))
    );
    let health = until_health(&service, "degraded").await;
    assert!(health["reason"].as_str().unwrap().contains("is it mounted?"), "{health}");
    assert_eq!(fs::read_dir(&library).unwrap().count(), 0, "nothing is put where the library is not");

    // It takes the place of the empty one.
    move_away(&aside, &library);
    until_fsops(&service, &id, "completed").await;
    until_health(&service, "well").await;
    assert_eq!(sha256_tree(&library.join(world.payload.name())).unwrap(), world.payload.sha256().unwrap());
    let kinds = kinds(&service, &id).await;
    assert!(kinds.iter().any(|kind| kind == "fsops.resumed"), "{kinds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn job_of_a_lost_database_goes_on_when_its_torrent_is_added_again() {
    let world = World::new(4, 1 << 20);
    let mut service = world.service().await;
    let library = library(&service, &world, json!({})).await;
    let result = library.join(world.payload.name());
    fs::create_dir(&result).unwrap();
    let id = add(&service, &world.seeder, json!({})).await;
    let failed = until_fsops(&service, &id, "failed").await;
    service.terminate().await;
    move_away(&world.data_dir().join("postgres"), &world.beside("lost"));
    move_away(&result, &world.beside("in the way"));

    let service = world.service().await;
    self::library(&service, &world, json!({})).await;
    let health = until_health(&service, "degraded").await;
    assert!(health["reason"].as_str().unwrap().contains("does not know"), "{health}");
    let again = add(&service, &world.seeder, json!({})).await;
    let torrent = until_fsops(&service, &again, "completed").await;
    assert_ne!(again, id);
    assert_eq!(torrent["fsops"]["job"], failed["fsops"]["job"], "it is the job that was begun");
    assert_eq!(sha256_tree(&result).unwrap(), world.payload.sha256().unwrap());
    assert_only_results(&library, 1);
    until_health(&service, "well").await;
    assert_fetched_once(&world, &torrent);
}

#[tokio::test(flavor = "multi_thread")]
async fn result_is_taken_back_unless_it_has_changed() {
    let world = World::new(4, 1 << 20);
    let service = world.service().await;
    let library = library(&service, &world, json!({ "path_template": "new/{name}" })).await;
    let id = add(&service, &world.seeder, json!({})).await;
    until_fsops(&service, &id, "completed").await;
    let result = library.join("new").join(world.payload.name());
    fs::write(result.join("added.txt"), "by somebody").unwrap();
    act(&service, &id, json!({ "action": "undo_fsops" })).await;
    let failed = until_kind(&service, &id, "fsops.undo_failed", 1).await;
    assert_eq!(failed["data"]["code"], "changed");
    assert_eq!(failed["data"]["paths"][0], json!(result.join("added.txt")));

    move_away(&result.join("added.txt"), &world.beside("added.txt"));
    act(&service, &id, json!({ "action": "undo_fsops" })).await;
    let torrent = until_fsops(&service, &id, "undone").await;
    assert_eq!(torrent["content_path"], world.payload.name());
    assert!(!library.join("new").exists(), "the folder that was made for it is gone too");
    assert_only_results(&library, 0);
    world.assert_downloaded();
}

#[tokio::test(flavor = "multi_thread")]
async fn program_that_unpacks_is_missed_and_found() {
    let world = World::new(1, 1 << 16);
    let programs = world.beside("programs");
    fs::create_dir(&programs).unwrap();
    let options = world.options().variable("PATH", programs.to_str().unwrap());
    let service = ServiceProcess::start(REVAERD, options).await;
    library(&service, &world, json!({ "extract": true })).await;
    let health = until_health(&service, "degraded").await;
    assert!(health["reason"].as_str().unwrap().contains("unar"), "{health}");
    for program in ["unar", "lsar"] {
        let path = programs.join(program);
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    until_health(&service, "well").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn profile_that_makes_no_sense_is_refused_with_its_places() {
    let world = World::new(1, 1 << 16);
    let service = world.service().await;
    library(&service, &world, json!({})).await;
    let profile = json!({ "transfer": "move", "owner": "nobody-has-this-name" });
    let settings = json!({ "fsops": { "profiles": { "films": profile } } });
    let (status, answer) = service.exchange(Method::PATCH, "/v1/settings", Some(&settings)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    let settings = json!({ "fsops": { "profiles": { "films": { "owner": "nobody-has-this-name" } } } });
    let (status, answer) = service.exchange(Method::PATCH, "/v1/settings", Some(&settings)).await;
    assert_eq!(
        (status, &answer["errors"][0]["pointer"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("/fsops/profiles/films/owner"))
    );
    let body = json!({ "magnet": world.seeder.magnet(), "fsops_profile": "music" });
    let (status, answer) = service.exchange(Method::POST, "/v1/torrents", Some(&body)).await;
    assert_eq!(
        (status, &answer["errors"][0]["pointer"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("/fsops_profile"))
    );
}

/// The seeder has given no byte twice.
pub(crate) fn assert_fetched_once(world: &World, torrent: &Value) {
    let sent = world.seeder.uploaded_bytes().unwrap();
    assert!(sent <= torrent["size_bytes"].as_u64().unwrap(), "{sent} bytes were sent for {torrent}");
}

#[expect(clippy::disallowed_methods, reason = "somebody moves what is the test's own, as an operator would")]
fn move_away(from: &Path, to: &Path) {
    fs::rename(from, to).unwrap();
}
