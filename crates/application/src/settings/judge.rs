//! What no rule of the document can tell: whether its certificate can be shown. Whoever shows it is asked before a change of it
//! is recorded, so that a wrong one is refused where it is given, also by a dry run.
//!
//! Only a change of the certificate is judged. One that was fine when it was set, and whose files broke since, must not keep
//! anybody from changing something else; health tells of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use revaer_domain::settings::{
    Fault, FaultCode, Refused, SecretRef, Settings, SettingsCommand, SettingsEvent, TlsSettings,
};
use zeroize::Zeroizing;

use super::SettingsError;
use crate::{Application, CertificateFault, CertificateJudge, CommandError};

impl Application {
    /// Says who judges certificates, once and before the settings are changed. Without anybody none is judged.
    pub fn judge_certificates(&self, judge: Arc<dyn CertificateJudge>) {
        // There is one in the life of a process.
        let _ = self.inner.settings.judge.set(judge);
    }

    /// Refuses events after which the certificate could not be shown.
    pub(super) async fn judge(
        &self,
        before: &Settings,
        events: &[SettingsEvent],
        command: &SettingsCommand,
        secrets: &BTreeMap<SecretRef, Zeroizing<String>>,
    ) -> Result<(), SettingsError> {
        let mut after = before.clone();
        for event in events {
            after.apply(event);
        }
        let (Some(judge), true) = (self.inner.settings.judge.get(), after.http.tls != before.http.tls) else {
            return Ok(());
        };
        let key = self.private_key(&after.http.tls, secrets).await?;
        let judged = judge.judge(&after.http.tls, key.as_deref().map(String::as_str)).await;
        judged.map_err(|fault| refused(command, fault).into())
    }

    async fn private_key(
        &self,
        tls: &TlsSettings,
        secrets: &BTreeMap<SecretRef, Zeroizing<String>>,
    ) -> Result<Option<Zeroizing<String>>, CommandError> {
        match tls.key {
            None => Ok(None),
            Some(of) => match secrets.get(&of) {
                Some(given) => Ok(Some(given.clone())),
                None => self.secret(of).await,
            },
        }
    }
}

fn refused(command: &SettingsCommand, fault: CertificateFault) -> Refused {
    let fault = Fault { pointer: fault.pointer.to_owned(), code: FaultCode::Invalid, detail: fault.detail };
    match command {
        SettingsCommand::Patch(patch) => Refused::Invalid(vec![fault.within(&patch.request)]),
        _ => Refused::Unfit(vec![fault]),
    }
}
