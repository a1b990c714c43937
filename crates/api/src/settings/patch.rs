//! `PATCH /v1/settings` and `POST /v1/settings/revert`

use revaer_application::{Caller, SettingsError};
use revaer_domain::settings::{Fault, FaultCode, Refused};
use revaer_event_log::Position;
use revaer_wire::{FieldProblem, codes};

use super::answers::Changed;
use crate::body::{Faults, Fields, read_document};
use crate::context::Context;
use crate::parameter::FAULTS_MAX;
use crate::problem::Refusal;

/// Where a revert says what it reverts.
const POSITION: &str = "/position";

pub(super) async fn patch(
    context: &Context,
    bytes: &[u8],
    dry_run: bool,
    caller: &Caller,
) -> Result<Changed, Refusal> {
    let request = read_document(bytes)?;
    let done = if dry_run {
        context.application.preview_settings(request, caller).await
    } else {
        context.application.patch_settings(request, caller).await
    };
    done.map(|done| Changed::new(context, &done))
        .map_err(|error| refusal(error, |fault| fault.pointer.clone()))
}

pub(super) async fn revert(context: &Context, bytes: &[u8], caller: &Caller) -> Result<Changed, Refusal> {
    let mut faults = Faults::default();
    let mut fields = Fields::of_body(bytes, "")?;
    let position = fields.take::<u64>("position", &mut faults);
    let position = position.and_then(|position| i64::try_from(position).ok()).map(Position);
    fields.finish(&mut faults);
    if position.is_none() {
        faults.note(POSITION, codes::INVALID, "is not the position of a change");
    }
    let position = faults.settle(position)?;
    let done = context.application.revert_settings(position, caller).await;
    // The request names a position alone: what is wrong with the document is said in words.
    done.map(|done| Changed::new(context, &done)).map_err(|error| refusal(error, |_| POSITION.to_owned()))
}

fn refusal(error: SettingsError, place: impl Fn(&Fault) -> String) -> Refusal {
    let of_fault = |fault: &Fault, detail: String| FieldProblem::at(place(fault), code(fault.code), detail);
    match error {
        SettingsError::Command(error) => error.into(),
        SettingsError::NoSuchChange => {
            let detail = "no change of the settings has this position";
            Refusal::Fields(vec![FieldProblem::at(POSITION, codes::INVALID, detail)])
        }
        SettingsError::Refused(Refused::Invalid(faults)) => {
            let faults = faults.iter().take(FAULTS_MAX);
            Refusal::Fields(faults.map(|fault| of_fault(fault, fault.detail.clone())).collect())
        }
        SettingsError::Refused(Refused::Overwritten(paths)) => {
            let overwritten = |path| {
                FieldProblem::at(
                    POSITION,
                    codes::SETTINGS_CONFLICT,
                    format!("`{path}` was overwritten since"),
                )
            };
            Refusal::SettingsConflict(paths.into_iter().take(FAULTS_MAX).map(overwritten).collect())
        }
        SettingsError::Refused(Refused::Unfit(faults)) => {
            let faults = faults.iter().take(FAULTS_MAX);
            let unfit = faults.map(|fault| of_fault(fault, format!("`{}`: {}", fault.pointer, fault.detail)));
            Refusal::SettingsConflict(unfit.collect())
        }
    }
}

const fn code(code: FaultCode) -> &'static str {
    match code {
        FaultCode::Unknown => codes::UNKNOWN_KEY,
        FaultCode::Immutable => codes::IMMUTABLE_KEY,
        FaultCode::Invalid => codes::INVALID,
        FaultCode::Contradiction => codes::CONTRADICTION,
    }
}
