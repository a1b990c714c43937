//! The setup: a token for whoever is on the machine, and the first key in exchange for it.

use std::net::IpAddr;
use std::sync::Arc;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use poem::Request;
use poem_openapi::{OpenApi, Tags};
use revaer_application::SetupError;
use revaer_wire::{CompleteSetupRequest, IssuedKey, SetupToken};

use crate::body::{self, JsonBody};
use crate::caller;
use crate::client_address::client_address;
use crate::context::Context;
use crate::guard::Denied;
use crate::keys::Shown;
use crate::parameter::Parameters;
use crate::payload::JsonOf;
use crate::present;
use crate::problem::Refusal;
use crate::rejected::{Rejected, SettingUp};
use crate::request_id::RequestId;

#[derive(Tags)]
enum Tag {
    /// The first key. Until there is one nothing else is answered.
    Setup,
}

/// The operations.
pub(crate) struct SetupApi {
    context: Arc<Context>,
    /// Attempts from this machine, and from everywhere else together: strangers cannot use up what whoever is here needs.
    here: DefaultDirectRateLimiter,
    elsewhere: DefaultDirectRateLimiter,
}

impl SetupApi {
    /// Operations that were not tried yet.
    pub(crate) fn new(context: Arc<Context>) -> Self {
        let quota = Quota::per_minute(context.limits().setup_attempts_per_minute);
        Self { context, here: RateLimiter::direct(quota), elsewhere: RateLimiter::direct(quota) }
    }

    /// Refuses what comes too late or too often.
    fn try_again(&self, address: IpAddr) -> Result<(), Refusal> {
        if self.context.application.is_set_up() {
            return Err(SetupError::Complete.into());
        }
        let attempts = if address.is_loopback() { &self.here } else { &self.elsewhere };
        attempts.check().map_err(|refused| {
            let wait = refused.wait_time_from(DefaultClock::default().now());
            let retry_after_seconds = u32::try_from(wait.as_secs() + 1).unwrap_or(u32::MAX);
            Denied::RateLimited { retry_after_seconds }.into()
        })
    }
}

#[OpenApi(prefix_path = "/v1/setup", tag = "Tag::Setup")]
impl SetupApi {
    /// Begin the setup
    ///
    /// For whoever is on the machine, without a proxy between. Answers a one-time token, in place of any before it.
    #[oai(path = "/start", method = "post", operation_id = "startSetup")]
    async fn start(
        &self,
        request: &Request,
        request_id: RequestId,
    ) -> Result<JsonOf<SetupToken>, Rejected<SettingUp>> {
        Parameters::default().finish(request)?;
        let address = client_address(request);
        self.try_again(address)?;
        if !address.is_loopback() {
            return Err(Denied::SetupElsewhere.into());
        }
        let caller = caller::plain(request, &request_id);
        let validity = self.context.limits().setup_token_validity;
        let issued = self.context.application.start_setup(validity, &caller).await?;
        Ok(JsonOf::new(&SetupToken {
            token: issued.token.expose().to_owned(),
            expires_at: present::time(issued.expires_at),
        }))
    }

    /// Complete the setup
    ///
    /// Exchanges the token for the first key, with the scope `admin`: for whoever is on the machine, or has the token of
    /// `--setup-token-file`. Every attempt is recorded; five a minute are looked at.
    #[oai(path = "/complete", method = "post", operation_id = "completeSetup")]
    async fn complete(
        &self,
        request: &Request,
        request_id: RequestId,
        body: JsonBody<CompleteSetupRequest>,
    ) -> Result<Shown, Rejected<SettingUp>> {
        Parameters::default().finish(request)?;
        let address = client_address(request);
        self.try_again(address)?;
        let complete = body::read_complete_setup(&body.bytes)?;
        let application = &self.context.application;
        if !address.is_loopback() && !application.is_token_of_file(&complete.token) {
            tracing::warn!(request_id = request_id.0, %address, "somebody elsewhere tries to set the service up");
            return Err(Denied::SetupElsewhere.into());
        }
        let caller = caller::plain(request, &request_id);
        let (name, label) = (complete.instance_name, complete.key_label);
        let issued = application.complete_setup(&complete.token, name, label, &caller).await?;
        let position = issued.position.0;
        Ok(Shown::Key(JsonOf::<IssuedKey>::new(&present::issued_key(&issued)), position))
    }
}
