//! Too much, and well again: two marks, so that a level which trembles at one of them is not a change a second.

/// Whether a level counts as too high.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hysteresis {
    is_over: bool,
}

impl Hysteresis {
    /// Takes a level in: too high from `enter` on, and well again once it is not above `leave`.
    pub(super) fn is_over(&mut self, level: f64, enter: f64, leave: f64) -> bool {
        self.is_over = if self.is_over { level > leave } else { level >= enter };
        self.is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_that_trembles_at_a_mark_is_one_change() {
        let mut queue = Hysteresis::default();
        let judged = [0.5, 0.79, 0.8, 0.79, 0.81, 0.6, 0.51, 0.5, 0.6, 0.79]
            .map(|level| queue.is_over(level, 0.8, 0.5));
        assert_eq!(judged, [false, false, true, true, true, true, true, false, false, false]);
    }
}
