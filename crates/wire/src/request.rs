//! Bodies that clients send. Everything is optional here: which fields belong together is a rule, and a rule that is
//! broken is answered with the pointer of each field, not with a parser's first complaint.

use serde::{Deserialize, Serialize};

/// `POST /v1/torrents`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object), oai(default))]
pub struct AddRequest {
    /// A magnet URI. Either this or `metainfo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub magnet: Option<String>,
    /// A torrent file in base 64. Either this or `magnet`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metainfo: Option<String>,
    /// Relative to the download root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub save_path: Option<String>,
    /// Whether it waits for a resume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_paused: Option<bool>,
    /// Labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// Globs of wanted files; none means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include: Option<Vec<String>>,
    /// Globs of unwanted files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<Vec<String>>,
    /// Priorities by index or glob.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priorities: Option<Vec<PriorityRequest>>,
    /// Whether globs tell upper from lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_sensitive: Option<bool>,
    /// Leave samples, proofs, notes and the like out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_fluff: Option<bool>,
    /// First and last pieces of each wanted file first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_last_piece_first: Option<bool>,
    /// Download in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequential: Option<bool>,
    /// Limit, or null for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download_bytes_per_second: Option<u64>,
    /// Limit, or null for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_bytes_per_second: Option<u64>,
    /// Share ratio at which `share_action` is taken, 0 to 10,000; null: as the labels or the settings say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_ratio: Option<f64>,
    /// Seeding time at which it is taken; null: as the labels or the settings say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed_time_seconds: Option<u64>,
    /// `pause`, `remove` (its files stay) or `nothing`; null: as the labels or the settings say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_action: Option<String>,
    /// Announce URLs beside those of the torrent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trackers: Option<Vec<String>>,
    /// Peers to try first, `address:port`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peers: Option<Vec<String>>,
    /// The library profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fsops_profile: Option<String>,
}

/// `POST /v1/torrents/{id}/select`: replaces the rule.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object), oai(default))]
pub struct SelectRequest {
    /// Globs of wanted files; none means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include: Option<Vec<String>>,
    /// Globs of unwanted files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<Vec<String>>,
    /// Priorities by index or glob.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priorities: Option<Vec<PriorityRequest>>,
    /// Whether globs tell upper from lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_sensitive: Option<bool>,
    /// Leave samples, proofs, notes and the like out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_fluff: Option<bool>,
    /// First and last pieces of each wanted file first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_last_piece_first: Option<bool>,
}

/// A priority for a file by `index`, or for files by `glob`: one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct PriorityRequest {
    /// The file's index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// A glob over paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glob: Option<String>,
    /// 0 skip, 1 low, 4 normal, 7 high.
    pub priority: u8,
}

/// `POST /v1/torrents/{id}/action`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object), oai(default))]
pub struct ActionRequest {
    /// `pause`, `resume`, `remove`, `reannounce`, `recheck`, `sequential`, `rate_cap`, `share_limits`, `move` or `label`.
    pub action: Option<String>,
    /// With `remove`: whether the downloaded files go too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_data: Option<bool>,
    /// With `sequential`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable: Option<bool>,
    /// With `rate_cap`: a limit, or null for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download_bytes_per_second: Option<u64>,
    /// With `rate_cap`: a limit, or null for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_bytes_per_second: Option<u64>,
    /// With `share_limits`: the ratio, or null for what the labels or the settings say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_ratio: Option<f64>,
    /// With `share_limits`: the time, or null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed_time_seconds: Option<u64>,
    /// With `share_limits`: `pause`, `remove`, `nothing`, or null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_action: Option<String>,
    /// With `move`: relative to the download root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub save_path: Option<String>,
    /// With `label`: all labels from here on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
}
