//! The libraries that profiles name and the roots that they lie beneath: what may be touched, and how it is now.
//!
//! Nothing announces a disk that was unmounted or a program that was installed, so both are asked for. Everything here blocks.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use revaer_domain::settings::FsopsSettings;
use revaer_fsops::{Allowed, Failure, Identity, Job, Plan, Root, Roots, Tools, find_rar_program};

use super::words::detail;

/// What is asked about: the settings, and by what each root was known.
#[derive(Debug, Clone, Default)]
pub(super) struct Libraries {
    /// Where torrents download to: allowed without being named.
    pub(super) download_root: PathBuf,
    /// The roots that the settings allow.
    pub(super) allowed: Vec<PathBuf>,
    /// Each profile's library.
    pub(super) of_profiles: BTreeSet<PathBuf>,
    /// Whether a profile unpacks.
    pub(super) unpacks: bool,
    /// What each root was when it was last well.
    pub(super) identities: BTreeMap<PathBuf, Identity>,
    /// Where programs lie.
    pub(super) search_path: OsString,
}

/// How everything is.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// What is wrong, a sentence each.
    pub(super) complaints: Vec<String>,
    /// Libraries that cannot be used now.
    pub(super) unusable: BTreeSet<PathBuf>,
    /// Whether a program is there that opens RAR.
    pub(super) opens_rar: bool,
    /// What roots that were not known yet are known by from here on.
    pub(super) identified: BTreeMap<PathBuf, Identity>,
    /// Jobs that were begun and are not at their end, as the libraries tell it.
    pub(super) unfinished: Vec<Plan>,
}

impl Libraries {
    /// The same with other settings.
    pub(super) fn with_settings(&mut self, settings: &FsopsSettings) {
        self.allowed = settings.allowed_roots.iter().map(PathBuf::from).collect();
        let libraries = settings.profiles.values().map(|profile| PathBuf::from(&profile.library_root));
        self.of_profiles = libraries.collect();
        self.unpacks = settings.profiles.values().any(|profile| profile.extract);
    }

    /// The allow-list.
    pub(super) fn roots(&self) -> Result<Roots, Failure> {
        let all = std::iter::once(&self.download_root).chain(&self.allowed);
        Roots::new(all.map(|path| self.known(path)).collect())
    }

    fn known(&self, path: &Path) -> Allowed {
        Allowed { path: path.to_owned(), identity: self.identities.get(path).cloned() }
    }

    /// Looks at everything. A root that a library lies in, and that has no marker yet, gets the one that is given.
    pub(super) fn probe(&self, marker: &str) -> Findings {
        let opens_rar = !self.unpacks || find_rar_program(&self.search_path).is_some();
        let mut findings = Findings { opens_rar, ..Findings::default() };
        if !findings.opens_rar {
            let complaint =
                "RAR archives cannot be unpacked: neither unar nor a 7-Zip that knows them is installed";
            findings.complaints.push(complaint.to_owned());
        }
        for library in &self.of_profiles {
            if let Err(complaint) = self.probe_library(library, marker, &mut findings.identified) {
                findings.complaints.push(complaint);
                findings.unusable.insert(library.clone());
                continue;
            }
            let unfinished = self.roots().and_then(|roots| Job::unfinished(&roots, library));
            findings.unfinished.extend(unfinished.unwrap_or_default().into_iter().map(|begun| begun.plan));
        }
        findings
    }

    /// Clears away what a job left whose torrent is gone.
    pub(super) fn clear_away(&self, plan: Plan) -> Result<(), Failure> {
        let (roots, tools) = (self.roots()?, Tools::default());
        Job::open(&roots, &tools, plan)?.discard()
    }

    fn probe_library(
        &self,
        library: &Path,
        marker: &str,
        identified: &mut BTreeMap<PathBuf, Identity>,
    ) -> Result<(), String> {
        let roots = self.roots().map_err(|failure| detail(&failure))?;
        let (allowed, rest) = roots.locate(library).map_err(|failure| detail(&failure))?;
        let mut root = Root::open(allowed).map_err(|failure| detail(&failure))?;
        // The download root is made by the service itself; it need not be told from an empty directory.
        if allowed.identity.is_none() && allowed.path != self.download_root {
            let identity = root.mark(marker).map_err(|failure| detail(&failure))?;
            identified.insert(allowed.path.clone(), identity.clone());
        }
        let writable = if rest.is_some() {
            Root::open(&Allowed::new(library)).map_err(|failure| detail(&failure))?.probe().writable
        } else {
            root.probe().writable
        };
        if writable { Ok(()) } else { Err(format!("the library `{}` cannot be written", library.display())) }
    }
}
