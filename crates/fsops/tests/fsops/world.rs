//! A download directory and a library, a torrent in the one and what became of it in the other.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use revaer_fsops::{
    Allowed, Failure, Job, Journal, Outcome, Plan, Profile, ProfileValues, Roots, Step, StepReport, Tools,
    Torrent, TorrentFile, Unobserved, find_rar_program,
};
use tempfile::TempDir;

pub(crate) const JOB: &str = "01JOB";

pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) tools: Tools,
}

/// Notes the steps that were done.
#[derive(Default)]
pub(crate) struct Steps(pub(crate) Vec<Step>);

impl Journal for Steps {
    fn before(&mut self, _: Step) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(())
    }

    fn after(&mut self, report: &StepReport) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.0.push(report.step);
        Ok(())
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir(dir.path().join("downloads")).expect("a directory");
        fs::create_dir(dir.path().join("library")).expect("a directory");
        // The programs that Debian installs are there on every machine that runs these tests.
        let rar = find_rar_program("/usr/bin:/usr/local/bin".as_ref());
        Self { dir, tools: Tools { rar, passwords: Vec::new() } }
    }

    pub(crate) fn downloads(&self) -> PathBuf {
        self.dir.path().join("downloads")
    }

    pub(crate) fn library(&self) -> PathBuf {
        self.dir.path().join("library")
    }

    pub(crate) fn roots(&self) -> Roots {
        Roots::new(vec![Allowed::new(self.downloads()), Allowed::new(self.library())]).expect("plain paths")
    }

    /// Writes a file into the downloads.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        write(&self.downloads().join(path), content);
    }

    /// The torrent whose top folder, or only file, has this name, with everything that is in it now.
    pub(crate) fn torrent(&self, name: &str) -> Torrent {
        let top = self.downloads().join(name);
        let mut files = Vec::new();
        let mut add = |path: &Path| {
            let size_bytes = fs::symlink_metadata(path).expect("a file").len();
            let path =
                path.strip_prefix(self.downloads()).expect("beneath").to_str().expect("text").to_owned();
            files.push(TorrentFile { path, size_bytes, wanted: true, complete: true });
        };
        if top.is_dir() {
            each_file(&top, &mut add);
        } else {
            add(&top);
        }
        Torrent {
            id: "01TORRENT".to_owned(),
            name: name.to_owned(),
            label: Some("films".to_owned()),
            info_hash: "ab".repeat(20),
            save_path: self.downloads(),
            files,
        }
    }

    pub(crate) fn values(&self) -> ProfileValues {
        let root = self.library();
        serde_json::from_value(serde_json::json!({ "library_root": root })).expect("a profile needs no more")
    }

    pub(crate) fn plan(&self, name: &str, change: impl FnOnce(&mut ProfileValues)) -> Plan {
        self.try_plan(JOB, &self.torrent(name), change).expect("a plan")
    }

    pub(crate) fn try_plan(
        &self,
        job: &str,
        torrent: &Torrent,
        change: impl FnOnce(&mut ProfileValues),
    ) -> Result<Plan, Failure> {
        let mut values = self.values();
        change(&mut values);
        Plan::new(job, &Profile::parse(&values).expect("a profile"), torrent)
    }

    /// Runs a plan to its end.
    pub(crate) fn run(&self, plan: &Plan) -> Result<Outcome, Failure> {
        let roots = self.roots();
        let mut job = Job::open(&roots, &self.tools, plan.clone())?;
        job.run(&mut Steps::default(), &Unobserved).cloned()
    }

    pub(crate) fn run_with(
        &self,
        name: &str,
        change: impl FnOnce(&mut ProfileValues),
    ) -> Result<Outcome, Failure> {
        self.run(&self.plan(name, change))
    }

    /// Everything in the library but records, by its path.
    pub(crate) fn library_tree(&self) -> BTreeMap<String, String> {
        let mut tree = tree(&self.library());
        tree.retain(|path, _| !path.ends_with(".revaer.meta"));
        tree
    }
}

/// Everything beneath a directory: files with what is in them, links with where they lead, directories with a slash.
pub(crate) fn tree(directory: &Path) -> BTreeMap<String, String> {
    let mut tree = BTreeMap::new();
    each(directory, &mut |path| {
        let name = path.strip_prefix(directory).expect("beneath").to_str().expect("text").to_owned();
        let kind = fs::symlink_metadata(path).expect("there").file_type();
        if kind.is_dir() {
            tree.insert(format!("{name}/"), String::new());
        } else if kind.is_symlink() {
            tree.insert(name, format!("-> {}", fs::read_link(path).expect("a link").display()));
        } else {
            tree.insert(name, String::from_utf8_lossy(&fs::read(path).expect("a file")).into_owned());
        }
    });
    tree
}

fn each(directory: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        visit(&path);
        if fs::symlink_metadata(&path).expect("there").is_dir() {
            each(&path, visit);
        }
    }
}

fn each_file(directory: &Path, visit: &mut dyn FnMut(&Path)) {
    let mut files = Vec::new();
    each(directory, &mut |path| {
        if !fs::symlink_metadata(path).expect("there").is_dir() {
            files.push(path.to_owned());
        }
    });
    files.sort();
    for file in &files {
        visit(file);
    }
}

pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("not the root")).expect("a directory");
    fs::write(path, content).expect("a file");
}

/// Runs a program in a directory; it has to succeed.
pub(crate) fn program(directory: &Path, name: &str, arguments: &[&str]) {
    let output = Command::new(name)
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap_or_else(|error| panic!("`{name}` is needed (scripts/bootstrap tests): {error}"));
    assert!(output.status.success(), "{name} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Whether this process may do everything; tests of missing rights have nothing to show then.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
