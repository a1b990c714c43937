//! Everything that is served, put together: the operations, the document, the page to try them, and the edge around all.

use std::collections::HashMap;
use std::sync::Arc;

use poem::endpoint::BoxEndpoint;
use poem::http::Method;
use poem::http::header::CONTENT_SECURITY_POLICY;
use poem::{EndpointExt, Response, Route, get};
use poem_openapi::registry::{MetaApi, Registry};
use poem_openapi::{ExtraHeader, OpenApi, OpenApiService};
use revaer_application::Application;
use revaer_projections::Projections;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::allow::AllowedMethods;
use crate::audit::AuditApi;
use crate::context::Context;
use crate::edge::Edge;
use crate::events::{EventsApi, Tickets};
use crate::guard::{self, Guard};
use crate::health::HealthApi;
use crate::keys::KeysApi;
use crate::metrics::{Exposition, Metrics, MetricsApi};
use crate::settings::SettingsApi;
use crate::setup::SetupApi;
use crate::torrents::TorrentsApi;
use crate::{Access, Limits, schemas};

/// What the document says of the whole.
const DESCRIPTION: &str = "A headless torrent service with a memory. Bytes are bytes, rates are bytes per second, times are \
RFC 3339 in UTC, `null` means none. Whoever asks shows an API key, `Authorization: Bearer <secret>`; its scope says what it may do: \
`read` < `control` < `admin`. Every answer carries `X-Request-Id`, which a client may choose. Whatever fails is \
`application/problem+json` (RFC 9457) with a stable `code`, and names every field that failed.";

/// What the page may load: what is in it, and what is here.
const PAGE_LOADS: &str =
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'none'; base-uri 'none'";

/// What the API is made of.
pub struct Parts {
    /// The write side.
    pub application: Application,
    /// The read side.
    pub projections: Projections,
    /// The bounds.
    pub limits: watch::Receiver<Arc<Limits>>,
    /// Who may ask through whom.
    pub access: watch::Receiver<Arc<Access>>,
    /// What it counts of itself.
    pub metrics: Metrics,
    /// What it shows of what the whole service counts.
    pub exposition: Arc<dyn Exposition>,
    /// What runs, and on what.
    pub about: About,
    /// Ends the streams of events.
    pub shutdown: CancellationToken,
}

/// What runs, and on what.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The revision that the service was built from.
    pub revision: String,
    /// The version of libtorrent.
    pub libtorrent: String,
    /// The version of the PostgreSQL server.
    pub postgres: String,
    /// The newest migration of the log's schema.
    pub schema: i64,
}

type Operations = (SetupApi, TorrentsApi, SettingsApi, EventsApi, KeysApi, AuditApi, HealthApi, MetricsApi);

/// Everything that is served: routes, request ids, problems, limits.
pub fn service(parts: Parts) -> BoxEndpoint<'static, Response> {
    served(parts, |application, document, tickets| Some(Guard::new(application, document, tickets)))
}

/// The same without anybody who asks for keys and counts requests. Never to be served to anybody.
#[cfg(feature = "bench")]
pub fn service_without_guard(parts: Parts) -> BoxEndpoint<'static, Response> {
    served(parts, |_, _, _| None)
}

fn served(
    parts: Parts,
    guard: impl FnOnce(Application, &str, Tickets) -> Option<Guard>,
) -> BoxEndpoint<'static, Response> {
    let tickets = Tickets::default();
    let context = Arc::new(Context {
        application: parts.application.clone(),
        projections: parts.projections,
        limits: parts.limits.clone(),
        shutdown: parts.shutdown,
        tickets: tickets.clone(),
        metrics: parts.metrics.clone(),
        about: parts.about,
    });
    let operations: Operations = (
        SetupApi::new(Arc::clone(&context)),
        TorrentsApi(Arc::clone(&context)),
        SettingsApi(Arc::clone(&context)),
        EventsApi::new(Arc::clone(&context)),
        KeysApi(Arc::clone(&context)),
        AuditApi(Arc::clone(&context)),
        HealthApi(context),
        MetricsApi(parts.exposition),
    );
    let operations = described(Described(Some(operations)));
    let document = written(&operations);
    let allowed = AllowedMethods::of_document(&document);
    let guard = guard(parts.application.clone(), &document, tickets);
    let page = page(&operations.openapi_explorer_html());
    let serve_document = poem::endpoint::make_sync(move |_| {
        Response::builder().content_type("application/json").body(document.clone())
    });
    let serve_page = poem::endpoint::make_sync(move |_| {
        Response::builder()
            .content_type("text/html; charset=utf-8")
            .header(CONTENT_SECURITY_POLICY, PAGE_LOADS)
            .body(page.clone())
    });
    let routes = Route::new()
        .nest("/", operations)
        .at("/openapi.json", get(serve_document))
        .at("/docs", get(serve_page));
    Edge {
        inner: routes,
        application: parts.application,
        limits: parts.limits,
        access: parts.access,
        allowed,
        metrics: parts.metrics,
        guard,
    }
    .boxed()
}

/// The OpenAPI document, generated from the operations: indented JSON and a line break at its end. It is the same for the same
/// code, so that a copy of it can be checked.
pub fn document() -> String {
    written(&described(Described::<Operations>(None)))
}

fn written<T: OpenApi>(operations: &OpenApiService<T, ()>) -> String {
    let mut document = schemas::written(&operations.spec());
    document.push('\n');
    document
}

/// Operations as the document tells of them; with the parts that carry them out when they are served, without when only the
/// document is wanted.
struct Described<T>(Option<T>);

impl<T: OpenApi> OpenApi for Described<T> {
    fn meta() -> Vec<MetaApi> {
        T::meta()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
        for (name, schema) in &mut registry.schemas {
            schemas::complete(name, schema);
        }
        crate::settings::describe(registry);
    }

    fn add_routes(self, routes: &mut HashMap<String, HashMap<Method, BoxEndpoint<'static>>>) {
        if let Some(operations) = self.0 {
            operations.add_routes(routes);
        }
    }
}

/// The page to try the operations. It comes with everything that it needs but for a font, which it would fetch from elsewhere.
fn page(html: &str) -> String {
    let foreign = |line: &&str| line.trim_start().starts_with("<link href=\"https://");
    let lines: Vec<_> = html.lines().filter(|line| !foreign(line)).collect();
    lines.join("\n")
}

fn described<T>(operations: Described<T>) -> OpenApiService<Described<T>, ()> {
    let id = |what: &str| ExtraHeader::new("X-Request-Id").description(what);
    let counted = |(name, what): (&'static str, &'static str)| ExtraHeader::new(name).description(what);
    OpenApiService::new(operations, "Revaer", env!("CARGO_PKG_VERSION"))
        .description(DESCRIPTION)
        .extra_request_header::<Option<String>, _>(id(
            "Names the request; 1 to 128 of `A-Z a-z 0-9 - _ . :`.",
        ))
        .extra_response_header::<String, _>(id("The request's id: the client's own, or one that was drawn."))
        .extra_response_header::<u64, _>(counted(guard::HEADERS[0]))
        .extra_response_header::<u64, _>(counted(guard::HEADERS[1]))
        .extra_response_header::<u64, _>(counted(guard::HEADERS[2]))
}
