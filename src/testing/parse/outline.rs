//! Suites that a runner shows by indentation, to build the full names of tests.

/// The suites that enclose the line that is read.
#[derive(Debug, Default)]
pub(super) struct SuiteOutline {
    open: Vec<(usize, String)>,
}

impl SuiteOutline {
    /// Opens a suite at `indent`, and closes suites at the same or a deeper level.
    pub(super) fn open(&mut self, indent: usize, name: &str) {
        self.close(indent);
        self.open.push((indent, name.to_owned()));
    }

    /// Closes all suites indented by `indent` or more.
    pub(super) fn close(&mut self, indent: usize) {
        self.open.retain(|(at, _)| *at < indent);
    }

    /// Returns the full name of the test `name` at `indent`.
    pub(super) fn name(&mut self, indent: usize, name: &str) -> String {
        self.close(indent);
        let suites = self.open.iter().map(|(_, suite)| suite.as_str());
        suites.chain([name]).collect::<Vec<_>>().join(" > ")
    }
}

/// Width of a line's indentation.
pub(super) fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Removes the time after a title: `adds (3 ms)`, `adds (0.5ms)`, `adds 13ms`.
pub(super) fn untimed(title: &str) -> &str {
    let (before, last) = title.rsplit_once(" (").or_else(|| title.rsplit_once(' ')).unwrap_or((title, ""));
    let last = last.trim_end_matches(')');
    let amount = last.trim_end_matches("ms").trim_end_matches('s').trim_end();
    let is_time = amount.len() < last.len() && amount.parse::<f64>().is_ok();
    if is_time { before.trim_end() } else { title }
}

#[cfg(test)]
mod tests {
    use super::untimed;

    #[test]
    fn times_are_no_part_of_a_title() {
        for title in ["adds (3 ms)", "adds (0.52ms)", "adds 13ms", "adds (1.5s)", "adds"] {
            assert_eq!(untimed(title), "adds", "{title}");
        }
        for title in ["adds (fast)", "adds 13", "adds (3 numbers)", "in days"] {
            assert_eq!(untimed(title), title);
        }
    }
}
