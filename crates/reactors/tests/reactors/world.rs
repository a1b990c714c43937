//! What is downloaded in a test, from where and to where.

use std::path::{Path, PathBuf};

use revaer_application::AddSource;
use revaer_test_support::{Payload, Seeder, SeederOptions, sha256_tree};
use tempfile::TempDir;

/// A payload, somebody who has it, and an empty folder.
pub(crate) struct World {
    _folder: TempDir,
    pub(crate) downloads: PathBuf,
    pub(crate) payload: Payload,
    pub(crate) seeder: Seeder,
}

impl World {
    pub(crate) fn new(files: usize, bytes: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let downloads = folder.path().join("downloads");
        std::fs::create_dir_all(&downloads).expect("a folder");
        let payload = Payload::create(&folder.path().join("seed"), 7, files, bytes).expect("a payload");
        let options = SeederOptions { piece_length: Some(16 * 1024), ..SeederOptions::default() };
        let seeder = Seeder::start(payload.root(), &options).expect("a seeder");
        Self { _folder: folder, downloads, payload, seeder }
    }

    pub(crate) fn magnet(&self) -> AddSource {
        AddSource::Magnet(self.seeder.magnet().parse().expect("a magnet"))
    }

    pub(crate) fn torrent_file(&self) -> AddSource {
        AddSource::Metainfo(self.seeder.metainfo().to_vec())
    }

    /// Where the torrent's folder is.
    pub(crate) fn content(&self) -> PathBuf {
        self.downloads.join(self.payload.name())
    }

    /// The first file, as downloaded.
    pub(crate) fn first_file(&self) -> PathBuf {
        self.content().join(&self.payload.files()[0].path)
    }

    pub(crate) fn assert_same_files(&self, downloaded: &Path) {
        assert_eq!(sha256_tree(downloaded).expect("readable"), self.payload.sha256().expect("readable"));
    }
}

/// Changes the first byte, as a disk that rots.
pub(crate) fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).expect("readable");
    bytes[0] ^= 0xff;
    std::fs::write(path, bytes).expect("writable");
}
