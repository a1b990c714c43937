//! Which files are archives, and which of them belong together, by their names alone.
//!
//! A name is enough: releases are named so that people and programs find the first volume, and a name that lies is found out
//! when the archive is opened. A volume without its first one is left as the plain file that it then is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::path::RelPath;

/// How an archive is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// ZIP (APPNOTE.TXT).
    Zip,
    /// 7z.
    SevenZip,
    /// tar (POSIX.1-1988 ustar, pax, GNU).
    Tar,
    /// tar in gzip (RFC 1952).
    TarGzip,
    /// tar in xz.
    TarXz,
    /// tar in Zstandard (RFC 8878).
    TarZstd,
    /// tar in bzip2.
    TarBzip2,
    /// RAR, by a program.
    Rar,
}

/// An archive, with all its volumes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archive {
    /// How it is packed.
    pub format: Format,
    /// Its volumes in order, the first being the one that is opened.
    pub volumes: Vec<RelPath>,
    /// The first volume's name without what says that it is an archive.
    pub stem: String,
}

const SUFFIXES: &[(&str, Format)] = &[
    (".tar.gz", Format::TarGzip),
    (".tgz", Format::TarGzip),
    (".tar.xz", Format::TarXz),
    (".txz", Format::TarXz),
    (".tar.zst", Format::TarZstd),
    (".tzst", Format::TarZstd),
    (".tar.bz2", Format::TarBzip2),
    (".tbz2", Format::TarBzip2),
    (".tbz", Format::TarBzip2),
    (".tar", Format::Tar),
    (".zip", Format::Zip),
    (".7z", Format::SevenZip),
    (".rar", Format::Rar),
];

/// What a name says of a file: the archive that it belongs to and its place in it.
struct Volume<'a> {
    stem: &'a str,
    format: Format,
    /// Names of one archive agree in it: `.rar` and `.part1.rar` of one stem are two archives.
    scheme: Scheme,
    /// From zero; zero is the one that is opened.
    number: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scheme {
    /// One file; or `a.rar`, `a.r00`, `a.r01`.
    Plain,
    /// `a.7z.001`.
    Split,
    /// `a.part1.rar`.
    Part,
}

/// Finds the archives among files.
pub fn find<'a>(paths: impl IntoIterator<Item = &'a RelPath>) -> Vec<Archive> {
    type Key = (String, u8, Scheme);
    let mut groups: BTreeMap<Key, (Format, String, BTreeMap<u32, RelPath>)> = BTreeMap::new();
    for path in paths {
        let name = path.name();
        let Some(volume) = volume_of(name) else { continue };
        let folder = path.as_str().strip_suffix(name).unwrap_or_default();
        let key = (format!("{folder}{}", volume.stem), volume.format as u8, volume.scheme);
        let (.., volumes) =
            groups.entry(key).or_insert_with(|| (volume.format, volume.stem.to_owned(), BTreeMap::new()));
        // Two names for one place, such as `a.zip` and `a.ZIP`: the second is an archive of its own, which is rare enough
        // to be left packed.
        volumes.entry(volume.number).or_insert_with(|| path.clone());
    }
    groups
        .into_values()
        .filter(|(.., volumes)| volumes.contains_key(&0))
        .map(|(format, stem, volumes)| Archive { format, stem, volumes: volumes.into_values().collect() })
        .collect()
}

fn volume_of(name: &str) -> Option<Volume<'_>> {
    let plain = |stem, format, number| Some(Volume { stem, format, scheme: Scheme::Plain, number });
    let (front, extension) = name.rsplit_once('.')?;
    let digits = |text: &str| text.parse::<u32>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
    // `a.7z.001`, and a zip that was split the same way.
    if extension.len() == 3
        && let Some(number) = digits(extension)
        && let Some((stem, format @ (Format::SevenZip | Format::Zip))) = packed(front)
    {
        return Some(Volume { stem, format, scheme: Scheme::Split, number: number.checked_sub(1)? });
    }
    // `a.r00` follows `a.rar`; after `a.r99` comes `a.s00`.
    let lower = extension.to_ascii_lowercase();
    if lower.len() == 3
        && let Some(letter) = lower.bytes().next().filter(|letter| (b'r'..=b'z').contains(letter))
        && let Some(number) = digits(&lower[1..])
    {
        return plain(front, Format::Rar, u32::from(letter - b'r') * 100 + number + 1);
    }
    let (stem, format) = packed(name)?;
    if format == Format::Rar
        && let Some((part_stem, part)) = stem.rsplit_once('.')
        && let Some(number) =
            part.get(..4).filter(|p| p.eq_ignore_ascii_case("part")).and(digits(part.get(4..)?))
    {
        return Some(Volume {
            stem: part_stem,
            format,
            scheme: Scheme::Part,
            number: number.checked_sub(1)?,
        });
    }
    plain(stem, format, 0)
}

/// The stem and format of a name that ends as archives do.
fn packed(name: &str) -> Option<(&str, Format)> {
    SUFFIXES.iter().find_map(|&(suffix, format)| {
        let at = name.len().checked_sub(suffix.len()).filter(|&at| at > 0 && name.is_char_boundary(at))?;
        name[at..].eq_ignore_ascii_case(suffix).then_some((&name[..at], format))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::one_zip(&["T/a.zip", "T/b.txt"], &["Zip a: T/a.zip"])]
    #[case::tar_in_gzip(&["a.TAR.GZ"], &["TarGzip a: a.TAR.GZ"])]
    #[case::old_rar_volumes(&["a.r01", "a.rar", "a.r00"], &["Rar a: a.rar a.r00 a.r01"])]
    #[case::new_rar_volumes(
        &["a.part10.rar", "a.part02.rar", "a.part01.rar"],
        &["Rar a: a.part01.rar a.part02.rar a.part10.rar"]
    )]
    #[case::split_7z(&["a.7z.002", "a.7z.001"], &["SevenZip a: a.7z.001 a.7z.002"])]
    #[case::two_folders(&["1/a.rar", "2/a.rar", "2/a.r00"], &["Rar a: 1/a.rar", "Rar a: 2/a.rar 2/a.r00"])]
    #[case::volume_without_its_first(&["a.r00", "b.part2.rar", "c.7z.002"], &[])]
    #[case::not_archives(&["a.mkv", ".zip", "zip", "a.001", "a.s01e02"], &[])]
    fn archives_are_found_by_name(#[case] names: &[&str], #[case] expected: &[&str]) {
        let paths: Vec<RelPath> = names.iter().map(|&name| RelPath::parse(name).unwrap()).collect();
        let found: Vec<String> = find(&paths)
            .iter()
            .map(|archive| {
                let volumes: Vec<&str> = archive.volumes.iter().map(RelPath::as_str).collect();
                format!("{:?} {}: {}", archive.format, archive.stem, volumes.join(" "))
            })
            .collect();
        assert_eq!(found, expected);
    }
}
