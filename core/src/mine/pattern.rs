use super::error::{MineError, shown};
use super::log::EventLog;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;

/// A way that cases may have taken, with what must not have happened on it.
///
/// Steps are separated by `->` (later, whatever lies between) or `=>` (directly after). A step is an activity, several of which any
/// will do (`cart | basket`), or `not` with one or several that do not stand between the steps beside it. `start` and `end` are the
/// two ends of a case; a `not` in front of everything begins at `start`, one after everything goes on to `end`. Names with blanks or
/// other signs than letters, digits, `_`, `.`, `:` and `-` stand in quotes: `"add to cart"`.
///
/// # Examples
/// ```
/// use tactful::mine::Pattern;
/// Pattern::parse("cart -> not shipping -> end")?;
/// Pattern::parse(r#"start => "landing page" -> cart | basket -> not (shipping | payment) -> contact"#)?;
/// assert_eq!(Pattern::parse("cart -> -> end").unwrap_err().code(), "bad_pattern");
/// # Ok::<(), tactful::mine::MineError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    steps: Vec<Step>,
    from_start: bool,
    to_end: bool,
    /// What must not stand between a step and the one before it; the last is after all steps.
    gaps: Vec<Gap>,
}

/// Activities of which any will do.
type Step = Vec<String>;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Gap {
    /// None of these.
    without: Vec<String>,
    /// Nothing at all.
    direct: bool,
}

/// Cases that fit a pattern.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "pattern_matches")]
pub struct PatternMatches {
    /// How many fit.
    pub cases: u64,
    /// Of how many.
    pub of: u64,
    /// Their share.
    pub share: f64,
}

/// The longest pattern, in characters.
const LONGEST: usize = 4_096;
/// The most steps, so that all that are reached fit into a word.
const MOST: usize = 60;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Name(String),
    Later,
    Directly,
    Or,
    Open,
    Close,
}

fn bad(message: impl Into<String>) -> MineError {
    MineError::new("bad_pattern", "pattern", message)
}

fn tokens(text: &str) -> Result<Vec<(Token, bool)>, MineError> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (token, quoted, length) = match first {
            _ if first.is_whitespace() => {
                rest = &rest[first.len_utf8()..];
                continue;
            }
            _ if rest.starts_with("->") => (Token::Later, false, 2),
            _ if rest.starts_with("=>") => (Token::Directly, false, 2),
            '|' => (Token::Or, false, 1),
            '(' => (Token::Open, false, 1),
            ')' => (Token::Close, false, 1),
            '"' => {
                let Some(length) = rest[1..].find('"') else { return Err(bad("expected `\"` at the end of a name")) };
                (Token::Name(rest[1..=length].to_owned()), true, length + 2)
            }
            _ => {
                let part = |(place, sign): &(usize, char)| {
                    !(sign.is_alphanumeric() || "_.:".contains(*sign) || (*sign == '-' && !rest[*place..].starts_with("->")))
                };
                let length = rest.char_indices().find(part).map_or(rest.len(), |(place, _)| place);
                if length == 0 {
                    return Err(bad(format!("did not expect `{first}`; put names with other signs in quotes")));
                }
                (Token::Name(rest[..length].to_owned()), false, length)
            }
        };
        found.push((token, quoted));
        rest = &rest[length..];
    }
    Ok(found)
}

impl Pattern {
    /// Reads a pattern; at most 4,096 characters and 60 steps.
    ///
    /// # Errors
    /// [`MineError`] with code `bad_pattern`.
    pub fn parse(text: &str) -> Result<Self, MineError> {
        if text.chars().count() > LONGEST {
            return Err(bad("a pattern has at most 4,096 characters"));
        }
        let tokens = tokens(text)?;
        let mut pattern = Pattern { steps: Vec::new(), from_start: false, to_end: false, gaps: Vec::new() };
        let (mut gap, mut after_not, mut ended) = (Gap::default(), false, false);
        let mut place = 0;
        let word = |place: usize| match tokens.get(place) {
            Some((Token::Name(name), false)) => Some(name.as_str()),
            _ => None,
        };
        loop {
            if ended {
                return Err(bad("nothing comes after `end`"));
            }
            match word(place) {
                Some("start") if place == 0 => {
                    pattern.from_start = true;
                    place += 1;
                }
                Some("start") => return Err(bad("`start` stands in front of everything")),
                Some("end") => {
                    ended = true;
                    place += 1;
                }
                Some("not") => {
                    if after_not || gap.direct {
                        return Err(bad("expected an activity between, in front of another `not` or after `=>`"));
                    }
                    pattern.from_start |= pattern.steps.is_empty();
                    place += 1;
                    gap.without = alternatives(&tokens, &mut place)?;
                    after_not = true;
                }
                _ => {
                    pattern.steps.push(alternatives(&tokens, &mut place)?);
                    pattern.gaps.push(std::mem::take(&mut gap));
                    after_not = false;
                }
            }
            match tokens.get(place) {
                None => break,
                Some((Token::Later, _)) => {}
                Some((Token::Directly, _)) if !after_not => gap.direct = true,
                Some((Token::Directly, _)) => return Err(bad("expected `->` after what must not happen")),
                Some(_) => return Err(bad("expected `->` or `=>` between two steps")),
            }
            place += 1;
        }
        pattern.to_end = ended || after_not;
        pattern.gaps.push(gap);
        if pattern.steps.is_empty() && !after_not && !(pattern.to_end && pattern.gaps.iter().any(|gap| !gap.without.is_empty()))
        {
            return Err(bad("expected at least one activity"));
        }
        if pattern.steps.len() > MOST {
            return Err(bad("a pattern has at most 60 steps"));
        }
        Ok(pattern)
    }

    /// The pattern over the numbers of a log.
    pub(super) fn compile(&self, log: &EventLog) -> Result<Compiled, MineError> {
        // Bit i of `enters`: the activity may be step i. Bit i of `ends`: it ends the wait for step i.
        let mut compiled = Compiled {
            enters: vec![0; log.names.len()],
            ends: vec![0; log.names.len()],
            direct: 0,
            steps: self.steps.len(),
            from_start: self.from_start,
            to_end: self.to_end,
        };
        for (number, step) in self.steps.iter().enumerate() {
            for name in step {
                compiled.enters[log.activity(name, "pattern")? as usize] |= 1 << number;
            }
        }
        for (number, gap) in self.gaps.iter().enumerate() {
            for name in &gap.without {
                compiled.ends[log.activity(name, "pattern")? as usize] |= 1 << number;
            }
            compiled.direct |= u64::from(gap.direct) << number;
        }
        Ok(compiled)
    }
}

fn alternatives(tokens: &[(Token, bool)], place: &mut usize) -> Result<Vec<String>, MineError> {
    let opened = matches!(tokens.get(*place), Some((Token::Open, _)));
    *place += usize::from(opened);
    let mut names = Vec::new();
    loop {
        match tokens.get(*place) {
            Some((Token::Name(name), quoted)) => {
                if !quoted && ["not", "start", "end"].contains(&name.as_str()) {
                    return Err(bad(format!("`{name}` has a meaning of its own here; put an activity of that name in quotes")));
                }
                names.push(name.clone());
                *place += 1;
            }
            _ => return Err(bad("expected an activity")),
        }
        match tokens.get(*place) {
            Some((Token::Or, _)) => *place += 1,
            Some((Token::Close, _)) if opened => {
                *place += 1;
                return Ok(names);
            }
            _ if opened => return Err(bad("expected `)`")),
            _ => return Ok(names),
        }
    }
}

/// A pattern over numbers: an automaton whose states are the steps still waited for.
pub(super) struct Compiled {
    enters: Vec<u64>,
    ends: Vec<u64>,
    /// Steps that come directly after the one before.
    direct: u64,
    steps: usize,
    from_start: bool,
    to_end: bool,
}

impl Compiled {
    /// Whether a case fits. Takes time in proportion to its length.
    pub(super) fn fits(&self, activities: &[u32]) -> bool {
        let last = 1_u64 << self.steps;
        // Bit i: step i is what comes next, and nothing has forbidden it since the step before.
        let mut waits = 1_u64;
        let mut done = false;
        for activity in activities {
            let (enters, ends) = (self.enters[*activity as usize], self.ends[*activity as usize]);
            let reached = (waits & enters) << 1;
            waits &= !ends & !self.direct;
            if !self.from_start {
                waits |= 1;
            }
            waits |= reached;
            done |= waits & last != 0;
            if done && !self.to_end {
                return true;
            }
        }
        waits & last != 0
    }
}

impl EventLog {
    /// How many cases fit a pattern.
    ///
    /// # Errors
    /// [`MineError`] when the pattern names an activity that the log does not have.
    pub fn matching(&self, pattern: &Pattern) -> Result<PatternMatches, MineError> {
        let compiled = pattern.compile(self)?;
        let cases = self.cases().filter(|case| compiled.fits(case.activities)).count() as u64;
        let of = self.len() as u64;
        Ok(PatternMatches { cases, of, share: cases as f64 / of.max(1) as f64 })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |names: &[String]| names.iter().map(|name| format!("\"{}\"", shown(name))).collect::<Vec<_>>().join(" | ");
        if self.from_start {
            f.write_str("start")?;
        }
        let mut first = !self.from_start;
        for number in 0..=self.steps.len() {
            let Some(gap) = self.gaps.get(number) else { break };
            let step = self.steps.get(number);
            if !gap.without.is_empty() {
                write!(f, "{}not ({})", if first { "" } else { " -> " }, names(&gap.without))?;
                first = false;
            }
            let Some(step) = step else { break };
            write!(
                f,
                "{}{}",
                if first {
                    ""
                } else if gap.direct {
                    " => "
                } else {
                    " -> "
                },
                names(step)
            )?;
            first = false;
        }
        match (self.to_end, self.gaps.last().is_some_and(|gap| gap.direct)) {
            (true, true) => f.write_str(" => end"),
            (true, false) => f.write_str(" -> end"),
            _ => Ok(()),
        }
    }
}
