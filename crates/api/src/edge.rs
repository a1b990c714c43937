//! The outermost endpoint: request ids, who asks and from where, the bound of the headers, the time a request may take, panics,
//! problems written out, and the headers that every answer carries. Whatever goes wrong inside, a client gets a problem document
//! with its request id.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt;
use poem::http::HeaderValue;
use poem::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use poem::{Endpoint, IntoResponse, Request, Response};
use revaer_application::Application;
use tokio::sync::watch;
use tracing::Instrument;

use crate::allow::AllowedMethods;
use crate::guard::{Admission, Denied, Guard, challenge};
use crate::metrics::{Counted, Metrics};
use crate::problem::Refusal;
use crate::rejected::PROBLEM_JSON;
use crate::request_id::{self, RequestId, TraceId};
use crate::{Access, Limits, client_address, cors, headers, origin};

/// Wraps everything that is served.
pub(crate) struct Edge<E> {
    pub(crate) inner: E,
    pub(crate) application: Application,
    pub(crate) limits: watch::Receiver<Arc<Limits>>,
    pub(crate) access: watch::Receiver<Arc<Access>>,
    pub(crate) allowed: AllowedMethods,
    pub(crate) metrics: Metrics,
    /// Absent in benchmarks alone, which measure what it costs.
    pub(crate) guard: Option<Guard>,
}

impl<E: Endpoint> Endpoint for Edge<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let (begun, _in_flight) = (Instant::now(), Counted::by(&self.metrics.requests_in_flight));
        let method = request.method().clone();
        let id = RequestId::accept_or_draw(&request, self.application.clock());
        // One of each for the whole request, whatever changes meanwhile.
        let limits = Arc::clone(&self.limits.borrow());
        let access = Arc::clone(&self.access.borrow());
        client_address::find_out(&mut request, &access.trusted_proxies);
        let route = self.allowed.template_of(request.uri().path()).unwrap_or("other");
        let span =
            tracing::info_span!("request", request_id = id.0, %method, route, trace = tracing::field::Empty);
        if let Some(trace) = TraceId::of(&request) {
            span.record("trace", trace.0.as_str());
            request.set_data(trace);
        }
        request.set_data(id.clone());
        request.set_data(Arc::clone(&limits));
        let client = client_address::client_address(&request);
        let path = request.uri().path().to_owned();
        let scheme = request.scheme().clone();
        let page = cors::allowed_origin(&request, &access.cors_origins);
        let admission = self.guard.as_ref().map(|guard| guard.admit(&request, &limits));
        let standing = admission.as_ref().map(|admission| admission.standing);
        let mut response =
            match self.answer(request, admission, &limits, page.is_some()).instrument(span).await {
                Ok(response) => response,
                Err(refusal) => self.present(&refusal, &id, &path, client),
            };
        if let Some(standing) = standing {
            standing.write(&mut response);
        }
        if let Some(origin) = page {
            cors::admit(&mut response, origin);
        }
        headers::complete(&mut response, &scheme);
        if let Ok(value) = HeaderValue::from_str(&id.0) {
            response.headers_mut().insert(request_id::HEADER, value);
        }
        self.metrics.answered(&method, self.allowed.template_of(&path), &response, begun.elapsed());
        Ok(response)
    }
}

impl<E: Endpoint> Edge<E> {
    async fn answer(
        &self,
        mut request: Request,
        admission: Option<Admission>,
        limits: &Limits,
        is_allowed_page: bool,
    ) -> Result<Response, Refusal> {
        let headers =
            request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>();
        if headers + request.uri().path_and_query().map_or(0, |path| path.as_str().len())
            > limits.header_bytes_max
        {
            return Err(Refusal::HeadersTooLarge { max: limits.header_bytes_max });
        }
        if is_allowed_page {
            let methods = self.allowed.of(request.uri().path()).unwrap_or_default();
            if let Some(response) = cors::preflight(&request, methods) {
                return Ok(response);
            }
        }
        let trusts_this_machine = admission.as_ref().is_none_or(|admission| admission.trusts_this_machine);
        if origin::is_foreign(&request, is_allowed_page, trusts_this_machine) {
            return Err(Refusal::ForeignOrigin);
        }
        if let Some(principal) = admission.map(|admission| admission.verdict).transpose()?.flatten() {
            request.set_data(principal);
        }
        // Nothing of a request outlives it but what the log has, so a panic leaves nothing half done behind.
        let answer = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        match tokio::time::timeout(limits.request_timeout, answer).await {
            Ok(Ok(Ok(response))) => Ok(response.into_response()),
            Ok(Ok(Err(error))) => Err(Refusal::from_framework(error)),
            Ok(Err(panic)) => Err(Refusal::Panic(words(&*panic))),
            Err(_) => Err(Refusal::Timeout),
        }
    }

    fn present(&self, refusal: &Refusal, id: &RequestId, path: &str, client: IpAddr) -> Response {
        if let Refusal::Denied(denied) = refusal {
            self.metrics.denied(denied.name());
        }
        let problem = refusal.problem(&id.0);
        if problem.status >= 500 {
            let cause = causes(refusal).join(": ");
            tracing::warn!(request_id = id.0, %client, status = problem.status, %refusal, cause, "a request failed");
        }
        let mut response = Response::builder().status(refusal.status()).content_type(PROBLEM_JSON);
        if let Some(seconds) = refusal.retry_after_seconds() {
            response = response.header(RETRY_AFTER, seconds);
        }
        if let Refusal::Denied(Denied::Unauthenticated(failure)) = refusal {
            response = response.header(WWW_AUTHENTICATE, challenge(*failure));
        }
        if let Refusal::MethodNotAllowed = refusal
            && let Some(methods) = self.allowed.of(path)
        {
            response = response.header(ALLOW, methods);
        }
        response.body(serde_json::to_vec(&problem).expect("texts and numbers always serialise"))
    }
}

/// What led to an error, from the nearest cause on.
fn causes(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(error.source(), |cause| cause.source()).map(ToString::to_string).collect()
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}
