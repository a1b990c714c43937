//! Finished files into a library: where that may be, and how it is done.

use std::collections::BTreeMap;

use super::SecretRef;
use super::catalogue::Kind;
use super::format::Format;
use super::section::{choice, section};
use crate::values::LABEL_BYTES_MAX;

const PATH: Kind = Kind::Text { format: Format::Path, bytes_max: 4096 };
const MODE: Kind = Kind::Text { format: Format::Mode, bytes_max: 4 };
const ACCOUNT: Kind = Kind::Text { format: Format::Account, bytes_max: 32 };
const GLOBS: Kind = Kind::List { of: &Kind::Text { format: Format::Glob, bytes_max: 1024 }, items_max: 64 };

section! {
    /// Finished files into a library.
    FsopsSettings at "/fsops";
    keys {
        /// The folders beneath which files may be written, moved and removed. The download root is one without being named.
        allowed_roots: Vec<String> = Vec::new(), Kind::List { of: &PATH, items_max: 64 }, Live;
        /// What may be done with finished files, by name.
        profiles: BTreeMap<String, FsopsProfile> = BTreeMap::new(),
            Kind::Entries { of: &Kind::Object(FsopsProfile::KEYS), entries_max: 64 }, Live;
        /// The profile of torrents that no label chooses one for. Null: they stay where they are.
        default_profile: Option<String> = None, Kind::Text { format: Format::Label, bytes_max: LABEL_BYTES_MAX }, Live;
        /// Passwords that are tried on archives that want one.
        archive_passwords: Vec<SecretRef> = Vec::new(),
            Kind::List { of: &Kind::Secret { bytes_max: 255 }, items_max: 64 }, Live;
    }
}

section! {
    /// What is done with the files of a finished torrent.
    FsopsProfile at "";
    keys {
        /// Where the library is.
        library_root: String = String::new(), PATH, Live;
        /// Where a torrent's files go beneath it.
        path_template: String = "{name}".to_owned(), Kind::Text { format: Format::Template, bytes_max: 1024 }, Live;
        /// The labels that choose this profile.
        labels: Vec<String> = Vec::new(),
            Kind::List { of: &Kind::Text { format: Format::Label, bytes_max: LABEL_BYTES_MAX }, items_max: 32 }, Live;
        /// Whether archives are unpacked.
        extract: bool = false, Kind::Boolean, Live;
        /// Whether folders within the torrent are given up.
        flatten: bool = false, Kind::Boolean, Live;
        /// How files come into the library.
        transfer: Transfer = Transfer::Hardlink, Transfer::KIND, Live;
        /// What happens where that cannot be done, as with a hard link to another file system.
        transfer_fallback: Fallback = Fallback::Copy, Fallback::KIND, Live;
        /// What happens where a file is there already. None is ever overwritten.
        on_conflict: Conflict = Conflict::Fail, Conflict::KIND, Live;
        /// The permissions of files, in octal, as `"0644"`. Null: as they are.
        file_mode: Option<String> = None, MODE, Live;
        /// The permissions of folders, in octal, as `"0755"`. Null: as the system makes them.
        directory_mode: Option<String> = None, MODE, Live;
        /// The permissions that are taken from what is made, in octal. Null: as the service's own.
        umask: Option<String> = None, MODE, Live;
        /// Who owns what is placed: a name or a number. Null: the service.
        owner: Option<String> = None, ACCOUNT, Live;
        /// The group of what is placed: a name or a number. Null: the service's.
        group: Option<String> = None, ACCOUNT, Live;
        /// Globs of the files that are placed; none: all.
        include: Vec<String> = Vec::new(), GLOBS, Live;
        /// Globs of the files that are not placed.
        exclude: Vec<String> = Vec::new(), GLOBS, Live;
        /// Whether what was placed is hashed and compared.
        checksum: Checksum = Checksum::None, Checksum::KIND, Live;
        /// What becomes of the torrent then.
        cleanup: Cleanup = Cleanup::KeepSeeding, Cleanup::KIND, Live;
    }
}

choice! {
    /// How files come into the library.
    Transfer {
        /// As hard links: one file, two names.
        Hardlink = "hardlink",
        /// As copies.
        Copy = "copy",
        /// Moved.
        Move = "move",
        /// As symbolic links.
        Symlink = "symlink",
    }
}

choice! {
    /// What happens where the transfer cannot be done.
    Fallback {
        /// A copy.
        Copy = "copy",
        /// The pipeline fails.
        Fail = "fail",
    }
}

choice! {
    /// What happens where a file is there already.
    Conflict {
        /// The pipeline fails.
        Fail = "fail",
        /// The new one gets another name.
        Rename = "rename",
        /// A file with the same bytes counts as placed; any other fails.
        SkipIdentical = "skip_identical",
    }
}

choice! {
    /// How placed files are compared.
    Checksum {
        /// Not at all.
        None = "none",
        /// By SHA-256.
        Sha256 = "sha256",
        /// By BLAKE3.
        Blake3 = "blake3",
    }
}

choice! {
    /// What becomes of a torrent whose files are in the library.
    Cleanup {
        /// It goes on seeding.
        KeepSeeding = "keep_seeding",
        /// It is removed, with its downloaded files.
        RemoveTorrent = "remove_torrent",
    }
}
