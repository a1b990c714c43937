//! Collectors as they are read: what families there are, and the text that Prometheus takes (its exposition format 0.0.4).

use prometheus::TextEncoder;
use prometheus::proto::MetricType;

use crate::Collectors;

/// What a family is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only ever grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How often it was how much.
    Histogram,
}

/// One family: a name, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// What it says, in a sentence.
    pub help: String,
    /// The names of its labels.
    pub labels: Vec<String>,
}

/// Every family, by name, whether or not it has moved.
pub fn families(collectors: &Collectors) -> Vec<Family> {
    let mut families: Vec<_> = collectors
        .collect()
        .iter()
        .map(|family| Family {
            name: family.name().to_owned(),
            kind: match family.get_field_type() {
                MetricType::COUNTER => Kind::Counter,
                MetricType::HISTOGRAM => Kind::Histogram,
                MetricType::GAUGE | MetricType::SUMMARY | MetricType::UNTYPED => Kind::Gauge,
            },
            help: family.help().to_owned(),
            labels: collectors.labels_of(family.name()),
        })
        .collect();
    families.sort_by(|one, other| one.name.cmp(&other.name));
    families
}

/// Everything as text. A family without a single value, whose labels were never seen, is left out: the format has no place for it.
pub fn exposition(collectors: &Collectors) -> String {
    let mut families = collectors.collect();
    families.retain(|family| !family.get_metric().is_empty());
    families.sort_by(|one, other| one.name().cmp(other.name()));
    TextEncoder::new().encode_to_string(&families).expect("numbers and well-formed names can be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn family_is_known_before_it_has_moved_and_shown_once_it_has() {
        let mut collectors = Collectors::default();
        let told = collectors.counters("revaer_told_total", "What was told.", &["by"]);
        let depth = collectors.level("revaer_depth", "How deep.");
        let names: Vec<_> = families(&collectors)
            .into_iter()
            .map(|family| (family.name, family.kind, family.labels))
            .collect();
        assert_eq!(
            names,
            [
                ("revaer_depth".to_owned(), Kind::Gauge, vec![]),
                ("revaer_told_total".to_owned(), Kind::Counter, vec!["by".to_owned()]),
            ]
        );
        depth.set(1.5);
        assert!(!exposition(&collectors).contains("revaer_told_total"));
        told.with_label_values(&["engine"]).inc_by(2);
        let text = exposition(&collectors);
        assert!(text.contains("revaer_told_total{by=\"engine\"} 2\n"), "{text}");
        assert!(
            text.starts_with("# HELP revaer_depth How deep.\n# TYPE revaer_depth gauge\nrevaer_depth 1.5\n")
        );
    }

    #[test]
    fn two_rooms_are_gathered_together_and_move_on_by_themselves() {
        let (mut one, mut other) = (Collectors::default(), Collectors::default());
        one.counter("revaer_one_total", "One.");
        let later = other.counter("revaer_other_total", "Another.");
        one.join(&other);
        later.inc();
        assert!(exposition(&one).contains("revaer_other_total 1\n"));
    }
}
