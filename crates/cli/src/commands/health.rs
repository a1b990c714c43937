//! `revaer health`: each component, and an exit code for what watches the service.

use clap::Args;
use revaer_wire::HealthReport;

use super::Context;
use super::settings::key_name;
use crate::failure::Failure;
use crate::screen::{Column, Output, Table, escape, note};

/// Arguments of `health`: none.
#[derive(Debug, Args)]
pub(crate) struct Health {}

impl Health {
    /// Reads the report, shows it, and fails unless all is well.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let document = context.client.get_report(&["health", "full"]).await?;
        let report: HealthReport = document.decode()?;
        let output = context.output;
        if output.is_json() {
            Output::json(document.text())?;
        } else if !output.is_quiet() {
            Output::text(&render(&report, Output::columns()))?;
            for text in notes(&report) {
                note(&text);
            }
        }
        verdict(&report)
    }
}

fn render(report: &HealthReport, columns: Option<usize>) -> String {
    let mut table = Table::new([
        Column::left("COMPONENT"),
        Column::left("STATE"),
        Column::left("SINCE"),
        Column::right("LATENCY"),
        Column::right("POSITION"),
        Column::flexible("REASON"),
    ]);
    for component in &report.components {
        table.row([
            component.component.clone(),
            component.state.clone(),
            component.since.clone(),
            component.latency_ms.map(|latency| format!("{latency} ms")).unwrap_or_default(),
            component.position.map(|position| position.to_string()).unwrap_or_default(),
            component.reason.clone(),
        ]);
    }
    format!("{}\n{}", words(report), table.render(columns))
}

/// What is not well, why, and what to do; or that all is well.
fn words(report: &HealthReport) -> String {
    let parts = report.components.len();
    let ill: Vec<_> = report.components.iter().filter(|component| component.state != "well").collect();
    let mut text = match ill.len() {
        0 => format!("All {parts} parts are well.\n"),
        ill => format!("{ill} of {parts} parts are not well.\n"),
    };
    for component in ill {
        let line = format!(
            "\n{} is {} since {}: {}\n",
            escape(&component.component),
            escape(&component.state),
            escape(&component.since),
            escape(&component.reason)
        );
        text.push_str(&line);
        if let Some(advice) = &component.advice {
            text.push_str(&format!("  {}\n", escape(advice)));
        }
    }
    if let Some(about) = &report.about {
        let line = format!(
            "\nrevaerd {} ({}), libtorrent {}, PostgreSQL {}, schema {}\n",
            escape(&report.version),
            escape(&about.revision),
            escape(&about.libtorrent),
            escape(&about.postgres),
            about.schema_version
        );
        text.push_str(&line);
    }
    text
}

/// Where the service goes by other values than its settings say.
fn notes(report: &HealthReport) -> Vec<String> {
    let Some(settings) = &report.settings else { return Vec::new() };
    let later = settings
        .restart_required
        .iter()
        .map(|path| format!("{} takes effect when the service starts again", key_name(path)));
    let given = settings
        .overridden
        .iter()
        .map(|given| format!("{} is given by {}", key_name(&given.path), given.flag));
    later.chain(given).collect()
}

fn verdict(report: &HealthReport) -> Result<(), Failure> {
    match report.status.as_str() {
        "well" => Ok(()),
        "degraded" => Err(Failure::Degraded),
        _ => Err(Failure::ServiceFailed),
    }
}

#[cfg(test)]
mod tests {
    use revaer_wire::{AboutReport, ComponentHealth, OverriddenSetting, SettingsReport};
    use rstest::rstest;

    use super::*;
    use crate::exit::Exit;

    fn report(status: &str) -> HealthReport {
        let component = |component: &str, state: &str, reason: &str| ComponentHealth {
            component: component.to_owned(),
            state: state.to_owned(),
            since: "2026-01-02T03:04:05Z".to_owned(),
            reason: reason.to_owned(),
            latency_ms: (component == "database").then_some(2),
            position: (component == "database").then_some(4711),
            advice: (state != "well").then(|| "Wait: it comes back.".to_owned()),
        };
        HealthReport {
            status: status.to_owned(),
            version: "0.1.0".to_owned(),
            about: Some(AboutReport {
                revision: "0c03433".to_owned(),
                libtorrent: "2.0.8.0".to_owned(),
                postgres: "15.1".to_owned(),
                schema_version: 15,
            }),
            components: vec![
                component("database", "well", ""),
                component("engine", "degraded", "rebuilding"),
            ],
            setup: None,
            settings: Some(SettingsReport {
                version: 3,
                restart_required: vec!["/engine/disk_io_threads".to_owned()],
                overridden: vec![OverriddenSetting {
                    path: "/engine/listen_interfaces".to_owned(),
                    flag: "--peer-listen".to_owned(),
                }],
            }),
        }
    }

    #[test]
    fn what_is_not_well_comes_first_with_what_to_do_and_then_every_part() {
        insta::assert_snapshot!(render(&report("degraded"), None));
    }

    #[test]
    fn what_the_settings_do_not_decide_is_noted() {
        let report = report("well");
        let expected = [
            "engine.disk_io_threads takes effect when the service starts again",
            "engine.listen_interfaces is given by --peer-listen",
        ];
        assert_eq!(notes(&report), expected);
        assert!(notes(&HealthReport { settings: None, ..report }).is_empty());
    }

    #[rstest]
    #[case("well", 0)]
    #[case("degraded", 8)]
    #[case("failed", 7)]
    #[case("unheard-of", 7)]
    fn status_has_its_exit_code(#[case] status: &str, #[case] code: u8) {
        let exit = verdict(&report(status)).map_or_else(|failure| Exit::of(&failure), |()| Exit::Success);
        assert_eq!(exit as u8, code);
    }
}
