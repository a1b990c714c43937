//! The collectors of one room, made and kept together, so that none is moved without being shown.

use std::fmt;
use std::sync::Arc;

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts};

/// Collectors, in the order in which they were made. A cheap clone of the same ones.
#[derive(Clone, Default)]
pub struct Collectors(Vec<Arc<dyn Collector>>);

/// Names and labels are written in the code, and a test makes every collector that there is.
const WELL_FORMED: &str = "names and labels of collectors are well formed";

impl Collectors {
    /// Counts what happens. The name ends in `_total`.
    pub fn counter(&mut self, name: &str, help: &str) -> IntCounter {
        self.keep(IntCounter::new(name, help).expect(WELL_FORMED))
    }

    /// Counts what happens, by labels whose values the code bounds.
    pub fn counters(&mut self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.keep(IntCounterVec::new(Opts::new(name, help), labels).expect(WELL_FORMED))
    }

    /// How much there is.
    pub fn level(&mut self, name: &str, help: &str) -> Gauge {
        self.keep(Gauge::new(name, help).expect(WELL_FORMED))
    }

    /// How much there is, by labels whose values the code bounds.
    pub fn levels(&mut self, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
        self.keep(GaugeVec::new(Opts::new(name, help), labels).expect(WELL_FORMED))
    }

    /// How often it was how much, up to each bound.
    pub fn histogram(&mut self, name: &str, help: &str, bounds: &[f64]) -> Histogram {
        let options = HistogramOpts::new(name, help).buckets(bounds.to_vec());
        self.keep(Histogram::with_opts(options).expect(WELL_FORMED))
    }

    /// The same by labels whose values the code bounds.
    pub fn histograms(&mut self, name: &str, help: &str, bounds: &[f64], labels: &[&str]) -> HistogramVec {
        let options = HistogramOpts::new(name, help).buckets(bounds.to_vec());
        self.keep(HistogramVec::new(options, labels).expect(WELL_FORMED))
    }

    /// What the process uses of the machine: processor time, memory, descriptors, threads.
    pub fn process(&mut self) {
        self.0.push(Arc::new(prometheus::process_collector::ProcessCollector::for_self()));
    }

    /// Those of another room behind these.
    pub fn join(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
    }

    pub(crate) fn collect(&self) -> Vec<MetricFamily> {
        self.0.iter().flat_map(|collector| collector.collect()).collect()
    }

    /// The names of the labels of a family.
    pub(crate) fn labels_of(&self, name: &str) -> Vec<String> {
        let descriptions = self.0.iter().flat_map(|collector| collector.desc());
        let mut described = descriptions.filter(|description| description.fq_name == name);
        described.next().map(|description| description.variable_labels.clone()).unwrap_or_default()
    }

    pub(crate) fn keep<C: Collector + Clone + 'static>(&mut self, collector: C) -> C {
        self.0.push(Arc::new(collector.clone()));
        collector
    }
}

impl fmt::Debug for Collectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Collectors").field(&self.0.len()).finish()
    }
}
