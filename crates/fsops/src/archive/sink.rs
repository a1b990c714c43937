//! Where the entries of an archive end up: the one place that writes what an archive says.
//!
//! A name that would lie outside refuses the whole archive, since an archive with one such name was made to do harm. Links are
//! never made: one that leads to a file of the same archive becomes that file by a second name, one that leads outside refuses
//! the archive, and one that leads to nothing is left out and told. Devices and pipes are left out.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

use crate::archive::{Meter, Trouble, Unpacked};
use crate::control::Control;
use crate::dir::Dir;
use crate::failure::{Failure, Rule};
use crate::path::RelPath;

/// Bytes that are read and written at a time: enough that system calls do not count.
const BUFFER_BYTES: usize = 256 << 10;
/// A link that leads to a link that leads to a link: no archive means that.
const LINK_STEPS_MAX: u32 = 8;
/// Archives nest directories, but not like this.
const DEPTH_MAX: usize = 64;

/// What separates the components of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    /// A slash alone.
    Slash,
    /// A slash or, as Windows has it, a backslash.
    Either,
}

pub(super) struct Sink<'a> {
    into: &'a Dir,
    archive: &'a Path,
    meter: &'a mut Meter,
    control: &'a Control<'a>,
    links: BTreeMap<RelPath, String>,
    /// The directory of the last file: most have the same.
    last: Option<(RelPath, Dir)>,
    buffer: Vec<u8>,
    unpacked: Unpacked,
}

impl<'a> Sink<'a> {
    pub(super) fn new(
        into: &'a Dir,
        archive: &'a Path,
        meter: &'a mut Meter,
        control: &'a Control<'a>,
    ) -> Self {
        let (links, last, unpacked) = (BTreeMap::new(), None, Unpacked::default());
        Self { into, archive, meter, control, links, last, buffer: vec![0; BUFFER_BYTES], unpacked }
    }

    /// The path for a name; none for the directory that everything is in.
    fn path(&self, name: &str, separator: Separator) -> Result<Option<RelPath>, Failure> {
        let refused = || Failure::refused(Rule::ArchiveName, self.archive.join(name.trim_start_matches('/')));
        let name = if separator == Separator::Either { name.replace('\\', "/") } else { name.to_owned() };
        let drive = name.as_bytes().get(1) == Some(&b':') && separator == Separator::Either;
        if name.starts_with('/') || drive {
            return Err(refused());
        }
        let kept: Vec<&str> = name.split('/').filter(|component| !matches!(*component, "" | ".")).collect();
        if kept.len() > DEPTH_MAX {
            return Err(refused());
        }
        if kept.is_empty() {
            return Ok(None);
        }
        RelPath::parse(kept.join("/")).map(Some).map_err(|_| refused())
    }

    /// Makes a directory.
    pub(super) fn directory(&mut self, name: &str, separator: Separator) -> Result<(), Failure> {
        self.meter.entry(self.archive)?;
        if let Some(path) = self.path(name, separator)? {
            self.into.make_dirs(&path, 0o700)?;
        }
        Ok(())
    }

    /// Makes a file of what the reader gives. What the reader says is the archive's trouble, what the disk says is not.
    pub(super) fn file(
        &mut self,
        name: &str,
        separator: Separator,
        reader: &mut dyn Read,
    ) -> Result<u64, Trouble> {
        self.meter.entry(self.archive)?;
        self.control.check()?;
        let refused = |rule| Failure::refused(rule, self.archive.join(name.trim_start_matches('/')));
        let path = self.path(name, separator)?.ok_or_else(|| refused(Rule::ArchiveName))?;
        let mut file = {
            let name = path.name().to_owned();
            let duplicate = refused(Rule::ArchiveDuplicate);
            match self.folder(path.parent())?.create_file(&name, 0o600) {
                Err(Failure::Conflict { .. }) => return Err(duplicate.into()),
                made => made?,
            }
        };
        let shown = self.into.shown().join(path.as_str());
        let mut written = 0;
        loop {
            let count = match reader.read(&mut self.buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Trouble::Damaged(error.to_string())),
            };
            self.meter.bytes(self.archive, count as u64)?;
            file.write_all(&self.buffer[..count]).map_err(|error| self.write_failure(error, &shown))?;
            self.control.advance(count as u64)?;
            written += count as u64;
        }
        self.unpacked.files += 1;
        Ok(written)
    }

    /// Remembers a link, which is made when everything else is there.
    pub(super) fn link(&mut self, name: &str, separator: Separator, target: &str) -> Result<(), Failure> {
        self.meter.entry(self.archive)?;
        let refused = || Failure::refused(Rule::ArchiveLink, self.archive.join(name.trim_start_matches('/')));
        let path = self.path(name, separator)?.ok_or_else(refused)?;
        let mut at: Vec<&str> = path.components().collect();
        at.pop();
        if target.starts_with('/') || target.contains('\0') {
            return Err(refused());
        }
        for component in target.split('/') {
            match component {
                "" | "." => {}
                ".." => {
                    at.pop().ok_or_else(refused)?;
                }
                name => at.push(name),
            }
        }
        self.links.insert(path.clone(), at.join("/"));
        Ok(())
    }

    /// Remembers a second name for an entry, whose name is given from the top of the archive.
    pub(super) fn second_name(&mut self, name: &str, of: &str) -> Result<(), Failure> {
        self.meter.entry(self.archive)?;
        let refused = || Failure::refused(Rule::ArchiveLink, self.archive.join(name.trim_start_matches('/')));
        let path = self.path(name, Separator::Slash)?.ok_or_else(refused)?;
        let of = self.path(of, Separator::Slash).map_err(|_| refused())?.ok_or_else(refused)?;
        self.links.insert(path, of.into());
        Ok(())
    }

    /// Makes the links that lead to files.
    pub(super) fn finish(mut self) -> Result<Unpacked, Failure> {
        for (path, first) in std::mem::take(&mut self.links) {
            let Some(file) = self.find_target(&path, first)? else {
                self.unpacked.links_left_out.push(path.into());
                continue;
            };
            let from = self.into.parent_of(&file)?;
            let to = match path.parent() {
                Some(parent) => self.into.make_dirs(&parent, 0o700)?,
                None => self.into.again()?,
            };
            match from.link(file.name(), &to, path.name()) {
                Ok(()) => self.unpacked.files += 1,
                Err(rustix::io::Errno::EXIST) => {
                    return Err(Failure::refused(Rule::ArchiveDuplicate, self.archive.join(path.as_str())));
                }
                // A file system without second names: the link is told as left out, as its content is there once.
                Err(_) => self.unpacked.links_left_out.push(path.into()),
            }
        }
        Ok(self.unpacked)
    }

    fn find_target(&self, path: &RelPath, first: String) -> Result<Option<RelPath>, Failure> {
        let mut target = first;
        for _ in 0..LINK_STEPS_MAX {
            let Ok(parsed) = RelPath::parse(target.as_str()) else { return Ok(None) };
            if let Some(next) = self.links.get(&parsed) {
                target.clone_from(next);
                continue;
            }
            // A path through a link to a directory is refused by the kernel, as nothing here is one.
            let stat = self.into.look(parsed.as_str()).or_else(|failure| match failure {
                Failure::Refused { rule: Rule::NotDirectory, .. } => Ok(None),
                other => Err(other),
            })?;
            let regular = stat.is_some_and(|stat| {
                rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::RegularFile
            });
            return Ok((regular && parsed != *path).then_some(parsed));
        }
        Ok(None)
    }

    fn folder(&mut self, path: Option<RelPath>) -> Result<&Dir, Failure> {
        let Some(path) = path else { return Ok(self.into) };
        let known = self.last.as_ref().is_some_and(|(last, _)| *last == path);
        if !known {
            let dir = self.into.make_dirs(&path, 0o700).map_err(|failure| match failure {
                // A file of that name was unpacked before.
                Failure::Refused { rule: Rule::NotDirectory, .. } => {
                    Failure::refused(Rule::ArchiveDuplicate, self.archive.join(path.as_str()))
                }
                other => other,
            })?;
            self.last = Some((path, dir));
        }
        Ok(&self.last.as_ref().expect("it was just set").1)
    }

    /// Says which bound so many bytes would break, before any of them is unpacked.
    pub(super) fn would_take(&self, count: u64) -> Result<(), Failure> {
        let mut meter = *self.meter;
        meter.bytes(self.archive, count)
    }

    fn write_failure(&self, error: std::io::Error, shown: &Path) -> Failure {
        match Failure::of_io(error, "write", shown) {
            Failure::NoSpace { .. } => Failure::NoSpace {
                root: self.into.shown().to_owned(),
                needed_bytes: None,
                free_bytes: self.into.free_bytes(),
            },
            other => other,
        }
    }
}
