//! Which methods a path has, for the `Allow` header that a 405 needs (RFC 9110), and which template it is counted under. Taken
//! from the OpenAPI document, so that there is no second list of routes.

use serde_json::Value;

/// The methods of every path.
pub(crate) struct AllowedMethods(Vec<Path>);

/// One path of the document.
struct Path {
    template: String,
    segments: Vec<String>,
    methods: String,
}

impl Path {
    fn new(template: &str, methods: String) -> Self {
        let segments = segments(template).map(str::to_owned).collect();
        Self { template: template.to_owned(), segments, methods }
    }

    fn is(&self, asked: &str) -> bool {
        let mut asked = segments(asked);
        let known = self.segments.iter();
        let fits =
            |known: &String| asked.next().is_some_and(|asked| known.starts_with('{') || asked == known);
        known.into_iter().all(fits) && asked.next().is_none()
    }
}

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
            Path::new(path, methods.join(", "))
        });
        let ours = ["/openapi.json", "/docs"].map(|path| Path::new(path, "GET".to_owned()));
        Self(paths.chain(ours).collect())
    }

    /// The methods of a path that exists.
    pub(crate) fn of(&self, path: &str) -> Option<&str> {
        self.path(path).map(|path| path.methods.as_str())
    }

    /// The template of a path that exists.
    pub(crate) fn template_of(&self, path: &str) -> Option<&str> {
        self.path(path).map(|path| path.template.as_str())
    }

    fn path(&self, asked: &str) -> Option<&Path> {
        self.0.iter().find(|path| path.is(asked))
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
        assert_eq!(allowed.of("/v1"), None);
    }

    #[test]
    fn path_is_known_by_its_template() {
        let allowed = AllowedMethods::of_document(&crate::document());
        assert_eq!(allowed.template_of("/v1/torrents/x/action"), Some("/v1/torrents/{id}/action"));
        assert_eq!(allowed.template_of("/v1/torrents/x/y"), None);
    }
}
