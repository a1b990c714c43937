//! Archives: which files are some, and unpacking them into a directory without believing anything that they say.
//!
//! Every format ends in one [`sink::Sink`], which is the only thing that writes: it judges names and links, holds the bounds
//! and makes each file anew beneath an open directory. RAR has no free reader, so a program is asked for the bytes alone,
//! through a pipe: it never gets to write a file.

mod bounds;
mod find;
mod rar;
mod seven_zip;
mod sink;
mod tarball;
mod volumes;
mod zipped;

pub use bounds::Bounds;
pub(crate) use bounds::Meter;
pub use find::{Archive, Format, find};
pub use rar::{RarProgram, find_rar_program};

use crate::control::Control;
use crate::dir::Dir;
use crate::failure::Failure;
use crate::path::RelPath;
use sink::Sink;
use volumes::Volumes;

/// What came out of one archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Unpacked {
    /// How many files.
    pub(crate) files: u64,
    /// Links that lead to nothing that was unpacked, and were left out.
    pub(crate) links_left_out: Vec<String>,
}

/// What is needed to unpack.
pub(crate) struct Unpacker<'a> {
    pub(crate) passwords: &'a [String],
    pub(crate) rar: Option<&'a RarProgram>,
    pub(crate) control: &'a Control<'a>,
}

/// How a reader failed: with the archive, or while writing.
enum Trouble {
    /// It is encrypted, and the password is not this one.
    Password,
    /// What was read makes no sense. With a password that is wrong it may be that.
    Damaged(String),
    /// Something that no other password changes.
    Failure(Failure),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl Unpacker<'_> {
    /// Unpacks an archive that lies beneath `from` into the directory `name` of `into`, which is made anew for each password.
    pub(crate) fn unpack(
        &self,
        from: &Dir,
        archive: &Archive,
        into: &Dir,
        name: &str,
        meter: &mut Meter,
    ) -> Result<Unpacked, Failure> {
        let shown = from.shown().join(archive.volumes[0].as_str());
        let before = *meter;
        let mut encrypted = false;
        for password in std::iter::once(None).chain(self.passwords.iter().map(|word| Some(word.as_str()))) {
            into.remove_tree(name)?;
            *meter = before;
            let target = into.make_dir(name, 0o700)?;
            let volumes = Volumes::open(from, &archive.volumes)?;
            meter.begin(volumes.size_bytes());
            let mut sink = Sink::new(&target, &shown, meter, self.control);
            let read = match archive.format {
                Format::Zip => zipped::read(volumes, password, &mut sink),
                Format::SevenZip => seven_zip::read(volumes, password, &mut sink),
                Format::Rar => self.read_rar(from, archive, password, &mut sink),
                format => tarball::read(volumes, format, &mut sink),
            };
            match read.and_then(|()| sink.finish().map_err(Trouble::from)) {
                Ok(unpacked) => return Ok(unpacked),
                Err(Trouble::Password) => encrypted = true,
                // A wrong password often shows as nonsense only, so the next one is tried.
                Err(Trouble::Damaged(_)) if password.is_some() && encrypted => {}
                Err(Trouble::Damaged(why)) => {
                    into.remove_tree(name)?;
                    return Err(Failure::Damaged { archive: shown, why });
                }
                Err(Trouble::Failure(failure)) => {
                    into.remove_tree(name)?;
                    return Err(failure);
                }
            }
            // Only an archive that is encrypted is worth another password.
            if !encrypted {
                break;
            }
        }
        into.remove_tree(name)?;
        Err(Failure::Password { archive: shown })
    }

    fn read_rar(
        &self,
        from: &Dir,
        archive: &Archive,
        password: Option<&str>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Trouble> {
        let Some(program) = self.rar else {
            let archive = from.shown().join(archive.volumes[0].as_str());
            return Err(Failure::ExtractorMissing { archive }.into());
        };
        rar::read(program, from, &archive.volumes[0], password, sink)
    }
}

/// How many bytes an archive says that it unpacks to; none if it does not say so at its end.
pub(crate) fn declared_bytes(from: &Dir, archive: &Archive) -> Option<u64> {
    let volumes = Volumes::open(from, &archive.volumes).ok()?;
    match archive.format {
        Format::Zip => zipped::declared_bytes(volumes),
        Format::SevenZip => seven_zip::declared_bytes(volumes),
        _ => None,
    }
}

/// The folder that the contents of an archive are laid out in: the one that the archive lies in.
pub(crate) fn folder_of(archive: &Archive) -> Option<RelPath> {
    archive.volumes[0].parent()
}
