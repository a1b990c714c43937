//! Makes RAR archives of stored files, in volumes if asked: no free program does, and tests need some.
//!
//! The format is that of RAR 2.9 to 4: blocks that begin with the lower half of a CRC-32 of themselves.

/// What is put in.
pub(crate) enum Member<'a> {
    File(&'a str, &'a [u8]),
    Directory(&'a str),
    Link(&'a str, &'a str),
}

const SIGNATURE: &[u8] = b"Rar!\x1a\x07\x00";

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn block(kind: u8, flags: u16, rest: &[u8]) -> Vec<u8> {
    let size = u16::try_from(7 + rest.len()).expect("a short header");
    let mut body = vec![kind];
    body.extend(flags.to_le_bytes());
    body.extend(size.to_le_bytes());
    body.extend(rest);
    let sum = u16::try_from(crc(&body) & 0xffff).expect("half of it");
    [&sum.to_le_bytes()[..], &body].concat()
}

/// Makes an archive of one file.
pub(crate) fn pack(members: &[Member<'_>]) -> Vec<u8> {
    volumes(members, usize::MAX).remove(0)
}

/// Makes an archive in volumes that each hold so many bytes of content.
pub(crate) fn volumes(members: &[Member<'_>], content_bytes_max: usize) -> Vec<Vec<u8>> {
    let mut volumes = vec![Vec::new()];
    let mut left = content_bytes_max;
    for member in members {
        let (name, content, mode, directory) = match member {
            Member::File(name, content) => (*name, *content, 0o100_644_u32, 0),
            Member::Directory(name) => (*name, &[][..], 0o040_755, 0xe0),
            Member::Link(name, target) => (*name, target.as_bytes(), 0o120_777, 0),
        };
        let mut rest = content;
        let mut continued = 0;
        loop {
            let (part, after) = rest.split_at(rest.len().min(left));
            let goes_on = if after.is_empty() { 0 } else { 0x02 };
            let sum = if goes_on == 0 { crc(content) } else { crc(part) };
            let number = |length: usize| u32::try_from(length).expect("a small file").to_le_bytes();
            let mut header = [number(part.len()), number(content.len())].concat();
            header.push(3);
            header.extend(sum.to_le_bytes());
            header.extend([0, 0, 0x21, 0x50, 20, 0x30]);
            header.extend(u16::try_from(name.len()).expect("a short name").to_le_bytes());
            header.extend(mode.to_le_bytes());
            header.extend(name.as_bytes());
            // Names are UTF-8 if the flag of Unicode is set and there is no NUL in them.
            let unicode = if name.is_ascii() { 0 } else { 0x0200 };
            let volume = volumes.last_mut().expect("it begins with one");
            volume.extend(block(0x74, 0x8000 | unicode | directory | continued | goes_on, &header));
            volume.extend(part);
            left = left.saturating_sub(part.len());
            rest = after;
            if goes_on == 0 {
                break;
            }
            continued = 0x01;
            volumes.push(Vec::new());
            left = content_bytes_max;
        }
    }
    let count = volumes.len();
    let finish = |(index, blocks): (usize, Vec<u8>)| {
        let split = if count > 1 { 0x0001 | 0x0010 | (u16::from(index == 0) * 0x0100) } else { 0 };
        let end = 0x4000 | u16::from(index + 1 < count);
        [SIGNATURE, &block(0x73, split, &[0; 6]), &blocks, &block(0x7b, end, &[])].concat()
    };
    volumes.into_iter().enumerate().map(finish).collect()
}
