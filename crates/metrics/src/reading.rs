//! A number that somebody else counts, shown as it was last read: libtorrent's own counters, for instance.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, Metric, MetricFamily, MetricType};

use crate::{Collectors, Kind};

/// The number. A cheap clone.
#[derive(Clone)]
pub struct Reading(Arc<Inner>);

struct Inner {
    description: Desc,
    is_counter: bool,
    value: AtomicI64,
}

impl Collectors {
    /// Shows a number that is counted elsewhere; a [`Kind::Counter`] may begin again at nought with whoever counts it.
    pub fn reading(&mut self, name: &str, help: &str, kind: Kind) -> Reading {
        let description = Desc::new(name.to_owned(), help.to_owned(), Vec::new(), [].into())
            .expect("names of readings are well formed");
        let is_counter = kind == Kind::Counter;
        self.keep(Reading(Arc::new(Inner { description, is_counter, value: AtomicI64::new(0) })))
    }
}

impl Reading {
    /// What was read.
    pub fn set(&self, value: i64) {
        self.0.value.store(value, Ordering::Relaxed);
    }
}

impl Collector for Reading {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.0.description]
    }

    #[expect(clippy::cast_precision_loss, reason = "the format knows floating point alone")]
    fn collect(&self) -> Vec<MetricFamily> {
        let value = self.0.value.load(Ordering::Relaxed) as f64;
        let mut metric = Metric::from_label(Vec::new());
        let kind = if self.0.is_counter {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
            MetricType::COUNTER
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
            MetricType::GAUGE
        };
        let mut family = MetricFamily::default();
        family.set_name(self.0.description.fq_name.clone());
        family.set_help(self.0.description.help.clone());
        family.set_field_type(kind);
        family.set_metric(vec![metric]);
        vec![family]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition;

    #[test]
    fn reading_is_shown_as_what_it_is() {
        let mut collectors = Collectors::default();
        collectors.reading("libtorrent_net_sent_bytes_total", "Sent.", Kind::Counter).set(7);
        collectors.reading("libtorrent_peers", "Peers.", Kind::Gauge).set(-1);
        let text = exposition(&collectors);
        assert!(
            text.contains(
                "# TYPE libtorrent_net_sent_bytes_total counter\nlibtorrent_net_sent_bytes_total 7\n"
            )
        );
        assert!(text.contains("# TYPE libtorrent_peers gauge\nlibtorrent_peers -1\n"));
    }
}
