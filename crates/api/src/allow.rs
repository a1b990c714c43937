//! Which methods a path has, for the `Allow` header that a 405 needs (RFC 9110). Taken from the OpenAPI document, so that there
//! is no second list of routes.

use serde_json::Value;

/// The methods of every path.
pub(crate) struct AllowedMethods(Vec<(Vec<String>, String)>);

impl AllowedMethods {
    /// The methods that a document names.
    pub(crate) fn of_document(document: &str) -> Self {
        let document: Value = serde_json::from_str(document).expect("the document is JSON");
        let paths = document["paths"].as_object().into_iter().flatten().map(|(path, operations)| {
            let methods: Vec<_> = operations
                .as_object()
                .into_iter()
                .flatten()
                .map(|(method, _)| method.to_uppercase())
                .collect();
            (segments(path).map(str::to_owned).collect(), methods.join(", "))
        });
        let ours = ["/openapi.json", "/docs"]
            .map(|path| (segments(path).map(str::to_owned).collect(), "GET".to_owned()));
        Self(paths.chain(ours).collect())
    }

    /// The methods of a path that exists.
    pub(crate) fn of(&self, path: &str) -> Option<&str> {
        let matches = |pattern: &[String]| {
            let asked: Vec<_> = segments(path).collect();
            asked.len() == pattern.len()
                && asked.iter().zip(pattern).all(|(asked, known)| known.starts_with('{') || asked == known)
        };
        self.0.iter().find(|(pattern, _)| matches(pattern)).map(|(_, methods)| methods.as_str())
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_of_a_path_is_named() {
        let allowed = AllowedMethods::of_document(&crate::document());
        assert_eq!(allowed.of("/v1/torrents"), Some("GET, POST"));
        assert_eq!(allowed.of("/v1/torrents/x/action"), Some("POST"));
        assert_eq!(allowed.of("/docs"), Some("GET"));
        assert_eq!(allowed.of("/elsewhere"), None);
    }
}
