//! The id of a request: the client's own where it is sane, else one that is drawn. It goes into every fact, log line and
//! answer.

use poem::{FromRequest, Request, RequestBody};
use revaer_application::Clock;

/// The header that carries it, both ways.
pub(crate) const HEADER: &str = "x-request-id";
/// The longest id that is taken over.
const BYTES_MAX: usize = 128;

/// The id of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestId(pub(crate) String);

impl RequestId {
    /// The client's id, unless it is none that could stand in a log line as it is.
    pub(crate) fn accept_or_draw(request: &Request, clock: &dyn Clock) -> Self {
        let given = request.headers().get(HEADER).and_then(|value| value.to_str().ok());
        Self(given.filter(|id| is_sane(id)).map_or_else(|| clock.ulid().to_string(), str::to_owned))
    }
}

fn is_sane(id: &str) -> bool {
    let clean = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    (1..=BYTES_MAX).contains(&id.len()) && id.bytes().all(clean)
}

impl<'a> FromRequest<'a> for RequestId {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Ok(request.extensions().get::<Self>().cloned().expect("the edge gives every request an id"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_could_forge_log_lines_are_not_taken_over() {
        assert!(is_sane("01JD-a_b.c:7"));
        for id in ["", "a b", "a\nb", "ä", "\"", &"x".repeat(129)] {
            assert!(!is_sane(id), "{id:?}");
        }
    }
}
