//! Content to share: a folder of files, the same for the same seed.
//!
//! The names are in several scripts, since that is where file systems, globs and terminals go wrong. The bytes look random
//! enough that no two blocks are alike, yet are quick to make: a stamp in every block makes it unique.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// A block with its own stamp; no piece of a torrent is smaller.
const BLOCK_BYTES: usize = 16 * 1024;

const FOLDERS: [&str; 6] = ["Música", "映画", "Документы", "صور", "한국어 자막", "notes & extras"];
const STEMS: [&str; 12] = [
    "Überraschung",
    "Café crème",
    "привет мир",
    "καλημέρα",
    "שלום",
    "مرحبا",
    "नमस्ते",
    "สวัสดี",
    "日本語の題名",
    "中文標題",
    "안녕하세요",
    "plain name",
];
const EXTENSIONS: [&str; 7] = ["mkv", "flac", "txt", "jpg", "srt", "nfo", "pdf"];

/// A folder of files that can be made again from its numbers.
#[derive(Debug, Clone)]
pub struct Payload {
    root: PathBuf,
    files: Vec<PayloadFile>,
}

/// A file of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadFile {
    /// Relative to the payload's folder.
    pub path: PathBuf,
    /// How long it is; never empty.
    pub size_bytes: u64,
}

impl Payload {
    /// Makes `files` files of `bytes` bytes in all, in a new folder in `dir`; at least one byte for each file.
    pub fn create(dir: &Path, seed: u64, files: usize, bytes: u64) -> io::Result<Payload> {
        let root = dir.join(format!("Sammlung 合集 {seed}"));
        let mut random = Random(seed);
        let sizes = sizes(&mut random, files, bytes);
        let mut payload = Payload { root, files: Vec::with_capacity(files) };
        let mut block = vec![0; BLOCK_BYTES];
        block.chunks_exact_mut(8).for_each(|word| word.copy_from_slice(&random.next().to_le_bytes()));
        for (index, size_bytes) in sizes.into_iter().enumerate() {
            let path = name(index);
            let whole = payload.root.join(&path);
            fs::create_dir_all(whole.parent().expect("a file lies in a folder"))?;
            write_blocks(&mut File::create(whole)?, &mut block, index, size_bytes)?;
            payload.files.push(PayloadFile { path, size_bytes });
        }
        Ok(payload)
    }

    /// The payload's folder; its name is the torrent's.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The name of the folder.
    pub fn name(&self) -> &str {
        self.root.file_name().and_then(|name| name.to_str()).expect("it was made from text")
    }

    /// Its files, in the order they were made.
    pub fn files(&self) -> &[PayloadFile] {
        &self.files
    }

    /// The SHA-256 of every file.
    pub fn sha256(&self) -> io::Result<BTreeMap<PathBuf, String>> {
        sha256_tree(&self.root)
    }
}

/// The SHA-256, in hex, of every file below `dir`, by relative path. Symbolic links are not followed.
pub fn sha256_tree(dir: &Path) -> io::Result<BTreeMap<PathBuf, String>> {
    let mut sums = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    let mut buffer = vec![0; 1024 * 1024];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let path = entry.path();
                let sum = sha256_file(&path, &mut buffer)?;
                sums.insert(path.strip_prefix(dir).map_err(io::Error::other)?.to_owned(), sum);
            }
        }
    }
    Ok(sums)
}

fn sha256_file(path: &Path, buffer: &mut [u8]) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    loop {
        match file.read(buffer)? {
            0 => return Ok(hex::encode(hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}

/// Sizes from very small to large, of the given sum.
fn sizes(random: &mut Random, files: usize, bytes: u64) -> Vec<u64> {
    assert!(
        u64::try_from(files).is_ok_and(|files| files > 0 && files <= bytes),
        "at least one byte for each file"
    );
    let mut left = bytes;
    let mut sizes: Vec<u64> = (0..files)
        .map(|index| {
            let still = u64::try_from(files - index).expect("checked above");
            // Around the mean of what is left, and never so much that later files go without.
            let size = (random.next() % (2 * left / still).max(1)).clamp(1, left - (still - 1));
            left -= size;
            size
        })
        .collect();
    *sizes.last_mut().expect("there is a file") += left;
    sizes
}

/// Every extension meets every stem and folder, as the counts share no factor often.
fn name(index: usize) -> PathBuf {
    let stem = STEMS[index % STEMS.len()];
    let file = format!("{index:04} {stem}.{}", EXTENSIONS[index % EXTENSIONS.len()]);
    // One in seven lies at the top, one in seven a folder deeper.
    match index % 7 {
        0 => PathBuf::from(file),
        1 => Path::new(FOLDERS[index % FOLDERS.len()]).join("vol. Ⅱ").join(file),
        _ => Path::new(FOLDERS[index % FOLDERS.len()]).join(file),
    }
}

fn write_blocks(file: &mut File, block: &mut [u8], index: usize, size_bytes: u64) -> io::Result<()> {
    let mut left = size_bytes;
    while left > 0 {
        block[..8].copy_from_slice(&left.to_le_bytes());
        block[8..16].copy_from_slice(&index.to_le_bytes());
        let piece = usize::try_from(left).map_or(block.len(), |left| left.min(block.len()));
        file.write_all(&block[..piece])?;
        left -= u64::try_from(piece).expect("a block is short");
    }
    Ok(())
}

/// The generator `SplitMix64`: small, and the same everywhere for ever, as a fixture must be.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_is_the_same_for_the_same_seed_and_differs_for_another() {
        let dir = tempfile::tempdir().unwrap();
        let sums = |place: &str, seed| {
            let payload = Payload::create(&dir.path().join(place), seed, 40, 1_000_000).unwrap();
            assert_eq!(payload.files().len(), 40);
            assert_eq!(payload.files().iter().map(|file| file.size_bytes).sum::<u64>(), 1_000_000);
            payload.sha256().unwrap()
        };
        let first = sums("a", 7);
        assert_eq!(first.len(), 40, "no two files have one name");
        assert_eq!(first, sums("b", 7));
        assert_ne!(first, sums("c", 8));
    }

    #[test]
    fn sums_notice_a_flipped_byte_and_a_missing_file() {
        let dir = tempfile::tempdir().unwrap();
        let payload = Payload::create(dir.path(), 1, 3, 50_000).unwrap();
        let whole = payload.sha256().unwrap();
        let victim = payload.root().join(&payload.files()[1].path);
        let mut bytes = fs::read(&victim).unwrap();
        bytes[0] ^= 1;
        fs::write(&victim, bytes).unwrap();
        let flipped = payload.sha256().unwrap();
        assert_eq!(whole.iter().filter(|(path, sum)| flipped[*path] != **sum).count(), 1);
    }

    #[test]
    fn known_text_has_its_known_sum() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("abc"), "abc").unwrap();
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_tree(dir.path()).unwrap()[Path::new("abc")], sum);
    }

    #[test]
    fn every_file_gets_a_byte_however_few_there_are() {
        let sizes = sizes(&mut Random(3), 100, 100);
        assert_eq!(sizes, vec![1; 100]);
    }
}
