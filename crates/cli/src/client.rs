//! Requests to the service and what comes back.
//!
//! An answer is kept as the text that it came as: a service that is newer than this client says more than this client knows,
//! and `--output json` shows all of it. Ordinary requests end within a bound; a stream may last, yet not be silent, since the
//! service says something every 15 seconds. Proxies of the environment are ignored and redirects are not followed: the
//! default address is this very machine, and a key must not travel elsewhere than where it was sent.

use std::str::FromStr;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::{Failure, Refusal};
use crate::values::ApiKey;

const CONNECT_BOUND: Duration = Duration::from_secs(10);
/// Longer than the service waits itself, for its log or for a position.
const REQUEST_BOUND: Duration = Duration::from_mins(1);
/// Three times the distance of the comments in a stream.
const SILENCE_BOUND: Duration = Duration::from_secs(45);
/// How much of an answer that is not understood is shown.
const EXCERPT_CHARS_MAX: usize = 200;

/// The address of a service: `http://host:port` or `https://host:port`, with a path where a reverse proxy needs one.
#[derive(Debug, Clone)]
pub(crate) struct ServiceUrl(Url);

impl FromStr for ServiceUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|error| format!("not a URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("expected http://… or https://…".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err("expected scheme, host, port and path alone".to_owned());
        }
        Ok(ServiceUrl(url))
    }
}

impl ServiceUrl {
    /// The address in full.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Speaks to one service.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: Url,
}

/// The JSON of a successful answer, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Document(String);

impl Document {
    /// The text.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// The text as a body that this client knows.
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.0).map_err(|error| not_understood(StatusCode::OK, &error.to_string()))
    }
}

impl From<String> for Document {
    fn from(text: String) -> Document {
        Document(text)
    }
}

/// What goes with a write.
#[derive(Debug, Clone, Default)]
pub(crate) struct Condition {
    /// Repeats with the same key happen once.
    pub(crate) idempotency_key: Option<String>,
    /// Only if the torrent, or the settings, have this version.
    pub(crate) version: Option<u32>,
}

impl Client {
    /// A client of the service at this address, which trusts whom the system trusts.
    #[cfg(test)]
    pub(crate) fn new(url: ServiceUrl, key: Option<&ApiKey>) -> Result<Client, Failure> {
        Client::trusting(url, key, &[])
    }

    /// The same, which trusts these certificates (PEM) as well.
    pub(crate) fn trusting(url: ServiceUrl, key: Option<&ApiKey>, roots: &[u8]) -> Result<Client, Failure> {
        let roots = reqwest::Certificate::from_pem_bundle(roots)
            .map_err(|error| Failure::input(format!("the certificate is not usable: {error}")))?;
        let mut headers = HeaderMap::new();
        if let Some(key) = key.and_then(ApiKey::header) {
            headers.insert(AUTHORIZATION, key);
        }
        let builder =
            roots.into_iter().fold(reqwest::Client::builder(), reqwest::ClientBuilder::add_root_certificate);
        let http = builder
            .user_agent(concat!("revaer/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_BOUND)
            .read_timeout(SILENCE_BOUND)
            .build()
            .map_err(|error| Failure::input(format!("no client can be made: {error}")))?;
        Ok(Client { http, url: url.0 })
    }

    /// Reads; succeeds if the service does.
    pub(crate) async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Document, Failure> {
        let (status, text) = self.exchange(self.request(Method::GET, path).query(query)).await?;
        if !status.is_success() {
            return Err(refused(status, text));
        }
        document(status, text)
    }

    /// Reads, and takes the answer whatever its status, as long as it is no problem document.
    pub(crate) async fn get_report(&self, path: &[&str]) -> Result<Document, Failure> {
        let (status, text) = self.exchange(self.request(Method::GET, path)).await?;
        if !status.is_success() && serde_json::from_str::<revaer_wire::Problem>(&text).is_ok() {
            return Err(refused(status, text));
        }
        document(status, text)
    }

    /// Writes.
    pub(crate) async fn post(
        &self,
        path: &[&str],
        body: &impl Serialize,
        condition: &Condition,
    ) -> Result<Document, Failure> {
        self.write(self.request(Method::POST, path).json(body), condition).await
    }

    /// Tries a write out: it answers what it would come to.
    pub(crate) async fn try_out(&self, path: &[&str], body: &impl Serialize) -> Result<Document, Failure> {
        let request = self.request(Method::POST, path).query(&[("dry_run", "true")]).json(body);
        self.write(request, &Condition::default()).await
    }

    /// Changes a document.
    pub(crate) async fn patch(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        body: &impl Serialize,
        condition: &Condition,
    ) -> Result<Document, Failure> {
        self.write(self.request(Method::PATCH, path).query(query).json(body), condition).await
    }

    async fn write(&self, mut request: RequestBuilder, condition: &Condition) -> Result<Document, Failure> {
        if let Some(key) = &condition.idempotency_key {
            request = request.header("Idempotency-Key", header(key)?);
        }
        if let Some(version) = condition.version {
            request = request.header("If-Match", format!("\"{version}\""));
        }
        let (status, text) = self.exchange(request).await?;
        if !status.is_success() {
            return Err(refused(status, text));
        }
        document(status, text)
    }

    /// Ends something.
    pub(crate) async fn delete(&self, path: &[&str]) -> Result<(), Failure> {
        let (status, text) = self.exchange(self.request(Method::DELETE, path)).await?;
        if status.is_success() { Ok(()) } else { Err(refused(status, text)) }
    }

    /// To whom it speaks.
    pub(crate) fn url(&self) -> &str {
        self.url.as_str()
    }

    /// A request for the stream of events, to be opened by whoever follows it.
    pub(crate) fn events(&self, query: &[(&str, String)]) -> RequestBuilder {
        self.http.get(self.at(&["v1", "events"])).query(query)
    }

    /// Why the stream was not opened.
    pub(crate) async fn refusal(response: Response) -> Failure {
        let status = response.status();
        refused(status, response.text().await.unwrap_or_default())
    }

    /// Nobody answers, in this client's words.
    pub(crate) fn unreachable(&self, error: &reqwest::Error) -> Failure {
        Failure::Unreachable { url: self.url.to_string(), why: root_cause(error) }
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        self.http.request(method, self.at(path)).timeout(REQUEST_BOUND)
    }

    /// Each segment is one segment, whatever is in it.
    fn at(&self, path: &[&str]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    async fn exchange(&self, request: RequestBuilder) -> Result<(StatusCode, String), Failure> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let text = response.text().await.map_err(|error| self.unreachable(&error))?;
        Ok((status, text))
    }
}

fn header(text: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(text).map_err(|_| Failure::input(format!("cannot be sent as a header: {text:?}")))
}

fn document(status: StatusCode, text: String) -> Result<Document, Failure> {
    match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
        Ok(_) => Ok(Document(text)),
        Err(error) => Err(not_understood(status, &format!("{error}: {}", excerpt(&text)))),
    }
}

fn refused(status: StatusCode, text: String) -> Failure {
    match serde_json::from_str(&text) {
        Ok(problem) => Failure::Refused(Box::new(Refusal { status: status.as_u16(), problem, text })),
        Err(_) => not_understood(status, &excerpt(&text)),
    }
}

fn not_understood(status: StatusCode, what: &str) -> Failure {
    Failure::Unexpected { status: Some(status.as_u16()), what: what.to_owned() }
}

fn excerpt(text: &str) -> String {
    if text.is_empty() { "it is empty".to_owned() } else { text.chars().take(EXCERPT_CHARS_MAX).collect() }
}

/// The innermost words: `Connection refused` and not that a request could not be sent.
fn root_cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it does not answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::scripted::{Scripted, json};

    fn client(url: &str) -> Client {
        Client::new(url.parse().unwrap(), None).unwrap()
    }

    #[rstest]
    #[case::bare("http://h:1", &["v1", "torrents"], "http://h:1/v1/torrents")]
    #[case::slash("http://h:1/", &["health"], "http://h:1/health")]
    #[case::behind_a_path("http://h:1/revaer", &["v1"], "http://h:1/revaer/v1")]
    #[case::behind_a_folder("http://h:1/revaer/", &["v1"], "http://h:1/revaer/v1")]
    #[case::separator_in_a_segment("http://h:1", &["v1", "a/b?c"], "http://h:1/v1/a%2Fb%3Fc")]
    fn segments_are_put_behind_the_address(#[case] url: &str, #[case] path: &[&str], #[case] expected: &str) {
        assert_eq!(client(url).at(path).as_str(), expected);
    }

    #[rstest]
    #[case::no_url("127.0.0.1:7070")]
    #[case::file("file:///etc")]
    #[case::password("http://a:b@h")]
    #[case::query("http://h/?a")]
    fn address_of_another_kind_is_refused(#[case] url: &str) {
        assert!(url.parse::<ServiceUrl>().is_err());
    }

    #[test]
    fn answer_of_somebody_else_is_not_understood() {
        let failure = refused(StatusCode::BAD_GATEWAY, "<html>".to_owned());
        assert_eq!(failure.to_string(), "the answer is not understood (status 502): <html>");
        assert!(document(StatusCode::OK, "<html>".to_owned()).is_err());
    }

    #[tokio::test]
    async fn closed_port_is_unreachable() {
        let failure = client("http://127.0.0.1:1").get(&["health"], &[]).await.unwrap_err();
        assert!(matches!(&failure, Failure::Unreachable { why, .. } if why.contains("refused")), "{failure}");
        assert!(failure.is_passing());
    }

    #[tokio::test]
    async fn key_goes_with_every_request_and_conditions_with_theirs() {
        let service = Scripted::start(vec![json("{}"), json("{}")]).await;
        let key = "s3cret".parse().unwrap();
        let client = Client::new(service.url().parse().unwrap(), Some(&key)).unwrap();
        client.get(&["v1"], &[]).await.unwrap();
        let condition = Condition { idempotency_key: Some("k-1".to_owned()), version: Some(3) };
        client.post(&["v1"], &(), &condition).await.unwrap();
        assert_eq!(service.sent("authorization"), ["Bearer s3cret"; 2]);
        assert_eq!(
            (service.sent("idempotency-key"), service.sent("if-match")),
            (vec!["k-1".into()], vec!["\"3\"".into()])
        );
    }

    #[tokio::test]
    async fn key_does_not_follow_a_redirect() {
        let away =
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
        let service = Scripted::start(vec![away.to_owned()]).await;
        let failure = service.client().get(&["v1"], &[]).await.unwrap_err();
        assert!(matches!(failure, Failure::Unexpected { status: Some(307), .. }), "{failure}");
    }
}
