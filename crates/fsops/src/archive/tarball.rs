//! tar, plain or compressed as a whole.

use std::io::{BufReader, Read};

use tar::EntryType;

use super::sink::{Separator, Sink};
use super::volumes::Volumes;
use super::{Format, Trouble};

/// Memory for the dictionary of xz: its highest level asks for 64 MiB.
const XZ_MEMORY_KIB_MAX: u32 = 512 << 10;

pub(super) fn read(volumes: Volumes, format: Format, sink: &mut Sink<'_>) -> Result<(), Trouble> {
    let damaged = |error: std::io::Error| Trouble::Damaged(error.to_string());
    let packed = BufReader::with_capacity(256 << 10, volumes);
    match format {
        Format::TarGzip => entries(flate2::bufread::MultiGzDecoder::new(packed), sink),
        Format::TarXz => entries(lzma_rust2::XzReader::new_mem_limit(packed, true, XZ_MEMORY_KIB_MAX), sink),
        Format::TarZstd => entries(zstd::stream::read::Decoder::with_buffer(packed).map_err(damaged)?, sink),
        Format::TarBzip2 => entries(bzip2::bufread::MultiBzDecoder::new(packed), sink),
        _ => entries(packed, sink),
    }
}

fn entries(reader: impl Read, sink: &mut Sink<'_>) -> Result<(), Trouble> {
    let damaged = |error: std::io::Error| Trouble::Damaged(error.to_string());
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let target = entry.link_name_bytes().map(|target| String::from_utf8_lossy(&target).into_owned());
        match (entry.header().entry_type(), target) {
            (EntryType::Directory, _) => sink.directory(&name, Separator::Slash)?,
            (EntryType::Symlink, Some(target)) => sink.link(&name, Separator::Slash, &target)?,
            (EntryType::Link, Some(target)) => sink.second_name(&name, &target)?,
            (EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse, _) => {
                let expected = entry.size();
                let written = sink.file(&name, Separator::Slash, &mut entry)?;
                if written != expected {
                    return Err(Trouble::Damaged(format!(
                        "`{name}` ends after {written} of {expected} bytes"
                    )));
                }
            }
            // Devices and pipes belong to no library; the rest is about tar itself.
            _ => {}
        }
    }
    // What follows the end of the tar is read too: a checksum of the compression stands there.
    let mut rest = archive.into_inner();
    let mut bytes = [0; 8192];
    let mut trailing = 0_u64;
    loop {
        match rest.read(&mut bytes).map_err(damaged)? {
            0 => return Ok(()),
            count => trailing += count as u64,
        }
        // GNU tar pads to 10 KiB. More is nothing that an honest archive has, and it might never end.
        if trailing > TRAILING_BYTES_MAX {
            return Err(Trouble::Damaged("goes on after its end".to_owned()));
        }
    }
}

/// What may follow the last entry: padding to the largest block that tar is told to use.
const TRAILING_BYTES_MAX: u64 = 16 << 20;
