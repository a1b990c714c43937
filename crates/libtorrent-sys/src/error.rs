//! An error of libtorrent, with its category and code.

/// What libtorrent, or the bridge itself, says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({category} {code})")]
pub struct Error {
    /// The category, for instance `libtorrent`, `system`, `bdecode error`, or `session` of the bridge itself.
    pub category: String,
    /// The code within the category.
    pub code: i32,
    /// In words.
    pub message: String,
}

impl Error {
    pub(crate) fn new(category: &str, code: i32, message: impl Into<String>) -> Self {
        Self { category: category.to_owned(), code, message: message.into() }
    }
}

impl From<cxx::Exception> for Error {
    fn from(exception: cxx::Exception) -> Self {
        let mut parts = exception.what().splitn(3, '\u{1f}');
        match (parts.next(), parts.next().and_then(|code| code.parse().ok()), parts.next()) {
            (Some(category), Some(code), Some(message)) => Self::new(category, code, message),
            _ => Self::new("c++", 0, exception.what()),
        }
    }
}
