//! ZIP.

use std::io::Read;

use zip::ZipArchive;
use zip::read::ZipReadOptions;
use zip::result::ZipError;

use super::Trouble;
use super::sink::{Separator, Sink};
use super::volumes::Volumes;

/// A link that is longer leads nowhere.
const LINK_BYTES_MAX: u64 = 4096;

pub(super) fn read(volumes: Volumes, password: Option<&str>, sink: &mut Sink<'_>) -> Result<(), Trouble> {
    let mut archive = ZipArchive::new(std::io::BufReader::new(volumes)).map_err(trouble)?;
    for index in 0..archive.len() {
        let options = ZipReadOptions::new().password(password.map(str::as_bytes));
        let mut entry = archive.by_index_with_options(index, options).map_err(trouble)?;
        let encrypted = entry.entry().encrypted();
        let name = entry.entry().name().map_err(trouble)?.into_owned();
        if entry.entry().is_dir() {
            sink.directory(&name, Separator::Either)?;
        } else if entry.entry().is_symlink() {
            let mut target = String::new();
            (&mut entry)
                .take(LINK_BYTES_MAX)
                .read_to_string(&mut target)
                .map_err(|error| Trouble::Damaged(error.to_string()))?;
            sink.link(&name, Separator::Either, &target)?;
        } else {
            sink.file(&name, Separator::Either, &mut entry).map_err(|trouble| match trouble {
                // ZipCrypto takes one wrong password in 256 at first; the checksum does not.
                Trouble::Damaged(_) if encrypted && password.is_some() => Trouble::Password,
                other => other,
            })?;
        }
    }
    Ok(())
}

pub(super) fn declared_bytes(volumes: Volumes) -> Option<u64> {
    let archive = ZipArchive::new(std::io::BufReader::new(volumes)).ok()?;
    u64::try_from(archive.decompressed_size()?).ok()
}

fn trouble(error: ZipError) -> Trouble {
    match error {
        ZipError::InvalidPassword | ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
            Trouble::Password
        }
        ZipError::CompressionMethodNotSupported(method) => {
            Trouble::Damaged(format!("is packed by a method that is not read here ({method})"))
        }
        other => Trouble::Damaged(other.to_string()),
    }
}
