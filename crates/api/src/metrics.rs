//! What the edge counts of itself, and `GET /metrics`, which shows what every room counts.
//!
//! A request is counted under the template of its route, as in the document, never under its path: a client can name paths without
//! end. Nothing is counted by torrent, key or address.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use poem::http::Method;
use poem::{IntoResponse, Request, Response};
use poem_openapi::registry::{
    MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::{ApiResponse, OpenApi, Tags};
use revaer_metrics::{Collectors, Gauge, HistogramVec, IntCounter, IntCounterVec, SECONDS, exposition};

use crate::parameter::Parameters;
use crate::rejected::{Plain, Rejected};

/// Prometheus' text, version 0.0.4.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// A path that no operation has, and a method that nobody registered.
const OTHER: &str = "other";

#[derive(Tags)]
enum Tag {
    /// How the service is.
    Health,
}

/// Shows what is counted.
#[async_trait]
pub trait Exposition: Send + Sync {
    /// Everything as Prometheus' text.
    async fn text(&self) -> String;
}

/// The collectors of the edge. A cheap clone of the same ones.
#[derive(Debug, Clone)]
pub struct Metrics {
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    pub(crate) requests_in_flight: Gauge,
    denials: IntCounterVec,
    pub(crate) connections: Gauge,
    pub(crate) connections_refused: IntCounter,
    pub(crate) clients: Gauge,
    pub(crate) clients_refused: IntCounter,
    streams: IntCounterVec,
    streams_ended: IntCounterVec,
    pub(crate) catch_ups: IntCounter,
    pub(crate) entries: IntCounter,
    pub(crate) stream_bytes: IntCounter,
    collectors: Collectors,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut all = Collectors::default();
        Self {
            requests: all.counters(
                "revaer_http_requests_total",
                "Requests that were answered, by method, template of the route and status.",
                &["method", "route", "status"],
            ),
            request_seconds: all.histograms(
                "revaer_http_request_duration_seconds",
                "From the head of a request to its answer; of a stream of events to its beginning.",
                SECONDS,
                &["route"],
            ),
            requests_in_flight: all
                .level("revaer_http_requests_in_flight", "Requests that are being answered."),
            denials: all.counters(
                "revaer_http_denials_total",
                "Requests that did not come to their operation, by why not.",
                &["reason"],
            ),
            connections: all.level("revaer_http_connections", "Connections of clients."),
            connections_refused: all.counter(
                "revaer_http_connections_refused_total",
                "Connections that were closed at once, since as many were there as may be.",
            ),
            clients: all.level("revaer_sse_clients", "Clients that follow the events."),
            clients_refused: all.counter(
                "revaer_sse_clients_refused_total",
                "Clients that were sent away, since as many followed the events as may.",
            ),
            streams: all.counters(
                "revaer_sse_streams_total",
                "Streams of events that were opened, by where they began.",
                &["start"],
            ),
            streams_ended: all.counters(
                "revaer_sse_streams_ended_total",
                "Streams of events that ended, by why: `slow` is a client that was cut off.",
                &["reason"],
            ),
            catch_ups: all.counter(
                "revaer_sse_catch_ups_total",
                "Streams that began too far back for the memory, and read from the database.",
            ),
            entries: all.counter(
                "revaer_sse_entries_total",
                "Facts and ticks of samples that were written to clients.",
            ),
            stream_bytes: all.counter("revaer_sse_sent_bytes_total", "Bytes of events that clients took."),
            collectors: all,
        }
    }
}

impl Metrics {
    /// All of them.
    pub const fn collectors(&self) -> &Collectors {
        &self.collectors
    }

    /// A request that was answered.
    pub(crate) fn answered(&self, method: &Method, route: Option<&str>, response: &Response, took: Duration) {
        let (method, route) = (name(method), route.unwrap_or(OTHER));
        self.requests.with_label_values(&[method, route, response.status().as_str()]).inc();
        self.request_seconds.with_label_values(&[route]).observe(took.as_secs_f64());
    }

    /// A request that did not come to its operation.
    pub(crate) fn denied(&self, reason: &str) {
        self.denials.with_label_values(&[reason]).inc();
    }

    /// A stream that was opened.
    pub(crate) fn stream_opened(&self, start: &str) {
        self.streams.with_label_values(&[start]).inc();
    }

    /// A stream that ended.
    pub(crate) fn stream_ended(&self, reason: &str) {
        self.streams_ended.with_label_values(&[reason]).inc();
    }
}

/// The edge alone, for whoever has no other rooms.
#[async_trait]
impl Exposition for Metrics {
    async fn text(&self) -> String {
        exposition(&self.collectors)
    }
}

/// A client may make up methods, and each would be a label.
fn name(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::HEAD
        | Method::OPTIONS => method.as_str(),
        _ => OTHER,
    }
}

/// Counts up for as long as it is there.
pub(crate) struct Counted(Gauge);

impl Counted {
    pub(crate) fn by(level: &Gauge) -> Self {
        level.inc();
        Self(level.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The operation.
pub(crate) struct MetricsApi(pub(crate) Arc<dyn Exposition>);

#[OpenApi(tag = "Tag::Health")]
impl MetricsApi {
    /// Read what the service counts
    ///
    /// In the text format of Prometheus; `docs/metrics.md` says what each family is. Nothing in it names a torrent, a file, a key
    /// or an address.
    #[oai(path = "/metrics", method = "get", operation_id = "readMetrics")]
    async fn read(&self, request: &Request) -> Result<Exposed, Rejected<Plain>> {
        Parameters::default().finish(request)?;
        Ok(Exposed(self.0.text().await))
    }
}

/// What Prometheus reads.
struct Exposed(String);

impl IntoResponse for Exposed {
    fn into_response(self) -> Response {
        Response::builder().content_type(TEXT).body(self.0)
    }
}

impl ApiResponse for Exposed {
    fn meta() -> MetaResponses {
        let schema = MetaSchemaRef::Inline(Box::new(MetaSchema::new("string")));
        let text = MetaResponse {
            description: "The families, by name.",
            status: Some(200),
            status_range: None,
            content: vec![MetaMediaType { content_type: TEXT, schema }],
            headers: vec![],
        };
        MetaResponses { responses: vec![text] }
    }

    fn register(_: &mut Registry) {}
}

#[cfg(test)]
mod tests {
    use poem::http::StatusCode;

    use super::*;

    #[test]
    fn what_a_client_makes_up_is_no_label() {
        let metrics = Metrics::default();
        let response = Response::builder().status(StatusCode::NOT_FOUND).finish();
        for made_up in ["BREW", "WHEN"] {
            let method = Method::from_bytes(made_up.as_bytes()).expect("a method");
            metrics.answered(&method, None, &response, Duration::from_millis(3));
        }
        let text = exposition(metrics.collectors());
        assert!(
            text.contains("revaer_http_requests_total{method=\"other\",route=\"other\",status=\"404\"} 2\n"),
            "{text}"
        );
    }

    #[test]
    fn level_falls_with_what_was_counted() {
        let metrics = Metrics::default();
        let counted = Counted::by(&metrics.clients);
        assert!((metrics.clients.get() - 1.0).abs() < f64::EPSILON);
        drop(counted);
        assert!(metrics.clients.get().abs() < f64::EPSILON);
    }
}
