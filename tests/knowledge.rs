//! # Knowledge: whether questions find the passages that answer them
//!
//! `benches/docs.sh` reports the same figures; here they may not fall.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "../benches/docs/recall.rs"]
mod recall;

#[test]
fn questions_find_the_passages_that_answer_them() {
    let recall = recall::measure().unwrap();
    let lines = recall.lines.join("\n");
    assert!(recall.passages >= 300 && recall.all().of >= 60);
    for part in [recall.all(), recall.latin, recall.wide] {
        assert!(
            part.first() >= 0.7 && part.third() >= 0.85,
            "{part:?}\n{lines}"
        );
    }
    assert!(recall.all().answered() >= 0.85, "{lines}");
    assert!(recall.unknown.answered() <= 0.1, "{lines}");
}
