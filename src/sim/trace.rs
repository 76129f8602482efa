//! # Trace: what happened, as a number and, if asked for, as lines
//!
//! Every line has the virtual time. Lines are kept only in a run that is told aloud: making them
//! would cost most of the time of all others.

use std::collections::VecDeque;

/// Lines that are told when a run fails.
const LINES: usize = 160;

#[derive(Debug, Default)]
pub(super) struct Trace {
    pub(super) now: u64,
    pub(super) hash: u64,
    aloud: bool,
    lines: VecDeque<String>,
}

impl Trace {
    pub(super) const fn new(aloud: bool) -> Self {
        Self {
            now: 0,
            hash: 0,
            aloud,
            lines: VecDeque::new(),
        }
    }

    /// Notes that `what` happened to `who`, with a number that belongs to it.
    pub(super) fn note(&mut self, what: &'static str, who: usize, number: u64) {
        self.mix(what.len() as u64 ^ (who as u64) << 8 ^ self.now << 24);
        self.mix(number);
        if self.aloud {
            self.keep(format!("{:>9} ms  {who:>3}  {what} {number}", self.now));
        }
    }

    /// Notes that these bytes went.
    pub(super) fn bytes(&mut self, what: &'static str, who: usize, bytes: &[u8]) {
        self.note(what, who, bytes.len() as u64);
        for piece in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..piece.len()].copy_from_slice(piece);
            self.mix(u64::from_le_bytes(word));
        }
        if self.aloud {
            let shown = &bytes[..bytes.len().min(48)];
            self.keep(format!("{:>20}{}", "", shown.escape_ascii()));
        }
    }

    /// Keeps a line that somebody has written.
    pub(super) fn line(&mut self, who: usize, line: &str) {
        let line = line.chars().take(300).collect::<String>();
        self.keep(format!("{:>9} ms  {who:>3}  {line}", self.now));
    }

    const fn mix(&mut self, word: u64) {
        self.hash = (self.hash.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn keep(&mut self, line: String) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for line in &self.lines {
                eprintln!("{line}");
            }
        }
    }
}
