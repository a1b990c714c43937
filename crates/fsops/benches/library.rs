//! The speed of jobs as ratios within one run: against `cp` for copies and against 7-Zip for archives.
//!
//! What is compared takes turns within each round on the same disk, which is synced before each turn and outside the clock; the
//! median of the rounds counts. A job is measured as a whole, with its journal and its one `syncfs` before the rename. `cp` and
//! 7-Zip promise nothing about the disk, so each is measured alone and followed by `sync -f`. It prints and asserts nothing.
//!
//! Arguments: `dir=PATH` is a directory on the disk to be measured, `copy-mib=4096`, `files=20000`, `archive-mib=1024`, and
//! `only=copy|files|zip|7z`.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use revaer_fsops::{
    Allowed, Job, Journal, Plan, Profile, Roots, Step, StepReport, Tools, Torrent, TorrentFile, Unobserved,
};

const ROUNDS: usize = 3;

struct Bench {
    dir: PathBuf,
    jobs: u32,
}

struct Silent;

impl Journal for Silent {
    fn before(&mut self, _: Step) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(())
    }

    fn after(&mut self, _: &StepReport) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(())
    }
}

fn main() {
    let given: HashMap<String, String> = std::env::args()
        .filter_map(|argument| {
            argument.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()))
        })
        .collect();
    let number =
        |key: &str, default: usize| given.get(key).map_or(default, |text| text.parse().expect("a number"));
    let wanted = |name: &str| given.get("only").is_none_or(|only| only == name);
    let here = given.get("dir").map_or_else(std::env::temp_dir, PathBuf::from);
    let disk = tempfile::tempdir_in(here).expect("a directory");
    let mut bench = Bench { dir: disk.path().to_owned(), jobs: 0 };
    for name in ["downloads", "library", "other"] {
        std::fs::create_dir(bench.dir.join(name)).expect("a directory");
    }
    println!(
        "  {:<34} {:>9} {:>9} {:>9} {:>9} {:>9}   target",
        "", "other", "+ sync", "job", "ratio", "+ sync"
    );
    if wanted("copy") {
        bench.make("big", 1, number("copy-mib", 4096) << 20);
        bench.compare("one large file, cp", "big", false, ">= 0.95", &["cp", "-r", "--reflink=never"]);
    }
    if wanted("files") {
        let count = number("files", 20_000);
        bench.make("small", count, 4096 * count);
        bench.compare("small files, cp -r", "small", false, ">= 0.8", &["cp", "-r"]);
    }
    for (format, level) in [("zip", "-mx1"), ("7z", "-mx1")] {
        if wanted(format) {
            bench.archive(format, level, number("archive-mib", 1024) << 20);
            let name = format!("archive, 7z x of {format}");
            bench.compare(&name, format, true, ">= 0.7", &["7z", "x", "-bd", "-y"]);
        }
    }
}

impl Bench {
    /// Makes a torrent of so many files and bytes, half of which pack.
    fn make(&self, name: &str, files: usize, bytes: usize) {
        let each = bytes / files;
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut block = vec![0_u8; 1 << 20];
        for number in 0..files {
            let folder = self.dir.join("downloads").join(name).join((number / 200).to_string());
            std::fs::create_dir_all(&folder).expect("a directory");
            let mut file = std::fs::File::create(folder.join(format!("{number}.bin"))).expect("a file");
            let mut left = each;
            while left > 0 {
                let length = left.min(block.len());
                for word in block[..length / 2].chunks_exact_mut(8) {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    word.copy_from_slice(&state.to_le_bytes());
                }
                file.write_all(&block[..length]).expect("space");
                left -= length;
            }
        }
    }

    fn archive(&self, format: &str, level: &str, bytes: usize) {
        self.make("content", 16, bytes);
        let into = self.dir.join("downloads").join(format);
        std::fs::create_dir(&into).expect("a directory");
        let archive = into.join(format!("a.{format}"));
        let content = self.dir.join("downloads/content");
        run(
            &content,
            &["7z", "a", "-bd", level, &format!("-t{format}"), archive.to_str().expect("text"), "."],
        );
        self.remove(&content);
    }

    fn compare(&mut self, what: &str, name: &str, extract: bool, target: &str, command: &[&str]) {
        let (mut alone, mut synced, mut job) = (Vec::new(), Vec::new(), Vec::new());
        let source = self.dir.join("downloads").join(name);
        let other = self.dir.join("other/it");
        for _ in 0..ROUNDS {
            for (times, sync) in [(&mut alone, false), (&mut synced, true)] {
                settle(&self.dir);
                let begun = Instant::now();
                if extract {
                    let archive = source.join(format!("a.{name}"));
                    let into = format!("-o{}", other.display());
                    let arguments = [command, &[&into, archive.to_str().expect("text")]].concat();
                    run(&self.dir, &arguments);
                } else {
                    let paths = [source.to_str().expect("text"), other.to_str().expect("text")];
                    run(&self.dir, &[command, &paths].concat());
                }
                if sync {
                    settle(&self.dir);
                }
                times.push(begun.elapsed().as_secs_f64());
                self.remove(&other);
            }
            let plan = self.plan(name, extract);
            settle(&self.dir);
            let begun = Instant::now();
            self.job(plan);
            job.push(begun.elapsed().as_secs_f64());
            self.remove(&self.dir.join("library").join(name));
        }
        let [alone, synced, job] = [alone, synced, job].map(median);
        println!(
            "  {what:<34} {alone:>8.2}s {synced:>8.2}s {job:>8.2}s {:>9.2} {:>9.2}   {target}",
            alone / job,
            synced / job
        );
        self.remove(&source);
    }

    fn plan(&mut self, name: &str, extract: bool) -> Plan {
        self.jobs += 1;
        let mut files = Vec::new();
        list(&self.dir.join("downloads"), &self.dir.join("downloads").join(name), &mut files);
        let torrent = Torrent {
            id: "01T".to_owned(),
            name: name.to_owned(),
            label: None,
            info_hash: "ab".to_owned(),
            save_path: self.dir.join("downloads"),
            files,
        };
        let values = serde_json::json!({
            "library_root": self.dir.join("library"), "transfer": "copy", "extract": extract, "on_conflict": "rename",
        });
        let values = serde_json::from_value(values).expect("a profile");
        Plan::new(&format!("01J{}", self.jobs), &Profile::parse(&values).expect("a profile"), &torrent)
            .expect("a plan")
    }

    fn job(&self, plan: Plan) {
        let allowed = ["downloads", "library"].map(|name| Allowed::new(self.dir.join(name)));
        let roots = Roots::new(allowed.to_vec()).expect("plain paths");
        let tools = Tools::default();
        Job::open(&roots, &tools, plan)
            .expect("a job")
            .run(&mut Silent, &Unobserved)
            .expect("it comes to its end");
    }

    fn remove(&self, path: &Path) {
        run(&self.dir, &["rm", "-rf", path.to_str().expect("text")]);
    }
}

fn list(root: &Path, path: &Path, files: &mut Vec<TorrentFile>) {
    for entry in std::fs::read_dir(path).expect("a directory") {
        let path = entry.expect("an entry").path();
        let metadata = std::fs::metadata(&path).expect("there");
        if metadata.is_dir() {
            list(root, &path, files);
        } else {
            let name = path.strip_prefix(root).expect("beneath").to_str().expect("text").to_owned();
            files.push(TorrentFile { path: name, size_bytes: metadata.len(), wanted: true, complete: true });
        }
    }
}

fn settle(dir: &Path) {
    run(dir, &["sync", "-f", dir.to_str().expect("text")]);
}

fn run(dir: &Path, command: &[&str]) {
    let status = Command::new(command[0]).args(&command[1..]).current_dir(dir).stdout(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "{command:?} has to succeed");
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
