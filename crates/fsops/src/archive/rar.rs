//! RAR, by a program of this machine: `unar` with `lsar`, or 7-Zip where it was built with RAR.
//!
//! The program never writes a file. It lists the archive first, then sends all files one after the other into a pipe, and the
//! sizes of the list say where one ends and the next begins. Names, links and bounds are thereby judged by the same
//! [`Sink`](super::sink::Sink) as everything else. It is started within the directory of the volumes, by descriptor, with an
//! empty environment; a password stands in its arguments while it runs, which is the only way that it takes one.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsRawFd;
use serde::{Deserialize, Serialize};

use super::Trouble;
use super::sink::{Separator, Sink};
use crate::dir::Dir;
use crate::failure::Failure;
use crate::path::RelPath;

/// A link that is longer leads nowhere.
const LINK_BYTES_MAX: u64 = 4096;
/// A list of more bytes is of an archive with far more entries than are allowed.
const LIST_BYTES_MAX: u64 = 256 << 20;
/// How long a program may be silent. One that asks something on a terminal that it does not have is silent for ever; one
/// that looks for the first file of a solid archive on a slow disk is not so for minutes.
const SILENT_SECONDS_MAX: u32 = 300;

/// A program that opens RAR.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RarProgram {
    /// The Unarchiver.
    Unar {
        /// The one that unpacks.
        unar: PathBuf,
        /// The one that lists.
        lsar: PathBuf,
    },
    /// 7-Zip.
    SevenZip(PathBuf),
}

/// Looks for a program in the directories of a search path, such as the value of `PATH`.
pub fn find_rar_program(search_path: &OsStr) -> Option<RarProgram> {
    let find = |name: &str| {
        std::env::split_paths(search_path)
            .map(|directory| directory.join(name))
            .find(|program| rustix::fs::access(program, rustix::fs::Access::EXEC_OK).is_ok())
    };
    if let (Some(unar), Some(lsar)) = (find("unar"), find("lsar")) {
        return Some(RarProgram::Unar { unar, lsar });
    }
    let program = find("7zz").or_else(|| find("7z"))?;
    let formats = Command::new(&program).arg("i").stdin(Stdio::null()).output().ok()?;
    // The format is known to every build; what unpacks it is not in those of Debian's main section.
    let knows =
        String::from_utf8_lossy(&formats.stdout).lines().any(|line| line.trim_end().ends_with(" Rar5"));
    knows.then_some(RarProgram::SevenZip(program))
}

/// One entry of a list.
#[derive(Debug, Default, PartialEq, Eq)]
struct Listed {
    name: String,
    size_bytes: u64,
    is_directory: bool,
    is_link: bool,
    /// Where it leads, if it is a link and the list says so; it stands in the stream otherwise, like a file.
    target: String,
    encrypted: bool,
}

pub(super) fn read(
    program: &RarProgram,
    from: &Dir,
    first: &RelPath,
    password: Option<&str>,
    sink: &mut Sink<'_>,
) -> Result<(), Trouble> {
    let folder = from.parent_of(first)?;
    let argument = format!("./{}", first.name());
    let listed = match program {
        RarProgram::Unar { lsar, .. } => list_unar(command(lsar, &folder), &argument, password)?,
        RarProgram::SevenZip(program) => list_seven_zip(command(program, &folder), &argument, password)?,
    };
    let encrypted = listed.iter().any(|entry| entry.encrypted);
    if encrypted && password.is_none() {
        return Err(Trouble::Password);
    }
    let total: u64 = listed.iter().fold(0, |sum, entry| sum.saturating_add(entry.size_bytes));
    sink.would_take(total)?;
    let mut stream = match program {
        RarProgram::Unar { unar, .. } => {
            let mut command = command(unar, &folder);
            command.args(["-q", "-nr", "-k", "skip", "-o", "-"]).args(unar_password(password)).arg(&argument);
            Stream::start(command)?
        }
        RarProgram::SevenZip(program) => {
            let mut command = command(program, &folder);
            command
                .args(["x", "-so", "-y", "-bd"])
                .arg(format!("-p{}", password.unwrap_or_default()))
                .arg(&argument);
            Stream::start(command)?
        }
    };
    let read = unpack(&listed, &mut stream, sink);
    let ended_well = stream.finish(read.is_ok());
    match (read, ended_well) {
        (Ok(()), true) => Ok(()),
        (Err(Trouble::Failure(failure)), _) => Err(failure.into()),
        // A wrong password shows in checksums alone.
        _ if encrypted => Err(Trouble::Password),
        (Err(trouble), _) => Err(trouble),
        (Ok(()), false) => {
            Err(Trouble::Damaged("the program that unpacks it says that it is damaged".to_owned()))
        }
    }
}

fn unpack(listed: &[Listed], stream: &mut Stream, sink: &mut Sink<'_>) -> Result<(), Trouble> {
    for entry in listed {
        if entry.is_directory {
            sink.directory(&entry.name, Separator::Either)?;
        } else if entry.is_link {
            let mut target = String::new();
            let sent = stream.take(entry.size_bytes.min(LINK_BYTES_MAX)).read_to_string(&mut target);
            sent.map_err(|error| Trouble::Damaged(error.to_string()))?;
            let target = if target.is_empty() { &entry.target } else { &target };
            sink.link(&entry.name, Separator::Either, target)?;
        } else {
            let written = sink.file(&entry.name, Separator::Either, &mut stream.take(entry.size_bytes))?;
            if written != entry.size_bytes {
                let (name, size) = (&entry.name, entry.size_bytes);
                return Err(Trouble::Damaged(format!("`{name}` ends after {written} of {size} bytes")));
            }
        }
    }
    // More than was listed would mean that files were cut at the wrong places.
    match stream.read(&mut [0; 1]) {
        Ok(0) => Ok(()),
        Ok(_) => Err(Trouble::Damaged("has more in it than it lists".to_owned())),
        Err(error) => Err(Trouble::Damaged(error.to_string())),
    }
}

/// A program that starts in a directory that is held open.
fn command(program: &std::path::Path, folder: &Dir) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(format!("/proc/self/fd/{}", folder.fd().as_raw_fd()))
        .env_clear()
        .env("LC_ALL", "C.UTF-8")
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn unar_password(password: Option<&str>) -> Vec<&str> {
    password.map_or_else(Vec::new, |password| vec!["-p", password])
}

fn list_unar(mut command: Command, argument: &str, password: Option<&str>) -> Result<Vec<Listed>, Trouble> {
    #[derive(Deserialize)]
    struct List {
        #[serde(rename = "lsarContents", default)]
        contents: Vec<Entry>,
        #[serde(rename = "lsarError", default)]
        error: i64,
        #[serde(rename = "lsarProperties", default)]
        properties: Properties,
    }
    #[derive(Deserialize, Default)]
    struct Properties {
        #[serde(rename = "XADIsEncrypted", default)]
        encrypted: i64,
    }
    #[derive(Deserialize)]
    struct Entry {
        #[serde(rename = "XADFileName", default)]
        name: String,
        #[serde(rename = "XADFileSize", default)]
        size_bytes: u64,
        #[serde(rename = "XADIsDirectory", default)]
        is_directory: i64,
        #[serde(rename = "XADIsLink", default)]
        is_link: i64,
        #[serde(rename = "XADLinkDestination", default)]
        target: String,
        #[serde(rename = "XADIsEncrypted", default)]
        encrypted: i64,
    }
    command.args(["-j", "-nr"]).args(unar_password(password)).arg(argument);
    let answer = Stream::start(command)?.read_all()?;
    let list: List = serde_json::from_slice(&answer)
        .map_err(|error| Trouble::Damaged(format!("its list cannot be read: {error}")))?;
    if list.error != 0 || list.contents.is_empty() {
        return Err(if list.properties.encrypted != 0 {
            Trouble::Password
        } else {
            Trouble::Damaged("cannot be listed".to_owned())
        });
    }
    let listed = list.contents.into_iter().map(|entry| Listed {
        name: entry.name,
        size_bytes: if entry.is_directory == 0 { entry.size_bytes } else { 0 },
        is_directory: entry.is_directory != 0,
        is_link: entry.is_link != 0,
        target: entry.target,
        encrypted: entry.encrypted != 0,
    });
    Ok(listed.collect())
}

fn list_seven_zip(
    mut command: Command,
    argument: &str,
    password: Option<&str>,
) -> Result<Vec<Listed>, Trouble> {
    command.args(["l", "-slt", "-ba"]).arg(format!("-p{}", password.unwrap_or_default())).arg(argument);
    let answer = Stream::start(command)?.read_all()?;
    let listed = parse_seven_zip(&String::from_utf8_lossy(&answer));
    if listed.is_empty() { Err(Trouble::Damaged("cannot be listed".to_owned())) } else { Ok(listed) }
}

/// Reads blocks of `Key = value` that each begin with `Path`.
fn parse_seven_zip(text: &str) -> Vec<Listed> {
    let mut listed: Vec<Listed> = Vec::new();
    for line in text.lines() {
        let Some((key, value)) =
            line.split_once(" = ").or_else(|| line.strip_suffix(" =").map(|key| (key, "")))
        else {
            continue;
        };
        if key == "Path" {
            listed.push(Listed { name: value.to_owned(), ..Listed::default() });
            continue;
        }
        let Some(entry) = listed.last_mut() else { continue };
        match key {
            "Size" => entry.size_bytes = value.parse().unwrap_or(0),
            "Folder" => entry.is_directory = value == "+",
            "Encrypted" => entry.encrypted = value == "+",
            "Symbolic Link" if !value.is_empty() => {
                entry.is_link = true;
                value.clone_into(&mut entry.target);
            }
            "Attributes" if value.trim_start().starts_with('l') => entry.is_link = true,
            _ => {}
        }
    }
    listed
}

/// What a program sends. It ends with whoever holds this.
struct Stream {
    child: Child,
    stdout: ChildStdout,
}

impl Stream {
    fn start(mut command: Command) -> Result<Self, Trouble> {
        let program = PathBuf::from(command.get_program());
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Failure::of_io(error, "start", &program))?;
        let stdout = child.stdout.take().expect("it was asked to be a pipe");
        Ok(Self { child, stdout })
    }

    fn read_all(mut self) -> Result<Vec<u8>, Trouble> {
        let mut answer = Vec::new();
        let read = (&mut self).take(LIST_BYTES_MAX).read_to_end(&mut answer);
        self.finish(read.is_ok());
        read.map(|_| answer).map_err(|error| Trouble::Damaged(error.to_string()))
    }

    /// Ends the program, by force unless it has said everything, and says whether it was content.
    fn finish(&mut self, said_everything: bool) -> bool {
        if !said_everything {
            // It may have ended meanwhile, and then there is nothing to end.
            let _ = self.child.kill();
        }
        self.child.wait().is_ok_and(|status| status.success())
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let timeout = Timespec { tv_sec: i64::from(SILENT_SECONDS_MAX), tv_nsec: 0 };
        let mut ready = [PollFd::new(&self.stdout, PollFlags::IN)];
        if poll(&mut ready, Some(&timeout))? == 0 {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the program that unpacks it does not answer",
            ));
        }
        self.stdout.read(into)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Both fail if it has ended and was waited for, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_of_seven_zip_is_read() {
        let text = "Path = a/ñ.bin\nFolder = -\nSize = 12\nEncrypted = +\n\nPath = a\nFolder = +\nSize = 0\n\n\
                    Path = l\nFolder = -\nSize = 5\nSymbolic Link = a/ñ.bin\n\nPath = empty\nSize = \n";
        let listed = parse_seven_zip(text);
        assert_eq!(
            listed,
            [
                Listed { name: "a/ñ.bin".into(), size_bytes: 12, encrypted: true, ..Listed::default() },
                Listed { name: "a".into(), is_directory: true, ..Listed::default() },
                Listed {
                    name: "l".into(),
                    size_bytes: 5,
                    is_link: true,
                    target: "a/ñ.bin".into(),
                    ..Listed::default()
                },
                Listed { name: "empty".into(), ..Listed::default() },
            ]
        );
    }
}
