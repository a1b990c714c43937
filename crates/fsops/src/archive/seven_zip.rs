//! 7z.

use std::io::Read;

use sevenz_rust2::{ArchiveEntry, ArchiveReader, Error, Password};

use super::Trouble;
use super::sink::{Separator, Sink};
use super::volumes::Volumes;

/// Memory for one dictionary: what 7-Zip asks for at its highest level is 64 MiB to 256 MiB; what would need gigabytes is a
/// way to have the service killed.
const MEMORY_KIB_MAX: usize = 1 << 20;
/// A link that is longer leads nowhere.
const LINK_BYTES_MAX: u64 = 4096;
/// Set if the upper half of the attributes is a Unix mode.
const UNIX_MODE: u32 = 0x8000;
const LINK: u32 = 0o120_000;
const FILE_KIND: u32 = 0o170_000;

pub(super) fn read(volumes: Volumes, password: Option<&str>, sink: &mut Sink<'_>) -> Result<(), Trouble> {
    let key = password.map_or_else(Password::empty, Password::from);
    let source = std::io::BufReader::with_capacity(256 << 10, volumes);
    let mut archive = ArchiveReader::new_with_memory_limit(source, key, MEMORY_KIB_MAX)
        .map_err(|error| trouble(error, password))?;
    archive.set_thread_count(threads());
    // The callback may only answer in the reader's own words, so ours are kept beside it.
    let mut own = None;
    let read = archive.for_each_entries(|entry, reader| match unpack(entry, reader, sink) {
        Ok(()) => Ok(true),
        Err(trouble) => {
            own = Some(trouble);
            Err(Error::Unsupported("stopped".into()))
        }
    });
    match (own, read) {
        (Some(trouble), _) => Err(trouble),
        (None, Err(error)) => Err(trouble(error, password)),
        (None, Ok(())) => Ok(()),
    }
}

/// One for each processor, up to what a single job may take of the machine.
fn threads() -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u32::try_from(processors.min(4)).unwrap_or(1)
}

fn unpack(entry: &ArchiveEntry, reader: &mut dyn Read, sink: &mut Sink<'_>) -> Result<(), Trouble> {
    let attributes = entry.windows_attributes();
    let is_link =
        entry.has_windows_attributes && attributes & UNIX_MODE != 0 && (attributes >> 16) & FILE_KIND == LINK;
    if entry.is_directory() {
        sink.directory(entry.name(), Separator::Either)?;
    } else if is_link {
        let mut target = String::new();
        reader
            .take(LINK_BYTES_MAX)
            .read_to_string(&mut target)
            .map_err(|error| Trouble::Damaged(error.to_string()))?;
        sink.link(entry.name(), Separator::Either, &target)?;
    } else if !entry.is_anti_item() {
        sink.file(entry.name(), Separator::Either, reader)?;
    }
    Ok(())
}

pub(super) fn declared_bytes(mut volumes: Volumes) -> Option<u64> {
    let archive =
        sevenz_rust2::Archive::read_with_memory_limit(&mut volumes, &Password::empty(), MEMORY_KIB_MAX)
            .ok()?;
    Some(archive.files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.size())))
}

fn trouble(error: Error, password: Option<&str>) -> Trouble {
    match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => Trouble::Password,
        // Whether a key is right is known only by what it makes of the bytes.
        Error::ChecksumVerificationFailed | Error::Io(..) if password.is_some() => Trouble::Password,
        other => Trouble::Damaged(other.to_string()),
    }
}
