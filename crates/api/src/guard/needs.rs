//! What each operation needs. An operation that is missing here fails a test, and is refused to all but `admin`.

use poem::http::Method;
use revaer_domain::api_key::Scope;
use serde_json::Value;

/// What an operation needs of whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing at all.
    Nothing,
    /// Judged by the setup itself: a token, and to be on this machine.
    Setup,
    /// As `read`; until the setup is complete, to be on this machine.
    Health,
    /// A key with the scope `read`, or a ticket.
    Stream,
    /// A key with this scope.
    Scope(Scope),
}

/// Every operation by its id in the document.
const OPERATIONS: &[(&str, Need)] = &[
    ("health", Need::Nothing),
    ("healthFull", Need::Health),
    ("readMetrics", Need::Scope(Scope::Read)),
    ("startSetup", Need::Setup),
    ("completeSetup", Need::Setup),
    ("listTorrents", Need::Scope(Scope::Read)),
    ("getTorrent", Need::Scope(Scope::Read)),
    ("listFiles", Need::Scope(Scope::Read)),
    ("explainSelection", Need::Scope(Scope::Read)),
    ("listTrackers", Need::Scope(Scope::Read)),
    ("listPeers", Need::Scope(Scope::Read)),
    ("readHistory", Need::Scope(Scope::Read)),
    ("followEvents", Need::Stream),
    ("issueStreamTicket", Need::Scope(Scope::Read)),
    ("addTorrent", Need::Scope(Scope::Control)),
    ("selectFiles", Need::Scope(Scope::Control)),
    ("actOnTorrent", Need::Scope(Scope::Control)),
    ("getSettings", Need::Scope(Scope::Admin)),
    ("patchSettings", Need::Scope(Scope::Admin)),
    ("readSettingsHistory", Need::Scope(Scope::Admin)),
    ("revertSettings", Need::Scope(Scope::Admin)),
    ("issueKey", Need::Scope(Scope::Admin)),
    ("listKeys", Need::Scope(Scope::Admin)),
    ("rotateKey", Need::Scope(Scope::Admin)),
    ("revokeKey", Need::Scope(Scope::Admin)),
    ("readAudit", Need::Scope(Scope::Admin)),
];
/// Paths that are served beside the operations.
const PUBLIC: [&str; 2] = ["/openapi.json", "/docs"];

/// The operations of a document, by method and path.
pub(super) struct Needs(Vec<Route>);

struct Route {
    method: Method,
    /// `None` stands for any one segment.
    segments: Vec<Option<String>>,
    need: Need,
}

impl Needs {
    /// What the operations that a document names need.
    pub(super) fn of_document(document: &str) -> Self {
        let document: Value = serde_json::from_str(document).expect("the document is JSON");
        let mut routes = Vec::new();
        for (path, operations) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in operations.as_object().into_iter().flatten() {
                let Ok(method) = method.to_uppercase().parse() else { continue };
                let segments =
                    segments(path).map(|segment| (!segment.starts_with('{')).then(|| segment.to_owned()));
                let need = of_operation(operation["operationId"].as_str().unwrap_or_default());
                routes.push(Route { method, segments: segments.collect(), need });
            }
        }
        Self(routes)
    }

    /// What a request needs. Where nothing is, nobody is told so without a key; that a path takes other methods is in the
    /// document, which anybody may read.
    pub(super) fn of(&self, method: &Method, path: &str) -> Need {
        if PUBLIC.contains(&path) {
            return Need::Nothing;
        }
        // The framework answers it as it answers GET, without the body.
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        let mut here = self.0.iter().filter(|route| route.is_at(path)).peekable();
        if here.peek().is_none() {
            return Need::Scope(Scope::Read);
        }
        here.find(|route| route.method == *method).map_or(Need::Nothing, |route| route.need)
    }
}

impl Route {
    fn is_at(&self, path: &str) -> bool {
        let mut asked = segments(path);
        let mut known = self.segments.iter();
        loop {
            match (asked.next(), known.next()) {
                (None, None) => return true,
                (Some(asked), Some(known)) if known.as_deref().is_none_or(|known| known == asked) => {}
                _ => return false,
            }
        }
    }
}

fn of_operation(id: &str) -> Need {
    let known = OPERATIONS.iter().find(|(known, _)| *known == id);
    known.map_or(Need::Scope(Scope::Admin), |(_, need)| *need)
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rstest::rstest;

    use super::*;

    #[test]
    fn table_has_the_operations_of_the_document_and_no_others() {
        let document: Value = serde_json::from_str(&crate::document()).expect("JSON");
        let paths = document["paths"].as_object().expect("paths").values();
        let operations = paths.flat_map(|path| path.as_object().expect("operations").values());
        let documented: BTreeSet<_> =
            operations.map(|operation| operation["operationId"].as_str().expect("an id")).collect();
        let known: BTreeSet<_> = OPERATIONS.iter().map(|(id, _)| *id).collect();
        assert_eq!(known, documented);
    }

    #[rstest]
    #[case(Method::GET, "/health", Need::Nothing)]
    #[case(Method::GET, "/docs", Need::Nothing)]
    #[case(Method::GET, "/v1/torrents", Need::Scope(Scope::Read))]
    #[case(Method::GET, "/v1/torrents/", Need::Scope(Scope::Read))]
    #[case(Method::POST, "/v1/torrents", Need::Scope(Scope::Control))]
    #[case(Method::POST, "/v1/torrents/x/action", Need::Scope(Scope::Control))]
    #[case(Method::DELETE, "/v1/api-keys/x", Need::Scope(Scope::Admin))]
    #[case(Method::GET, "/elsewhere", Need::Scope(Scope::Read))]
    #[case(Method::PUT, "/health", Need::Nothing)]
    #[case(Method::TRACE, "/v1/torrents/x", Need::Nothing)]
    #[case(Method::HEAD, "/v1/torrents", Need::Scope(Scope::Read))]
    #[case(Method::HEAD, "/v1/settings", Need::Scope(Scope::Admin))]
    fn request_needs_what_its_operation_needs(
        #[case] method: Method,
        #[case] path: &str,
        #[case] need: Need,
    ) {
        assert_eq!(Needs::of_document(&crate::document()).of(&method, path), need);
    }
}
