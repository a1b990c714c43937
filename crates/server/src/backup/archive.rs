//! The file of a backup, written and read by a thread of its own, which packs and sums while the database is busy.
//!
//! A reader that has come to the end knows that all is as it was written: the sums come last and are compared then. What it gave
//! before that must not be relied on yet, which is why a backup is loaded in one transaction.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use anyhow::{Context, anyhow, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::format::SUMS;

/// Entries that wait between the database and the file: one in work and one ready keep both busy.
const ENTRIES_MAX: usize = 2;
/// The largest entry that is read: one that is written has a quarter of that.
const ENTRY_BYTES_MAX: u64 = 16 << 20;
/// The largest list of sums that is read: of some terabytes of rows.
const SUMS_BYTES_MAX: u64 = 256 << 20;
/// What follows the last entry: two empty blocks, which some fill up to twenty.
const TRAILER_BYTES_MAX: u64 = 64 << 10;
/// Quick, and a third of what text takes; more would take the service's cores.
const LEVEL: i32 = 3;

/// What is said of an entry at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Sum {
    name: String,
    bytes: u64,
    sha256: String,
}

impl Sum {
    fn of(name: &str, bytes: &[u8]) -> Self {
        Self { name: name.to_owned(), bytes: bytes.len() as u64, sha256: hex::encode(Sha256::digest(bytes)) }
    }
}

enum Step {
    Entry(String, Vec<u8>),
    /// Nothing more: now it is whole.
    End,
}

/// A backup that is being written.
pub(crate) struct Writer {
    steps: mpsc::Sender<Step>,
    thread: Option<JoinHandle<anyhow::Result<u64>>>,
}

impl Writer {
    /// Begins a file that appears when it is whole, and takes no other's place.
    pub(crate) fn begin(path: &Path) -> anyhow::Result<Self> {
        if path.exists() {
            bail!("{} is there already", path.display());
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Such a file is readable by its owner alone from the beginning.
        let file = tempfile::NamedTempFile::new_in(folder)
            .with_context(|| format!("cannot write into {}", folder.display()))?;
        let (steps, waiting) = mpsc::channel(ENTRIES_MAX);
        let (folder, path) = (folder.to_owned(), path.to_owned());
        let thread = std::thread::Builder::new()
            .name("backup".to_owned())
            .spawn(move || write(file, waiting, &folder, &path))
            .context("cannot start a thread")?;
        Ok(Self { steps, thread: Some(thread) })
    }

    /// Puts one more entry into it.
    pub(crate) async fn put(&mut self, name: String, bytes: Vec<u8>) -> anyhow::Result<()> {
        self.step(Step::Entry(name, bytes)).await
    }

    /// Ends it; its size in bytes.
    pub(crate) async fn end(mut self) -> anyhow::Result<u64> {
        self.step(Step::End).await?;
        self.outcome().await
    }

    async fn step(&mut self, step: Step) -> anyhow::Result<()> {
        if self.steps.send(step).await.is_ok() {
            return Ok(());
        }
        // It has ended before its time, and knows why.
        Err(self.outcome().await.err().unwrap_or_else(|| anyhow!("the backup ended too early")))
    }

    async fn outcome(&mut self) -> anyhow::Result<u64> {
        let thread = self.thread.take().context("the backup has failed before")?;
        let joined = tokio::task::spawn_blocking(move || thread.join()).await?;
        joined.map_err(|_| anyhow!("the thread that writes the backup panicked"))?
    }
}

fn write(
    file: tempfile::NamedTempFile,
    mut steps: mpsc::Receiver<Step>,
    folder: &Path,
    path: &Path,
) -> anyhow::Result<u64> {
    let cannot = || format!("cannot write {}", path.display());
    let mut packed = zstd::stream::write::Encoder::new(file.as_file(), LEVEL).with_context(cannot)?;
    packed.include_checksum(true).with_context(cannot)?;
    let mut archive = tar::Builder::new(packed);
    let mut sums = Vec::new();
    loop {
        match steps.blocking_recv() {
            Some(Step::Entry(name, bytes)) => {
                append(&mut archive, &name, &bytes).with_context(cannot)?;
                sums.push(Sum::of(&name, &bytes));
            }
            Some(Step::End) => break,
            // Whoever wrote it gave up, and the temporary file goes.
            None => bail!("the backup was given up"),
        }
    }
    append(&mut archive, SUMS, &serde_json::to_vec_pretty(&sums)?).with_context(cannot)?;
    archive.into_inner().and_then(zstd::stream::write::Encoder::finish).with_context(cannot)?;
    file.as_file().sync_all().with_context(cannot)?;
    let bytes = file.as_file().metadata().with_context(cannot)?.len();
    file.persist_noclobber(path).with_context(cannot)?;
    File::open(folder).and_then(|folder| folder.sync_all()).with_context(cannot)?;
    Ok(bytes)
}

fn append(archive: &mut tar::Builder<impl Write>, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o600);
    archive.append_data(&mut header, name, bytes)
}

/// A backup that is being read.
pub(crate) struct Reader {
    steps: mpsc::Receiver<anyhow::Result<Step>>,
}

impl Reader {
    /// Begins to read.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let (sender, steps) = mpsc::channel(ENTRIES_MAX);
        let path: PathBuf = path.to_owned();
        std::thread::Builder::new()
            .name("restore".to_owned())
            .spawn(move || {
                let ended = read(file, &sender).with_context(|| format!("{} is damaged", path.display()));
                // Whoever gave up on it has no use for how it ended.
                let _ = sender.blocking_send(ended.map(|()| Step::End));
            })
            .context("cannot start a thread")?;
        Ok(Self { steps })
    }

    /// The next entry; nothing when all came and all sums are right.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<(String, Vec<u8>)>> {
        match self.steps.recv().await.context("the thread that reads the backup panicked")?? {
            Step::Entry(name, bytes) => Ok(Some((name, bytes))),
            Step::End => Ok(None),
        }
    }
}

fn read(file: File, sender: &mpsc::Sender<anyhow::Result<Step>>) -> anyhow::Result<()> {
    let packed = zstd::stream::read::Decoder::new(file)?;
    let mut archive = tar::Archive::new(packed);
    let mut sums = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = String::from_utf8(entry.path_bytes().into_owned())?;
        let (size, is_last) = (entry.size(), name == SUMS);
        if size > if is_last { SUMS_BYTES_MAX } else { ENTRY_BYTES_MAX } {
            bail!("{name} has {size} bytes, which none of ours has");
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size)?);
        entry.read_to_end(&mut bytes)?;
        if is_last {
            let written: Vec<Sum> = serde_json::from_slice(&bytes).context("its sums cannot be read")?;
            compare(&sums, &written)?;
            drop(entry);
            return finish(archive.into_inner());
        }
        sums.push(Sum::of(&name, &bytes));
        if sender.blocking_send(Ok(Step::Entry(name, bytes))).is_err() {
            return Ok(());
        }
    }
    bail!("it ends without its sums: it was not written to its end")
}

/// The packing, too, has a sum at its very end.
fn finish(rest: impl Read) -> anyhow::Result<()> {
    if io::copy(&mut rest.take(TRAILER_BYTES_MAX), &mut io::sink())? == TRAILER_BYTES_MAX {
        bail!("more follows than the end of an archive");
    }
    Ok(())
}

fn compare(read: &[Sum], written: &[Sum]) -> anyhow::Result<()> {
    if let Some((read, _)) = read.iter().zip(written).find(|(read, written)| read != written) {
        bail!("{} is not what was written", read.name);
    }
    if read.len() != written.len() {
        bail!("it has {} entries of {}", read.len(), written.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    async fn written(path: &Path, entries: &[(&str, &[u8])]) -> anyhow::Result<u64> {
        let mut writer = Writer::begin(path)?;
        for (name, bytes) in entries {
            writer.put((*name).to_owned(), bytes.to_vec()).await?;
        }
        writer.end().await
    }

    async fn read_all(path: &Path) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
        let (mut reader, mut all) = (Reader::open(path)?, Vec::new());
        while let Some(entry) = reader.next().await? {
            all.push(entry);
        }
        Ok(all)
    }

    const ENTRIES: [(&str, &[u8]); 4] = [
        ("manifest.json", b"{}"),
        ("tables/events/000001", &[7; 90_000]),
        ("tables/events/000002", b""),
        ("x", b"y"),
    ];

    #[tokio::test]
    async fn what_was_written_is_read_and_nobody_else_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.backup");
        let bytes = written(&path, &ENTRIES).await.unwrap();
        let metadata = std::fs::metadata(&path).unwrap();
        assert_eq!((metadata.len(), metadata.permissions().mode() & 0o777), (bytes, 0o600));
        let read = read_all(&path).await.unwrap();
        assert!(read.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).eq(ENTRIES));
        // Nothing that is there is written over.
        assert!(written(&path, &ENTRIES).await.is_err());
        assert_eq!(std::fs::metadata(&path).unwrap().len(), bytes);
    }

    #[tokio::test]
    async fn backup_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::begin(&folder.path().join("a.backup")).unwrap();
        writer.put("x".to_owned(), vec![1; 100]).await.unwrap();
        let thread = writer.thread.take().unwrap();
        drop(writer);
        assert!(tokio::task::spawn_blocking(|| thread.join()).await.unwrap().unwrap().is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    /// Every prefix, and every byte changed: each is refused, at the latest at the end.
    #[tokio::test]
    async fn damage_is_found_wherever_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (whole, damaged) = (folder.path().join("whole"), folder.path().join("damaged"));
        written(&whole, &ENTRIES).await.unwrap();
        let bytes = std::fs::read(&whole).unwrap();
        for place in 0..bytes.len() {
            std::fs::write(&damaged, &bytes[..place]).unwrap();
            assert!(read_all(&damaged).await.is_err(), "cut at {place} of {}", bytes.len());
            let mut changed = bytes.clone();
            changed[place] ^= 0x10;
            std::fs::write(&damaged, &changed).unwrap();
            let read = read_all(&damaged).await;
            // A header of the packing may say the same in another way.
            assert!(
                read.is_err()
                    || read
                        .unwrap()
                        .iter()
                        .map(|(_, bytes)| bytes.as_slice())
                        .eq(ENTRIES.map(|entry| entry.1)),
                "{place}"
            );
        }
    }

    /// Packed well and summed wrong: as by somebody who changed an entry and packed all of it again.
    #[tokio::test]
    async fn entry_that_was_changed_and_packed_again_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("changed");
        let packed = zstd::stream::write::Encoder::new(File::create(&path).unwrap(), 1).unwrap();
        let mut archive = tar::Builder::new(packed);
        append(&mut archive, "x", b"changed").unwrap();
        append(&mut archive, SUMS, &serde_json::to_vec(&[Sum::of("x", b"written")]).unwrap()).unwrap();
        archive.into_inner().unwrap().finish().unwrap();
        let error = read_all(&path).await.unwrap_err();
        assert!(format!("{error:#}").contains("x is not what was written"), "{error:#}");
    }
}
