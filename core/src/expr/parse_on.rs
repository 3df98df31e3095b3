//! The parser's part about mistakes: how it goes on behind one, so that all of them are told at once.

use super::ast::{Kind, NodeId};
use super::finding::Finding;
use super::lex::TokenKind;
use super::parse::{MOST_FINDINGS, Parsed, Parser};
use crate::value::Value;

impl Parser<'_> {
    /// Reads the whole text. What stands behind a mistake is read as well.
    pub(super) fn whole(&mut self) -> Parsed<NodeId> {
        let root = self.recovered(Self::expression)?;
        while !matches!(self.peek(), TokenKind::End) {
            let finding = self.not_the_end();
            self.keep(finding)?;
            let joins = matches!(self.peek(), TokenKind::Word(word) if matches!(&**word, "and" | "AND" | "or" | "OR"));
            self.at += 1;
            if !joins {
                self.skip(|sign| matches!(sign, "&&" | "||"));
                self.at += 1;
            }
            if !matches!(self.peek(), TokenKind::End) {
                self.recovered(Self::expression)?;
            }
        }
        Ok(root)
    }

    /// Reads a part. When it cannot be read, what is wrong is kept, and reading goes on behind it as if `null` stood there.
    pub(super) fn recovered(&mut self, part: impl FnOnce(&mut Self) -> Parsed<NodeId>) -> Parsed<NodeId> {
        let (start, nesting) = (self.extent(), self.nesting);
        let finding = match part(self) {
            Ok(read) => return Ok(read),
            Err(finding) => finding,
        };
        self.keep(finding)?;
        self.nesting = nesting;
        self.skip(|sign| matches!(sign, "&&" | "||" | "," | "?" | ":"));
        self.told = Some(self.at);
        self.push(Kind::Literal(Value::Null), start)
    }

    /// Takes a closing bracket. When something else stands there, it is looked for behind.
    pub(super) fn close(&mut self, bracket: &'static str) -> Parsed<()> {
        if self.take(bracket) {
            return Ok(());
        }
        let finding = self.unexpected(&format!("expected `{bracket}`"));
        self.keep(finding)?;
        self.skip(|_| false);
        if !self.take(bracket) {
            self.told = Some(self.at);
        }
        Ok(())
    }

    /// Keeps a finding, unless it follows from one that is kept. One that ends the reading is an error.
    fn keep(&mut self, finding: Box<Finding>) -> Parsed<()> {
        if matches!(finding.code, "too_deep" | "too_large") || self.findings.len() >= MOST_FINDINGS {
            return Err(finding);
        }
        let follows = match finding.code {
            "syntax" => self.told == Some(self.at),
            _ => self
                .findings
                .iter()
                .any(|kept| finding.extent.start <= kept.extent.start && kept.extent.start < finding.extent.end),
        };
        if !follows {
            self.findings.push(*finding);
        }
        self.told = Some(self.at);
        Ok(())
    }

    /// Goes on to a sign at which to stop, to a bracket that was opened before, or to the end.
    fn skip(&mut self, stops: impl Fn(&str) -> bool) {
        let mut open = 0_usize;
        loop {
            match self.peek() {
                TokenKind::End => return,
                TokenKind::Sign("(" | "[" | "{") => open += 1,
                TokenKind::Sign(")" | "]" | "}") if open == 0 => return,
                TokenKind::Sign(")" | "]" | "}") => open -= 1,
                TokenKind::Sign(sign) if open == 0 && stops(sign) => return,
                _ => {}
            }
            self.at += 1;
        }
    }
}
