/// How large an expression may be, and how long it may run. Counted in bytes, nodes and steps, never in time, so that every
/// machine refuses the same ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of source text.
    pub source: usize,
    /// Nested parts: parentheses, operators, calls. `a && b && c` counts as one level. The 200 of the default need less than
    /// 600 KB of stack when optimised, about 1.2 MB when not.
    pub depth: u32,
    /// Nodes of the syntax tree.
    pub nodes: usize,
    /// Bytes of a regular expression.
    pub pattern: usize,
    /// Steps of one evaluation: nodes visited, loop rounds, events.
    pub steps: u64,
    /// Bytes of a text, or elements of a list, that an operation may build.
    pub size: usize,
}

impl Limits {
    /// The limits that hold when none are given.
    pub const DEFAULT: Limits =
        Limits { source: 100_000, depth: 200, nodes: 50_000, pattern: 1_000, steps: 10_000_000, size: 1_000_000 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
