//! Undo: the library as it was, or a word about what has changed.

use std::fs;

use revaer_fsops::{RelPath, Transfer, UndoRefused, undo};

use crate::results::film;
use crate::world::{JOB, tree, write};

#[test]
fn undo_returns_the_library_to_what_it_was() {
    let world = film();
    write(&world.library().join("films/Other/own.txt"), "mine");
    let before = tree(&world.library());
    world.run_with("Film", |values| values.path_template = "{label}/new/{name}".to_owned()).unwrap();
    let undone = undo(&world.roots(), &world.library(), &RelPath::parse("films/new/Film").unwrap()).unwrap();
    assert_eq!((undone.removed, undone.job.as_str()), (3, JOB));
    assert!(undone.put_back.is_empty());
    assert_eq!(tree(&world.library()), before);
    assert_eq!(fs::read(world.downloads().join("Film/film.mkv")).unwrap(), b"the film");
}

#[test]
fn undo_says_which_files_have_changed_and_removes_none() {
    let world = film();
    world.run_with("Film", |values| values.transfer = Transfer::Copy).unwrap();
    let result = world.library().join("Film");
    write(&result.join("added.srt"), "new");
    write(&result.join("film.nfo"), "other");
    let before = tree(&world.library());
    let refused = undo(&world.roots(), &world.library(), &RelPath::parse("Film").unwrap()).unwrap_err();
    let UndoRefused::Changed { mut paths } = refused else { panic!("{refused:?}") };
    paths.sort();
    assert_eq!(paths, [result.join("added.srt"), result.join("film.nfo")]);
    assert_eq!(tree(&world.library()), before);
}

#[test]
fn undo_of_what_was_not_made_here_is_refused() {
    let world = film();
    write(&world.library().join("Mine/a"), "mine");
    let refused = undo(&world.roots(), &world.library(), &RelPath::parse("Mine").unwrap()).unwrap_err();
    assert!(matches!(refused, UndoRefused::NoRecord { .. }), "{refused:?}");
}
