//! Who may ask for what, and how often: decided here, once, before an operation is reached.
//!
//! A table says what each operation needs. A request without a key costs a token of its address, one with a key a token of the
//! key; every answer says how many are left. Nothing here asks the database.

mod addresses;
mod bucket;
mod denied;
mod needs;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use poem::Request;
use poem::http::header::AUTHORIZATION;
use poem::http::{HeaderValue, Method};
use revaer_application::{Application, AuthFailure, KEYS_MAX, Principal};
use revaer_domain::values::KeyId;

use self::addresses::Addresses;
use self::bucket::Bucket;
pub(crate) use self::bucket::{HEADERS, Standing};
pub(crate) use self::denied::Denied;
use self::needs::{Need, Needs};
use crate::Limits;
use crate::client_address::client_address;
use crate::events::Tickets;

/// The one scheme that is spoken (RFC 6750).
const SCHEME: &str = "Bearer";

/// Guards the operations.
pub(crate) struct Guard {
    application: Application,
    needs: Needs,
    tickets: Tickets,
    keys: RwLock<HashMap<KeyId, Arc<Bucket>>>,
    addresses: Addresses,
}

/// What the guard says of one request.
pub(crate) struct Admission {
    /// What is left of the bucket that the request took from.
    pub(crate) standing: Standing,
    /// Who asks, if a key was needed and shown.
    pub(crate) verdict: Result<Option<Principal>, Denied>,
    /// Whether being on this machine is a right here, so that a page which pretends to be here must not come in.
    pub(crate) trusts_this_machine: bool,
}

impl Guard {
    /// A guard of the operations that a document names.
    pub(crate) fn new(application: Application, document: &str, tickets: Tickets) -> Self {
        Self {
            application,
            needs: Needs::of_document(document),
            tickets,
            keys: RwLock::default(),
            addresses: Addresses::default(),
        }
    }

    /// Decides on a request.
    pub(crate) fn admit(&self, request: &Request, limits: &Limits) -> Admission {
        let need = match *request.method() {
            // A preflight carries no key (Fetch standard, 4.8), and nothing is done for it.
            Method::OPTIONS => Need::Nothing,
            ref method => self.needs.of(method, request.uri().path()),
        };
        let address = client_address(request);
        let trusts_this_machine = matches!(need, Need::Setup | Need::Health);
        match self.who(request, need, address) {
            Ok(None) => {
                let (standing, is_within) = self.addresses.take(address, limits.anonymous_rate);
                let verdict = if is_within { Ok(None) } else { Err(limited(&standing)) };
                Admission { standing, verdict, trusts_this_machine }
            }
            Ok(Some(principal)) => {
                let (standing, is_within) = self.bucket(&principal, limits).take();
                let verdict = match need {
                    _ if !is_within => Err(limited(&standing)),
                    Need::Scope(scope) if !principal.scope.allows(scope) => {
                        Err(Denied::Forbidden { needed: scope })
                    }
                    _ => Ok(Some(principal)),
                };
                Admission { standing, verdict, trusts_this_machine: false }
            }
            Err(refusal) => {
                // Whoever tries secrets gets slower, and a right one is let in before it comes here.
                let (standing, is_within) = self.addresses.take(address, limits.anonymous_rate);
                let verdict = Err(if is_within { refusal } else { limited(&standing) });
                Admission { standing, verdict, trusts_this_machine }
            }
        }
    }

    /// Who asks, where the operation wants to know it.
    fn who(&self, request: &Request, need: Need, address: IpAddr) -> Result<Option<Principal>, Denied> {
        let is_set_up = self.application.is_set_up();
        match need {
            Need::Nothing | Need::Setup => Ok(None),
            // How the setup is has to be seen before there is a key, by whoever may carry it out.
            Need::Health if !is_set_up && address.is_loopback() => Ok(None),
            Need::Health | Need::Stream | Need::Scope(_) if !is_set_up => Err(Denied::SetupRequired),
            Need::Health | Need::Stream | Need::Scope(_) => {
                if let Some(ticket) = ticket(request, need) {
                    let principal = self.tickets.redeem(&ticket, self.application.clock().now());
                    return principal.map(Some).ok_or(Denied::Unauthenticated(Some(AuthFailure::Unknown)));
                }
                let secret = presented(request).ok_or(Denied::Unauthenticated(None))?;
                let now = self.application.clock().now();
                let known = self.application.authenticate(secret, now);
                known.map(Some).map_err(|failure: AuthFailure| Denied::Unauthenticated(Some(failure)))
            }
        }
    }

    /// The bucket of a key: one for as long as its limit is the same.
    fn bucket(&self, principal: &Principal, limits: &Limits) -> Arc<Bucket> {
        let limit = principal.rate_limit.unwrap_or(limits.key_rate);
        let known = self.keys.read().unwrap_or_else(PoisonError::into_inner).get(&principal.key_id).cloned();
        if let Some(known) = known.filter(|known| known.limit() == limit) {
            return known;
        }
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() > 2 * KEYS_MAX {
            // Most of them belong to keys that were revoked; those in use are made again, full.
            keys.clear();
        }
        let entry = keys.entry(principal.key_id).or_insert_with(|| Arc::new(Bucket::new(limit)));
        if entry.limit() != limit {
            *entry = Arc::new(Bucket::new(limit));
        }
        Arc::clone(entry)
    }
}

/// The ticket in a request for a stream that shows no key: a header says more than an address.
fn ticket(request: &Request, need: Need) -> Option<String> {
    if need != Need::Stream || request.headers().contains_key(AUTHORIZATION) {
        return None;
    }
    let parameters = request.params::<Vec<(String, String)>>().ok()?;
    let mut tickets = parameters.into_iter().filter(|(name, _)| name == "ticket").map(|(_, ticket)| ticket);
    tickets.next().filter(|_| tickets.next().is_none())
}

/// The secret in a request, if it has exactly one.
fn presented(request: &Request) -> Option<&str> {
    let mut values = request.headers().get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, secret) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| secret.trim_start_matches(' '))
}

fn limited(standing: &Standing) -> Denied {
    Denied::RateLimited { retry_after_seconds: standing.retry_after_seconds }
}

/// What a 401 asks for: a key, or another one (RFC 6750, 3).
pub(crate) fn challenge(failure: Option<AuthFailure>) -> HeaderValue {
    HeaderValue::from_static(match failure {
        None => "Bearer realm=\"revaer\"",
        Some(AuthFailure::Unknown | AuthFailure::Expired) => {
            "Bearer realm=\"revaer\", error=\"invalid_token\""
        }
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::bearer(&["Bearer abc"], Some("abc"))]
    #[case::any_case(&["bearer abc"], Some("abc"))]
    #[case::none(&[], None)]
    #[case::other_scheme(&["Basic abc"], None)]
    #[case::no_secret(&["Bearer"], None)]
    #[case::two(&["Bearer abc", "Bearer def"], None)]
    fn secret_is_taken_from_one_header(#[case] headers: &[&str], #[case] expected: Option<&str>) {
        let request =
            headers.iter().fold(Request::builder(), |request, value| request.header(AUTHORIZATION, *value));
        assert_eq!(presented(&request.finish()), expected);
    }
}
