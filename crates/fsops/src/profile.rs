//! A profile: what is done with the files of a torrent, as the settings say it and as it is when it was understood.
//!
//! [`ProfileValues`] is the text of the settings; [`Profile::parse`] finds every fault of it at once and resolves names of
//! users and groups. A profile that was parsed contradicts itself nowhere, so no step has to ask.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::archive::Bounds;
use crate::rules::{InvalidRules, RuleValues, Rules};
use crate::template::Template;

/// How a file gets into the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transfer {
    /// A second name for the same file: takes no space, and the torrent goes on seeding.
    #[default]
    Hardlink,
    /// A file of its own; shares its blocks where the file system can.
    Copy,
    /// The file itself: linked or copied first, and removed from the download once it is in its place.
    Move,
    /// A symbolic link into the download.
    Symlink,
}

/// What if no hard link can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferFallback {
    /// The file is copied.
    #[default]
    Copy,
    /// The job fails.
    Fail,
}

/// What if the destination exists. It is never overwritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// The job fails.
    #[default]
    Fail,
    /// A number is added to the name.
    Rename,
    /// The job succeeds without placing anything if the content is the same, and fails otherwise.
    SkipIdentical,
}

/// What is computed of every placed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checksum {
    /// Nothing.
    #[default]
    None,
    /// SHA-256 (FIPS 180-4).
    Sha256,
    /// BLAKE3.
    Blake3,
}

/// What becomes of the torrent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cleanup {
    /// It goes on seeding from the download.
    #[default]
    KeepSeeding,
    /// Whoever runs the job removes the torrent afterwards, with what it downloaded.
    RemoveTorrent,
}

/// A profile as the settings say it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileValues {
    /// An absolute path beneath an allowed root.
    pub library_root: String,
    /// The path beneath it.
    #[serde(default = "default_template")]
    pub path_template: String,
    /// Labels of torrents that choose this profile.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Whether archives are unpacked and left out themselves.
    #[serde(default)]
    pub extract: bool,
    /// Whether all files go into one directory.
    #[serde(default)]
    pub flatten: bool,
    #[serde(default)]
    #[expect(missing_docs, reason = "the type says it")]
    pub transfer: Transfer,
    #[serde(default)]
    #[expect(missing_docs, reason = "the type says it")]
    pub transfer_fallback: TransferFallback,
    #[serde(default)]
    #[expect(missing_docs, reason = "the type says it")]
    pub on_conflict: OnConflict,
    /// Octal digits, such as `0644`.
    #[serde(default)]
    pub file_mode: Option<String>,
    /// Octal digits, such as `0755`.
    #[serde(default)]
    pub directory_mode: Option<String>,
    /// Octal digits, taken from 0666 and 0777 where no mode is given; `0022` if it is not given either.
    #[serde(default)]
    pub umask: Option<String>,
    /// A user by name or number.
    #[serde(default)]
    pub owner: Option<String>,
    /// A group by name or number.
    #[serde(default)]
    pub group: Option<String>,
    /// See [`Rules`].
    #[serde(default)]
    pub include: Vec<String>,
    /// See [`Rules`].
    #[serde(default)]
    pub exclude: Vec<String>,
    /// See [`crate::FLUFF`].
    #[serde(default)]
    pub skip_fluff: bool,
    #[serde(default)]
    #[expect(missing_docs, reason = "the type says it")]
    pub checksum: Checksum,
    #[serde(default)]
    #[expect(missing_docs, reason = "the type says it")]
    pub cleanup: Cleanup,
    /// What archives may grow to.
    #[serde(default)]
    pub bounds: Bounds,
}

fn default_template() -> String {
    "{name}".to_owned()
}

/// A profile that was understood.
#[derive(Debug, Clone)]
pub struct Profile {
    pub(crate) library_root: PathBuf,
    pub(crate) template: Template,
    pub(crate) rules: Rules,
    pub(crate) how: How,
}

/// The part of a profile that the steps need, as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields of `ProfileValues`, understood")]
pub struct How {
    pub extract: bool,
    pub flatten: bool,
    pub transfer: Transfer,
    pub transfer_fallback: TransferFallback,
    pub on_conflict: OnConflict,
    pub checksum: Checksum,
    pub cleanup: Cleanup,
    /// The mode of files that are made here.
    pub file_mode: u32,
    /// The mode of directories that are made here.
    pub directory_mode: u32,
    /// Whether the mode was asked for, so that files that are linked get it too.
    pub mode_asked: bool,
    /// A user's number.
    pub owner: Option<u32>,
    /// A group's number.
    pub group: Option<u32>,
    pub bounds: Bounds,
}

/// A fault of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidProfile {
    /// The JSON pointer of the value (RFC 6901), from the profile.
    pub pointer: String,
    /// A stable name.
    pub code: &'static str,
    /// What is wrong, for people.
    pub detail: String,
}

impl Profile {
    /// Understands a profile, or says everything that is wrong with it.
    pub fn parse(values: &ProfileValues) -> Result<Self, Vec<InvalidProfile>> {
        let mut faults = Faults::default();
        let library_root = PathBuf::from(&values.library_root);
        let plain = library_root.components().all(|c| !matches!(c, std::path::Component::ParentDir));
        if !library_root.is_absolute() || !plain || values.library_root.contains('\0') {
            faults.add("/library_root", "invalid_path", "has to be an absolute path without `..`");
        }
        let template = Template::parse(&values.path_template)
            .map_err(|error| faults.add("/path_template", "invalid_template", error))
            .ok();
        let rules = RuleValues {
            include: values.include.clone(),
            exclude: values.exclude.clone(),
            skip_fluff: values.skip_fluff,
            case_sensitive: false,
        };
        let rules = Rules::parse(rules)
            .map_err(|error| {
                let pointer = match &error {
                    InvalidRules::Glob { list, index, .. } => format!("/{list}/{index}"),
                    InvalidRules::TooMany { list } => format!("/{list}"),
                };
                faults.add(&pointer, "invalid_glob", error);
            })
            .ok();
        let how = how(values, &mut faults);
        contradictions(values, &mut faults);
        match (template, rules) {
            (Some(template), Some(rules)) if faults.0.is_empty() => {
                Ok(Self { library_root, template, rules, how })
            }
            _ => Err(faults.0),
        }
    }
}

fn how(values: &ProfileValues, faults: &mut Faults) -> How {
    let file_mode = mode(values.file_mode.as_deref(), "/file_mode", faults);
    let directory_mode = mode(values.directory_mode.as_deref(), "/directory_mode", faults);
    let umask = mode(values.umask.as_deref(), "/umask", faults);
    if file_mode.is_some_and(|mode| mode & 0o400 == 0) {
        faults.add("/file_mode", "invalid_mode", "has to let the owner read");
    }
    if directory_mode.is_some_and(|mode| mode & 0o700 != 0o700) {
        faults.add("/directory_mode", "invalid_mode", "has to let the owner read, write and enter");
    }
    let owner = account(values.owner.as_deref(), "/owner", faults, |name| {
        nix::unistd::User::from_name(name).map(|user| user.map(|user| user.uid.as_raw()))
    });
    let group = account(values.group.as_deref(), "/group", faults, |name| {
        nix::unistd::Group::from_name(name).map(|group| group.map(|group| group.gid.as_raw()))
    });
    let taken = umask.unwrap_or(0o022);
    How {
        extract: values.extract,
        flatten: values.flatten,
        transfer: values.transfer,
        transfer_fallback: values.transfer_fallback,
        on_conflict: values.on_conflict,
        checksum: values.checksum,
        cleanup: values.cleanup,
        file_mode: file_mode.unwrap_or(0o666 & !taken),
        // Whatever the umask takes, we have to get in ourselves.
        directory_mode: directory_mode.unwrap_or((0o777 & !taken) | 0o700),
        mode_asked: file_mode.is_some() || umask.is_some(),
        owner,
        group,
        bounds: values.bounds,
    }
}

fn contradictions(values: &ProfileValues, faults: &mut Faults) {
    let contradict = "contradiction";
    if values.transfer == Transfer::Move && values.cleanup == Cleanup::KeepSeeding {
        faults.add(
            "/cleanup",
            contradict,
            "a torrent cannot seed files that were moved away: use remove_torrent",
        );
    }
    if values.transfer == Transfer::Symlink {
        if values.cleanup == Cleanup::RemoveTorrent {
            faults.add(
                "/cleanup",
                contradict,
                "symbolic links would lead nowhere once the torrent is removed",
            );
        }
        for (set, pointer) in [
            (values.file_mode.is_some(), "/file_mode"),
            (values.owner.is_some(), "/owner"),
            (values.group.is_some(), "/group"),
        ] {
            if set {
                faults.add(pointer, contradict, "a symbolic link has no mode and no owner that count");
            }
        }
    }
    if values.umask.is_some() && values.file_mode.is_some() && values.directory_mode.is_some() {
        faults.add("/umask", contradict, "has no effect where both modes are given");
    }
}

#[derive(Default)]
struct Faults(Vec<InvalidProfile>);

impl Faults {
    fn add(&mut self, pointer: &str, code: &'static str, detail: impl std::fmt::Display) {
        self.0.push(InvalidProfile { pointer: pointer.to_owned(), code, detail: detail.to_string() });
    }
}

/// Octal digits without the bits that give rights of the owner to whoever runs a file.
fn mode(text: Option<&str>, pointer: &str, faults: &mut Faults) -> Option<u32> {
    let text = text?;
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 && (3..=4).contains(&text.len()) && !text.starts_with('+') => Some(mode),
        _ => {
            faults.add(pointer, "invalid_mode", "has to be three octal digits, such as 0644");
            None
        }
    }
}

fn account(
    text: Option<&str>,
    pointer: &str,
    faults: &mut Faults,
    find: impl Fn(&str) -> nix::Result<Option<u32>>,
) -> Option<u32> {
    let text = text?;
    // The largest number means "leave it" to the kernel.
    if let Ok(number) = text.parse::<u32>()
        && number != u32::MAX
    {
        return Some(number);
    }
    let found = find(text).ok().flatten();
    if found.is_none() {
        faults.add(pointer, "unknown_account", format!("`{text}` is not known on this machine"));
    }
    found
}
