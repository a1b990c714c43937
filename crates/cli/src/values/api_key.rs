//! The secret that says who asks. It is sent, and never shown.

use std::fmt;
use std::str::FromStr;

use reqwest::header::HeaderValue;

/// A key, ready to be sent; an empty one is none, since an empty variable of the environment means just that.
#[derive(Clone)]
pub(crate) struct ApiKey(Option<HeaderValue>);

impl ApiKey {
    /// The value of `Authorization`.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        self.0.clone()
    }
}

impl FromStr for ApiKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Ok(ApiKey(None));
        }
        let mut header = HeaderValue::from_str(&format!("Bearer {text}"))
            .map_err(|_| "expected printable ASCII characters")?;
        header.set_sensitive(true);
        Ok(ApiKey(Some(header)))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_sent_as_bearer_and_not_shown() {
        let key: ApiKey = "s3cret".parse().unwrap();
        assert_eq!(key.header().unwrap().to_str().unwrap(), "Bearer s3cret");
        assert!(!format!("{key:?} {:?}", key.header()).contains("s3cret"));
    }

    #[test]
    fn empty_key_is_none_and_one_that_breaks_a_header_is_refused() {
        assert!("".parse::<ApiKey>().unwrap().header().is_none());
        assert!("a\nHost: b".parse::<ApiKey>().is_err());
    }
}
