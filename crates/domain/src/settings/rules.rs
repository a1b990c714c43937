//! What no key can say alone: values that contradict each other.

use std::collections::BTreeMap;

use super::catalogue::escape;
use super::patch::{Fault, FaultCode};
use super::{Cleanup, FsopsProfile, ProxyKind, Settings, Transfer, format};

/// Every contradiction of a document. Where two values make one, both are told, and the caller keeps those that were
/// asked for.
pub(super) fn check(settings: &Settings) -> Vec<Fault> {
    let mut faults = Faults(Vec::new());
    proxy(settings, &mut faults);
    tls(settings, &mut faults);
    connections(settings, &mut faults);
    schedule(settings, &mut faults);
    profiles(settings, &mut faults);
    faults.0
}

struct Faults(Vec<Fault>);

impl Faults {
    fn contradict(&mut self, pointer: &str, detail: impl Into<String>) {
        self.0.push(Fault::new(pointer, FaultCode::Contradiction, detail.into()));
    }
}

fn proxy(settings: &Settings, faults: &mut Faults) {
    let proxy = &settings.engine.proxy;
    if proxy.kind != ProxyKind::None {
        if proxy.host.is_none() {
            faults.contradict("/engine/proxy/host", "a proxy needs a host");
        }
        if proxy.port.is_none() {
            faults.contradict("/engine/proxy/port", "a proxy needs a port");
        }
    }
    if proxy.password.is_some() && proxy.username.is_none() {
        faults.contradict("/engine/proxy/password", "a password needs a username");
    }
}

fn tls(settings: &Settings, faults: &mut Faults) {
    let tls = &settings.http.tls;
    if tls.certificate_file.is_some() != tls.key_file.is_some() {
        let missing = if tls.key_file.is_none() { "key_file" } else { "certificate_file" };
        faults.contradict(&format!("/http/tls/{missing}"), "a certificate and its key go together");
    }
    if tls.certificate.is_some() != tls.key.is_some() {
        let missing = if tls.key.is_none() { "key" } else { "certificate" };
        faults.contradict(&format!("/http/tls/{missing}"), "a certificate and its key go together");
    }
    if tls.certificate_file.is_some() && tls.certificate.is_some() {
        faults
            .contradict("/http/tls/certificate_file", "the certificate is given in a file or here, not both");
    }
}

fn connections(settings: &Settings, faults: &mut Faults) {
    let engine = &settings.engine;
    if engine.connections_per_torrent_max.is_some_and(|max| max > engine.connections_max) {
        let detail = "one torrent cannot have more connections than all together";
        faults.contradict("/engine/connections_per_torrent_max", detail);
    }
}

fn schedule(settings: &Settings, faults: &mut Faults) {
    for (index, rule) in settings.limits.schedule.rules.iter().enumerate() {
        let at = format!("/limits/schedule/rules/{index}");
        if rule.days.is_empty() {
            faults.contradict(&format!("{at}/days"), "a rule without a day never holds");
        }
        if format::minutes(&rule.from) == Some(24 * 60) {
            faults.contradict(&format!("{at}/from"), "a day does not begin at its end: write 00:00");
        }
        if format::minutes(&rule.from) == format::minutes(&rule.to) {
            faults.contradict(&format!("{at}/to"), "is when the rule begins; a whole day is 00:00 to 24:00");
        }
    }
}

fn profiles(settings: &Settings, faults: &mut Faults) {
    let fsops = &settings.fsops;
    if let Some(name) = &fsops.default_profile
        && !fsops.profiles.contains_key(name)
    {
        faults.contradict("/fsops/default_profile", format!("there is no profile `{name}`"));
    }
    let mut chosen_by: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, profile) in &fsops.profiles {
        let at = format!("/fsops/profiles/{}", escape(name));
        if let Some(detail) = transfer_contradiction(profile) {
            faults.contradict(&format!("{at}/cleanup"), detail);
        }
        if !within_roots(settings, &profile.library_root) {
            let detail = "lies beneath none of `fsops.allowed_roots` and not beneath the download root";
            faults.contradict(&format!("{at}/library_root"), detail);
        }
        for (index, label) in profile.labels.iter().enumerate() {
            if let Some(other) = chosen_by.insert(label, name) {
                let detail = format!("`{label}` chooses the profile `{other}` already");
                faults.contradict(&format!("{at}/labels/{index}"), detail);
            }
        }
    }
}

fn transfer_contradiction(profile: &FsopsProfile) -> Option<&'static str> {
    match (profile.transfer, profile.cleanup) {
        (Transfer::Move, Cleanup::KeepSeeding) => {
            Some("files that are moved away cannot be seeded: transfer is `move`")
        }
        (Transfer::Symlink, Cleanup::RemoveTorrent) => {
            Some("links would lead to files that are removed: transfer is `symlink`")
        }
        _ => None,
    }
}

/// Whether a library lies where files may be written. The download root is known here only if it is a setting; whoever
/// writes checks again.
fn within_roots(settings: &Settings, library_root: &str) -> bool {
    let is_within = |root: &str| std::path::Path::new(library_root).starts_with(root);
    settings.fsops.allowed_roots.iter().any(|root| is_within(root))
        || settings.engine.download_root.as_deref().is_none_or(is_within)
}
