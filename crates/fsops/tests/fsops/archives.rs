//! Real archives, made by the programs that people make them with.

use std::fs;
use std::path::{Path, PathBuf};

use revaer_fsops::{Bound, Bounds, Failure, HOME, ProfileValues, Rule};
use rstest::rstest;

use crate::rar::{self, Member};
use crate::world::{World, program, write};

/// How each format is packed: the extension, the program and what it is told before the names.
fn pack(directory: &Path, extension: &str, names: &[&str]) -> PathBuf {
    let archive = format!("a.{extension}");
    let (name, mut arguments): (_, Vec<&str>) = match extension {
        "zip" => ("zip", vec!["-q", "-r", "-y", &archive]),
        "7z" => ("7z", vec!["a", "-bd", "-snl", &archive]),
        "tar" => ("tar", vec!["-cf", &archive]),
        "tar.gz" => ("tar", vec!["-czf", &archive]),
        "tar.xz" => ("tar", vec!["-cJf", &archive]),
        "tar.bz2" => ("tar", vec!["-cjf", &archive]),
        "tar.zst" => ("tar", vec!["--zstd", "-cf", &archive]),
        other => panic!("nobody makes .{other} here"),
    };
    arguments.extend(names);
    program(directory, name, &arguments);
    directory.join(&archive)
}

fn extracting(values: &mut ProfileValues) {
    values.extract = true;
}

/// Puts an archive into the download as the torrent `T`.
fn offer(world: &World, archive: &Path) {
    let name = archive.file_name().expect("a name");
    write(&world.downloads().join("T").join(name), fs::read(archive).expect("an archive"));
}

fn refused_by(failure: &Failure) -> Option<Rule> {
    if let Failure::Refused { rule, .. } = failure { Some(*rule) } else { None }
}

/// What a job leaves of an archive that it could not unpack: the journal, and nothing that came out.
fn assert_nothing_came_out(world: &World) {
    let left: Vec<String> = world.library_tree().into_keys().collect();
    let journal = ["", "01JOB/", "01JOB/plan.json"].map(|name| format!("{HOME}/{name}"));
    assert!(left.iter().all(|path| journal.contains(path)), "{left:?}");
}

#[rstest]
fn contents_of_every_format_come_out(
    #[values("zip", "7z", "tar", "tar.gz", "tar.xz", "tar.bz2", "tar.zst")] extension: &str,
) {
    let world = World::new();
    let inside = world.dir.path().join("inside");
    let long = format!("{}/{}/end", "d".repeat(120), "e".repeat(120));
    for (path, content) in [("ñandú/日本.txt", "text"), ("empty", ""), (&long, "deep"), ("top.txt", "top")]
    {
        write(&inside.join(path), content);
    }
    std::os::unix::fs::symlink("ñandú/日本.txt", inside.join("link")).expect("a link");
    std::os::unix::fs::symlink("nowhere", inside.join("dangling")).expect("a link");
    offer(
        &world,
        &pack(&inside, extension, &["ñandú", "empty", &"d".repeat(120), "top.txt", "link", "dangling"]),
    );
    world.write("T/plain.txt", "beside");
    world.run_with("T", extracting).unwrap();
    let mut tree = world.library_tree();
    tree.retain(|path, _| !path.ends_with('/'));
    let expected = [
        ("T/empty", ""),
        (&format!("T/{long}"), "deep"),
        // A link to a file of the archive becomes that file; one to nothing is left out.
        ("T/link", "text"),
        ("T/plain.txt", "beside"),
        ("T/top.txt", "top"),
        ("T/ñandú/日本.txt", "text"),
    ];
    assert_eq!(tree, expected.map(|(path, content)| (path.to_owned(), content.to_owned())).into());
}

#[rstest]
#[case::in_folder("ñandú/日本.txt", "text")]
#[case::empty("empty", "")]
#[case::long(&"n".repeat(200), "deep")]
fn contents_of_rar_come_out(#[case] name: &str, #[case] content: &str) {
    let world = World::new();
    let archive = rar::pack(&[
        Member::File("first", b"one"),
        Member::Directory("folder"),
        Member::Link("link", "first"),
        Member::File(name, content.as_bytes()),
    ]);
    world.write("T/a.rar", archive);
    world.run_with("T", extracting).unwrap();
    let tree = world.library_tree();
    assert_eq!(tree.get("T/first").map(String::as_str), Some("one"));
    assert_eq!(tree.get(&format!("T/{name}")).map(String::as_str), Some(content));
    assert!(!tree.values().any(|content| content.starts_with("-> ")), "{tree:?}");
    assert!(!tree.contains_key("T/a.rar"));
}

#[rstest]
#[case::new_names(&["a.part1.rar", "a.part2.rar", "a.part3.rar"])]
fn rar_in_volumes_is_read_as_one(#[case] names: &[&str]) {
    let world = World::new();
    let content: Vec<u8> = (0..250_000_u32).map(|n| u8::try_from(n % 251).expect("small")).collect();
    let volumes = rar::volumes(&[Member::File("film.mkv", &content), Member::File("end", b"end")], 100_000);
    assert_eq!(volumes.len(), names.len());
    for (name, volume) in names.iter().zip(volumes) {
        world.write(&format!("T/{name}"), volume);
    }
    world.run_with("T", extracting).unwrap();
    assert_eq!(fs::read(world.library().join("T/film.mkv")).unwrap(), content);
    assert_eq!(world.library_tree().keys().filter(|path| !path.ends_with('/')).count(), 2);
}

#[rstest]
#[case::seven_zip(&["a", "-bd", "-mx0", "-v100k", "a.7z", "film.mkv"], 3)]
#[case::zip(&["a", "-bd", "-mx0", "-tzip", "-v100k", "a.zip", "film.mkv"], 3)]
fn volumes_of_seven_zip_are_read_as_one(#[case] arguments: &[&str], #[case] volumes: usize) {
    let world = World::new();
    let content: Vec<u8> = (0..250_000_u32).map(|n| u8::try_from(n % 251).expect("small")).collect();
    write(&world.downloads().join("T/film.mkv"), &content);
    program(&world.downloads().join("T"), "7z", arguments);
    rustix::fs::unlink(world.downloads().join("T/film.mkv")).expect("a file");
    assert_eq!(world.torrent("T").files.len(), volumes);
    world.run_with("T", extracting).unwrap();
    assert_eq!(fs::read(world.library().join("T/film.mkv")).unwrap(), content);
}

#[rstest]
#[case::zip_of_old("zip", &["-q", "-P", "right", "a.zip", "secret"])]
#[case::zip_aes("7z", &["a", "-bd", "-tzip", "-mem=AES256", "-pright", "a.zip", "secret"])]
#[case::seven_zip("7z", &["a", "-bd", "-pright", "a.7z", "secret"])]
#[case::seven_zip_with_names("7z", &["a", "-bd", "-mhe=on", "-pright", "a.7z", "secret"])]
fn password_is_found_among_those_of_the_settings(#[case] name: &str, #[case] arguments: &[&str]) {
    let mut world = World::new();
    let inside = world.downloads().join("T");
    write(&inside.join("secret"), "the secret ".repeat(100));
    program(&inside, name, arguments);
    rustix::fs::unlink(inside.join("secret")).expect("a file");
    let failure = world.run_with("T", extracting).unwrap_err();
    assert!(matches!(failure, Failure::Password { .. }), "{failure:?}");
    assert_nothing_came_out(&world);
    world.tools.passwords = vec!["wrong".to_owned(), "falsch".to_owned()];
    let failure = world.run_with("T", extracting).unwrap_err();
    assert!(matches!(failure, Failure::Password { .. }), "{failure:?}");
    world.tools.passwords.push("right".to_owned());
    world.run_with("T", extracting).unwrap();
    assert_eq!(world.library_tree().get("T/secret"), Some(&"the secret ".repeat(100)));
}

/// Bytes that do not pack: half an archive then has half of them.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[rstest]
fn truncated_archive_is_damaged_and_leaves_nothing(
    #[values("zip", "7z", "tar", "tar.gz", "tar.xz", "tar.bz2", "tar.zst", "rar")] extension: &str,
) {
    let world = World::new();
    let inside = world.dir.path().join("inside");
    let content = noise(100_000);
    write(&inside.join("first"), "whole");
    write(&inside.join("noise"), &content);
    let archive = if extension == "rar" {
        rar::pack(&[Member::File("first", b"whole"), Member::File("noise", &content)])
    } else {
        fs::read(pack(&inside, extension, &["first", "noise"])).expect("an archive")
    };
    world.write(&format!("T/a.{extension}"), &archive[..archive.len() / 2]);
    let failure = world.run_with("T", extracting).unwrap_err();
    assert!(matches!(failure, Failure::Damaged { .. }), "{failure:?}");
    assert_nothing_came_out(&world);
}

/// Replaces each appearance of some bytes by others of the same length.
fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, window)| *window == from)
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty(), "the name is not in the archive as it is");
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
}

/// Makes an archive whose entry has a name that no program would give it.
fn with_name(world: &World, extension: &str, name: &str) -> Vec<u8> {
    let plain = &"x".repeat(name.len());
    let inside = world.dir.path().join("inside");
    write(&inside.join(plain), "evil");
    match extension {
        "rar" => rar::pack(&[Member::File(name, b"evil")]),
        "zip" => {
            let mut bytes = fs::read(pack(&inside, "zip", &[plain])).expect("an archive");
            replace(&mut bytes, plain.as_bytes(), name.as_bytes());
            bytes
        }
        "7z" => {
            // Names stand in the header in UTF-16, under two checksums.
            program(&inside, "7z", &["a", "-bd", "-mhc=off", "a.7z", plain]);
            let mut bytes = fs::read(inside.join("a.7z")).expect("an archive");
            let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
            replace(&mut bytes, &wide(plain), &wide(name));
            let sum = |bytes: &[u8]| {
                let mut crc = flate2::Crc::new();
                crc.update(bytes);
                crc.sum().to_le_bytes()
            };
            let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight"));
            let begin = 32 + usize::try_from(number(12)).expect("small");
            let header = sum(&bytes[begin..begin + usize::try_from(number(20)).expect("small")]);
            bytes[28..32].copy_from_slice(&header);
            let start = sum(&bytes[12..32]);
            bytes[8..12].copy_from_slice(&start);
            bytes
        }
        _ => {
            let archive = format!("a.{extension}");
            let rename = format!("--transform=s,^{plain}$,{name},");
            program(&inside, "tar", &["-P", &rename, "-caf", &archive, plain]);
            fs::read(inside.join(archive)).expect("an archive")
        }
    }
}

#[rstest]
fn name_that_leads_outside_refuses_the_archive(
    #[values("zip", "7z", "tar", "tar.gz", "tar.xz", "tar.bz2", "tar.zst", "rar")] extension: &str,
    #[values("../../../evil", "a/../../evil", "/tmp/revaer-evil")] name: &str,
) {
    let world = World::new();
    world.write(&format!("T/a.{extension}"), with_name(&world, extension, name));
    let ran = world.run_with("T", extracting);
    // The program that lists RAR archives takes the slash off itself, which is harmless.
    if extension == "rar" && ran.is_ok() {
        assert!(name.starts_with('/') && world.library().join("T/tmp/revaer-evil").exists(), "{name}");
        return;
    }
    let failure = ran.unwrap_err();
    assert_eq!(refused_by(&failure), Some(Rule::ArchiveName), "{failure:?}");
    assert!(!Path::new("/tmp/revaer-evil").exists());
    assert!(!world.dir.path().join("evil").exists());
    assert_nothing_came_out(&world);
}

#[rstest]
#[case::absolute("/etc/passwd")]
#[case::climbing("../../../../etc/passwd")]
fn link_that_leads_outside_refuses_the_archive(
    #[values("zip", "7z", "tar", "rar")] extension: &str,
    #[case] target: &str,
) {
    let world = World::new();
    let inside = world.dir.path().join("inside");
    write(&inside.join("file"), "x");
    std::os::unix::fs::symlink(target, inside.join("link")).expect("a link");
    if extension == "rar" {
        world.write("T/a.rar", rar::pack(&[Member::File("file", b"x"), Member::Link("link", target)]));
    } else {
        offer(&world, &pack(&inside, extension, &["file", "link"]));
    }
    let ran = world.run_with("T", extracting);
    match ran {
        Err(failure) => assert_eq!(refused_by(&failure), Some(Rule::ArchiveLink), "{failure:?}"),
        Ok(_) => panic!("the link was taken: {:?}", world.library_tree()),
    }
    assert_nothing_came_out(&world);
}

#[test]
fn file_that_lies_behind_a_link_of_the_archive_is_not_written_through_it() {
    let world = World::new();
    let inside = world.dir.path().join("inside");
    write(&inside.join("real/file"), "x");
    write(&inside.join("aside/evil"), "evil");
    std::os::unix::fs::symlink("real", inside.join("door")).expect("a link");
    program(&inside, "tar", &["--transform=s,^aside,door,", "-cf", "a.tar", "real", "door", "aside/evil"]);
    offer(&world, &inside.join("a.tar"));
    let ran = world.run_with("T", extracting);
    // Either the two things of one name refuse it, or the file lies in a plain folder: never where the link leads.
    assert!(!world.library().join("T/real/evil").exists(), "{ran:?}");
}

#[rstest]
#[case::entries(Bounds { entries_max: 3, ..Bounds::default() }, Bound::Entries)]
#[case::bytes(Bounds { total_bytes_max: 100_000, ..Bounds::default() }, Bound::TotalBytes)]
fn archive_beyond_a_bound_is_stopped_and_leaves_nothing(
    #[values("zip", "7z", "tar", "tar.gz", "tar.xz", "tar.bz2", "tar.zst", "rar")] extension: &str,
    #[case] bounds: Bounds,
    #[case] bound: Bound,
) {
    let world = World::new();
    let inside = world.dir.path().join("inside");
    let zeros = vec![0; 50_000];
    let names = ["1", "2", "3", "4"];
    for name in names {
        write(&inside.join(name), &zeros);
    }
    if extension == "rar" {
        world.write("T/a.rar", rar::pack(&names.map(|name| Member::File(name, &zeros))));
    } else {
        offer(&world, &pack(&inside, extension, &names));
    }
    let failure = world.run_with("T", |values| {
        values.extract = true;
        values.bounds = bounds;
    });
    assert!(
        matches!(&failure, Err(Failure::TooLarge { bound: found, .. }) if *found == bound),
        "{failure:?}"
    );
    assert_nothing_came_out(&world);
}

#[rstest]
#[case::zip("zip")]
#[case::tar_zstd("tar.zst")]
fn bomb_is_stopped_by_its_ratio(#[case] extension: &str) {
    let world = World::new();
    let inside = world.dir.path().join("inside");
    write(&inside.join("zeros"), vec![0; 80 << 20]);
    let archive = pack(&inside, extension, &["zeros"]);
    offer(&world, &archive);
    let failure = world.run_with("T", extracting).unwrap_err();
    assert!(matches!(failure, Failure::TooLarge { bound: Bound::Ratio, max: 200, .. }), "{failure:?}");
    assert_nothing_came_out(&world);
}

#[rstest]
#[case::to_the_second(2, &["T/film.mkv"])]
#[case::to_the_first(1, &["T/b.zip"])]
fn archives_in_archives_are_unpacked_to_a_depth(#[case] depth_max: u32, #[case] expected: &[&str]) {
    let world = World::new();
    let inside = world.dir.path().join("inside");
    write(&inside.join("film.mkv"), "the film");
    program(&inside, "zip", &["-q", "b.zip", "film.mkv"]);
    offer(&world, &pack(&inside, "tar.gz", &["b.zip"]));
    world
        .run_with("T", |values| {
            values.extract = true;
            values.bounds.depth_max = depth_max;
        })
        .unwrap();
    let mut names: Vec<String> = world.library_tree().into_keys().collect();
    names.retain(|name| !name.ends_with('/'));
    assert_eq!(names, expected);
}

#[test]
fn rar_without_a_program_is_held_until_there_is_one() {
    let mut world = World::new();
    world.write("T/a.rar", rar::pack(&[Member::File("a", b"a")]));
    let tools = std::mem::take(&mut world.tools);
    let failure = world.run_with("T", extracting).unwrap_err();
    assert!(matches!(failure, Failure::ExtractorMissing { .. }) && failure.passes(), "{failure:?}");
    world.tools = tools;
    world.run_with("T", extracting).unwrap();
    assert_eq!(world.library_tree().get("T/a").map(String::as_str), Some("a"));
}

#[test]
fn archive_that_is_excluded_stays_packed_in_the_download() {
    let world = World::new();
    let inside = world.dir.path().join("inside");
    write(&inside.join("film.mkv"), "the film");
    offer(&world, &pack(&inside, "zip", &["film.mkv"]));
    world.write("T/note.md", "note");
    world
        .run_with("T", |values| {
            values.extract = true;
            values.exclude = vec!["*.zip".to_owned()];
        })
        .unwrap();
    assert_eq!(world.library_tree().into_keys().collect::<Vec<_>>(), ["T/", "T/note.md"]);
}
